"""A day that several machines score in parts: the same bytes as one process, or nothing and a reason."""

import datetime as dt

import pytest

from features.shards import N_SHARDS
from features.target import load_target
from pipelines import cube_reading
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake_commands.retention import delete_expired, find_expired
from pipelines.registry import promote_model
from pipelines.score import score_day
from pipelines.score_parts import DATASET, ScoringPart, gather_parts, score_part, share_out_day
from pipelines.settings import ScoringSettings, Settings
from pipelines.step_facts import StepFacts

from .fleet import DAY, TARGET, Fleet, drive_days
from .several_kinds import take_away

YESTERDAY = DAY - dt.timedelta(days=1)
MOST = N_SHARDS


def promote(fleet: Fleet) -> None:
    promote_model(
        fleet.model_id, TARGET, fleet.lake, who="a test", why="it was asked", as_of=DAY, comparison=()
    )


def in_parts(fleet: Fleet, n_parts: int) -> Settings:
    return fleet.settings.model_copy(update={"scoring": ScoringSettings(n_parts=n_parts)})


def score_in_parts(fleet: Fleet, n_parts: int, day: dt.date = DAY) -> StepFacts:
    """Do what the tasks of score_day do; the shares from last to first, as they may come."""
    settings = in_parts(fleet, n_parts)
    parts = share_out_day(day, settings, fleet.lake)
    for part in reversed(parts):
        score_part(part, day, settings, fleet.lake)
    return gather_parts(parts, day, settings, fleet.lake)


@pytest.mark.parametrize(
    ("n_parts", "least_sharded_rows"),
    [(1, 64_000), (5, 1), (MOST, 1), (MOST, 64_000)],
    ids=["one", "5, row group a shard", "16, row group a shard", "16, one row group"],
)
def test_however_many_parts_the_predictions_are_the_same_bytes(
    several: Fleet, n_parts: int, least_sharded_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(several)
    take_away(several.lake, DAY, "logs-b")
    monkeypatch.setattr(cube_reading, "_LEAST_SHARDED_ROWS", least_sharded_rows)
    for day in several.lake.list_days("core_drive_days"):
        rows = several.lake.read_day("core_drive_days", day)
        groups = cube_reading.shard_row_groups(rows["component_key"].to_numpy())
        several.lake.write_day("core_drive_days", day, rows, row_group_rows=groups)
    whole = score_day(DAY, several.settings, several.lake)
    expected = several.lake.digest_day("out_predictions", DAY)
    assert len(set(several.lake.read_day("out_predictions", DAY)["target"].to_pylist())) == 3
    several.lake.delete_day("out_predictions", DAY)

    assert score_in_parts(several, n_parts) == whole
    assert several.lake.digest_day("out_predictions", DAY) == expected
    several.lake.delete_day("out_predictions", DAY)

    assert score_day(DAY, in_parts(several, n_parts), several.lake) == whole, "one after the other, by hand"
    assert several.lake.digest_day("out_predictions", DAY) == expected


def test_predictions_keep_the_order_of_the_settings_though_a_database_sorts_the_models_anew(
    several: Fleet,
) -> None:
    score_day(DAY, several.settings, several.lake)
    expected = several.lake.digest_day("out_predictions", DAY)
    settings = in_parts(several, 2)
    # JSONB of PostgreSQL keeps an object's names by length, then by bytes.
    parts = tuple(
        part.model_copy(
            update={
                "model_ids": dict(sorted(part.model_ids.items(), key=lambda item: (len(item[0]), item[0])))
            }
        )
        for part in share_out_day(DAY, settings, several.lake)
    )
    assert list(parts[0].model_ids) != [each for each in settings.targets if each in parts[0].model_ids]
    for part in parts:
        score_part(part, DAY, settings, several.lake)
    gather_parts(parts, DAY, settings, several.lake)
    assert several.lake.digest_day("out_predictions", DAY) == expected


def test_a_share_that_is_not_scored_leaves_the_list_before_and_says_what_to_clear(several: Fleet) -> None:
    settings = in_parts(several, 4)
    score_day(DAY, settings, several.lake)
    before = several.lake.digest_day("out_predictions", DAY)
    parts = share_out_day(DAY, settings, several.lake)
    for part in parts[:-1]:
        score_part(part, DAY, settings, several.lake)
    with pytest.raises(MissingInputError, match=r"Shards 12-15 of .* are not scored.*Clear `share_out`"):
        gather_parts(parts, DAY, settings, several.lake)
    assert several.lake.digest_day("out_predictions", DAY) == before


def test_shares_of_a_day_that_was_built_again_in_between_are_not_put_together(several: Fleet) -> None:
    settings = in_parts(several, 2)
    parts = share_out_day(DAY, settings, several.lake)
    score_part(parts[0], DAY, settings, several.lake)
    several.lake.write_day("core_drive_days", DAY, drive_days(DAY).slice(1))
    score_part(parts[1], DAY, settings, several.lake)
    with pytest.raises(PermanentError, match="different component-days"):
        gather_parts(parts, DAY, settings, several.lake)
    score_part(parts[0], DAY, settings, several.lake)
    gather_parts(parts, DAY, settings, several.lake)


def test_a_model_that_is_promoted_in_between_scores_from_the_next_time_on(several: Fleet) -> None:
    settings = in_parts(several, 2)
    parts = share_out_day(DAY, settings, several.lake)
    score_part(parts[0], DAY, settings, several.lake)
    promote(several)
    score_part(parts[1], DAY, settings, several.lake)
    gather_parts(parts, DAY, settings, several.lake)
    scored_by = several.lake.read_day("out_predictions", DAY)["model_id"].to_pylist()
    assert {name for name in scored_by if TARGET in name} == {f"rule:{TARGET}"}
    score_in_parts(several, 2)
    scored_by = several.lake.read_day("out_predictions", DAY)["model_id"].to_pylist()
    assert {name for name in scored_by if TARGET in name} == {several.model_id}


def test_gathering_can_be_repeated_until_retention_ends_the_shares(several: Fleet) -> None:
    score_in_parts(several, 3, YESTERDAY)
    first = several.lake.digest_day("out_predictions", YESTERDAY)
    score_in_parts(several, 3, DAY)
    parts = share_out_day(YESTERDAY, in_parts(several, 3), several.lake)
    gather_parts(parts, YESTERDAY, several.settings, several.lake)
    assert several.lake.digest_day("out_predictions", YESTERDAY) == first
    days_kept = several.settings.days_kept
    assert days_kept == {DATASET: 7}
    for expired in find_expired(days_kept, YESTERDAY + dt.timedelta(days=8), several.lake):
        delete_expired(expired, several.lake)
    assert {day for day, _ in several.lake.list_parts(DATASET)} == {DAY}


def test_a_day_that_was_not_built_is_not_shared_out(several: Fleet) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    with pytest.raises(MissingInputError, match=f"prefail ingest --day {tomorrow} && prefail build"):
        share_out_day(tomorrow, several.settings, several.lake)


def test_a_share_goes_from_task_to_task_as_json(several: Fleet) -> None:
    parts = share_out_day(DAY, in_parts(several, 5), several.lake)
    assert [part.name for part in parts] == ["00-02", "03-05", "06-08", "09-11", "12-15"]
    assert tuple(ScoringPart.model_validate(part.as_document()) for part in parts) == parts
    assert set(parts[0].model_ids) == {name for name in several.settings.targets if has_day(several, name)}


def has_day(fleet: Fleet, target: str) -> bool:
    return fleet.lake.has_day(load_target(target).dataset, DAY)
