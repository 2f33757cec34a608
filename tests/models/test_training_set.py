import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from model_fleet import AS_OF, FIRST_DAY, LAST_DAY, make_settings, make_target

from features.target import Target
from pipelines.failures import day_number, read_failures
from pipelines.lake import Lake
from pipelines.training_set import TrainingSet, collect_training_set


def collect(
    lake: Lake, *, as_of: dt.date = AS_OF, target: Target | None = None, **training: int
) -> TrainingSet:
    target = target or make_target()
    failures = read_failures(lake, "drive", as_of)
    return collect_training_set(
        target, target.feature_names, as_of, failures, lake, make_settings(**training).training
    )


def fingerprint(rows: TrainingSet) -> tuple[bytes, ...]:
    return (
        rows.features.tobytes(),
        rows.fails.tobytes(),
        rows.day.tobytes(),
        rows.label_known_day.tobytes(),
        rows.component_keys.tobytes(),
        rows.n_days_of_model.tobytes(),
    )


def test_the_number_of_passes_changes_nothing(fleet_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    together = collect(fleet_lake)
    monkeypatch.setattr("pipelines.cube_reading._HEADROOM", 10_000.0)
    one_by_one = collect(fleet_lake)
    assert fingerprint(together) == fingerprint(one_by_one)
    monkeypatch.setattr("pipelines.training_sample._MAX_CELLS", 700)
    assert fingerprint(collect(fleet_lake)) == fingerprint(together)


def test_no_immature_label_is_learned_and_none_that_was_unknown_at_the_as_of_day(fleet_lake: Lake) -> None:
    rows = collect(fleet_lake)
    assert rows.fails.sum() > 100
    assert rows.label_known_day.max() <= day_number(AS_OF)
    assert np.all(rows.label_known_day >= rows.day + 30)


def test_days_after_the_as_of_day_are_never_read(fleet_lake: Lake, own_fleet_lake: Lake) -> None:
    for dataset in ("core_drive_days", "core_failures", "core_model_population"):
        for day in own_fleet_lake.list_days(dataset):
            if day > AS_OF:
                own_fleet_lake.delete_day(dataset, day)
    assert fingerprint(collect(own_fleet_lake)) == fingerprint(collect(fleet_lake))


def test_a_later_as_of_day_only_adds_rows_of_later_days_and_known_labels(fleet_lake: Lake) -> None:
    target = make_target()
    everything = target.model_copy(
        update={
            "training": target.training.model_copy(
                update={"positive_share": 1.0, "negatives_per_positive": 10_000}
            )
        }
    )
    early = collect(fleet_lake, target=everything)
    late = collect(fleet_lake, as_of=LAST_DAY, target=everything)
    known = late.known_by(AS_OF)
    assert np.array_equal(late.component_keys[known], early.component_keys)
    assert np.array_equal(late.day[known], early.day)
    assert np.array_equal(late.fails[known], early.fails)
    assert late.features[known].tobytes() == early.features.tobytes()


def test_labels_are_those_of_a_dumb_loop_over_the_failures(fleet_lake: Lake) -> None:
    rows = collect(fleet_lake)
    failures = read_failures(fleet_lake, "drive", AS_OF)
    failed_on = dict(zip(failures.component_keys.tolist(), failures.day.tolist(), strict=True))
    for key, day, fails in zip(
        rows.component_keys.tolist(), rows.day.tolist(), rows.fails.tolist(), strict=True
    ):
        failure = failed_on.get(key)
        assert fails == (failure is not None and day + 1 < failure <= day + 30)
        assert failure is None or failure > day + 1


def test_the_sample_keeps_its_shares_and_the_weights_undo_them(fleet_lake: Lake) -> None:
    rows = collect(fleet_lake)
    n_failing = 29 * len(read_failures(fleet_lake, "drive", AS_OF).day)
    assert rows.fails.sum() == pytest.approx(0.5 * n_failing, rel=0.25)
    assert (~rows.fails).sum() / rows.fails.sum() == pytest.approx(10, rel=0.35)
    n_component_days = sum(
        fleet_lake.open_day("core_drive_days", day).metadata.num_rows
        for day in fleet_lake.list_days("core_drive_days")
        if day <= AS_OF - dt.timedelta(days=30)
    )
    assert rows.weight.sum() == pytest.approx(n_component_days, rel=0.1)


def test_a_small_memory_limit_takes_fewer_rows_and_never_more_than_it_holds(fleet_lake: Lake) -> None:
    target = make_target()
    hungry = target.model_copy(
        update={"training": target.training.model_copy(update={"negatives_per_positive": 10_000})}
    )
    failures = read_failures(fleet_lake, "drive", AS_OF)
    settings = make_settings(memory_limit_mb=100, negatives_per_positive=10_000).training
    wide = tuple(f"pending_sectors_increase_{days}d" for days in range(1, 91))
    rows = collect_training_set(
        hungry, wide, AS_OF, failures, fleet_lake, settings.model_copy(update={"memory_limit_mb": 4})
    )
    assert rows.features.nbytes < 3_000_000


def test_history_days_leaves_out_older_rows_but_not_the_lookback_of_those_that_stay(fleet_lake: Lake) -> None:
    target = make_target()
    training = target.training.model_copy(
        update={"history_days": 60, "positive_share": 1.0, "negatives_per_positive": 10_000}
    )
    whole = collect(
        fleet_lake,
        target=target.model_copy(update={"training": training.model_copy(update={"history_days": None})}),
    )
    recent = collect(fleet_lake, target=target.model_copy(update={"training": training}))
    kept = whole.day >= day_number(AS_OF - dt.timedelta(days=60))
    assert recent.features.tobytes() == whole.features[kept].tobytes()


def test_a_row_that_reached_us_after_the_as_of_day_is_left_out(own_fleet_lake: Lake) -> None:
    before = collect(own_fleet_lake)
    day = FIRST_DAY + dt.timedelta(days=50)
    table = own_fleet_lake.read_day("core_drive_days", day)
    late = table.set_column(
        table.schema.get_field_index("known_at"),
        "known_at",
        [[dt.datetime.combine(AS_OF + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)] * table.num_rows],
    ).cast(table.schema)
    own_fleet_lake.write_day("core_drive_days", day, late, row_group_rows=[table.num_rows, *[0] * 15])
    after = collect(own_fleet_lake)
    assert day_number(day) in before.day
    assert day_number(day) not in after.day


def test_a_part_changed_on_our_advice_teaches_nothing_of_the_days_whose_horizon_holds_the_change(
    own_fleet_lake: Lake,
) -> None:
    before = collect(own_fleet_lake)
    # A survivor: the rows of the others must stay as they are, so one that is in the sample.
    key = int(before.component_keys[~before.fails][0])
    changed_on = FIRST_DAY + dt.timedelta(days=60)
    known_at = dt.datetime.combine(changed_on, dt.time(23), tzinfo=dt.UTC)
    row = {
        "component_id": ["a bay"],
        "component_key": pa.array([key], pa.uint64()),
        "component_kind": ["drive"],
        "model": ["Alpha-4T"],
        "host_id": ["a host"],
        "failure_source": ["tickets"],
        "is_confirmed": [False],
        "known_at": pa.array([known_at], pa.timestamp("us", "UTC")),
    }
    own_fleet_lake.write_day("core_failures", changed_on, pa.table(row), part="outcomes-2026-03-02")
    after = collect(own_fleet_lake)
    number = day_number(changed_on)
    is_gone = (
        (before.component_keys == key) & (before.day <= number) & (before.day >= number - 30) & ~before.fails
    )
    assert is_gone.any()
    assert np.array_equal(after.component_keys, before.component_keys[~is_gone])
    assert np.array_equal(after.day, before.day[~is_gone])
    assert np.array_equal(after.fails, before.fails[~is_gone])
