"""A day whose shards several machines score: the same bytes as one process, or nothing and a reason."""

import datetime as dt

import pytest

from features.shards import N_SHARDS
from features.target import load_target
from pipelines import cube_reading
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake_commands.retention import delete_expired, find_expired
from pipelines.registry import promote_model
from pipelines.score import score_day
from pipelines.settings import ScoringSettings, Settings
from pipelines.shard_scoring import DATASET, ShardGroup, gather_shards, list_shard_groups, score_shards
from pipelines.step_facts import StepFacts

from .fleet import DAY, TARGET, Fleet, drive_days
from .several_kinds import take_away

YESTERDAY = DAY - dt.timedelta(days=1)
MOST = N_SHARDS


def promote(fleet: Fleet) -> None:
    promote_model(
        fleet.model_id, TARGET, fleet.lake, who="a test", why="it was asked", as_of=DAY, comparison=()
    )


def in_groups(fleet: Fleet, n_shard_groups: int) -> Settings:
    return fleet.settings.model_copy(update={"scoring": ScoringSettings(n_shard_groups=n_shard_groups)})


def score_in_groups(fleet: Fleet, n_shard_groups: int, day: dt.date = DAY) -> StepFacts:
    """Do what the tasks of score_day do; the groups from last to first, as they may come."""
    settings = in_groups(fleet, n_shard_groups)
    shard_groups = list_shard_groups(day, settings, fleet.lake)
    for group in reversed(shard_groups):
        score_shards(group, day, settings, fleet.lake)
    return gather_shards(shard_groups, day, settings, fleet.lake)


@pytest.mark.parametrize(
    ("n_shard_groups", "least_sharded_rows"),
    [(1, 64_000), (5, 1), (MOST, 1), (MOST, 64_000)],
    ids=["one", "5, row group a shard", "16, row group a shard", "16, one row group"],
)
def test_however_many_shard_groups_the_predictions_are_the_same_bytes(
    several: Fleet, n_shard_groups: int, least_sharded_rows: int, monkeypatch: pytest.MonkeyPatch
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

    assert score_in_groups(several, n_shard_groups) == whole
    assert several.lake.digest_day("out_predictions", DAY) == expected
    several.lake.delete_day("out_predictions", DAY)

    assert score_day(DAY, in_groups(several, n_shard_groups), several.lake) == whole, (
        "one after the other, by hand"
    )
    assert several.lake.digest_day("out_predictions", DAY) == expected


def test_predictions_keep_the_order_of_the_settings_though_a_database_sorts_the_models_anew(
    several: Fleet,
) -> None:
    score_day(DAY, several.settings, several.lake)
    expected = several.lake.digest_day("out_predictions", DAY)
    settings = in_groups(several, 2)
    # JSONB of PostgreSQL keeps an object's names by length, then by bytes.
    shard_groups = tuple(
        group.model_copy(
            update={
                "model_ids": dict(sorted(group.model_ids.items(), key=lambda item: (len(item[0]), item[0])))
            }
        )
        for group in list_shard_groups(DAY, settings, several.lake)
    )
    assert list(shard_groups[0].model_ids) != [
        each for each in settings.targets if each in shard_groups[0].model_ids
    ]
    for group in shard_groups:
        score_shards(group, DAY, settings, several.lake)
    gather_shards(shard_groups, DAY, settings, several.lake)
    assert several.lake.digest_day("out_predictions", DAY) == expected


def test_a_shard_group_that_is_not_scored_leaves_the_list_before_and_says_what_to_clear(
    several: Fleet,
) -> None:
    settings = in_groups(several, 4)
    score_day(DAY, settings, several.lake)
    before = several.lake.digest_day("out_predictions", DAY)
    shard_groups = list_shard_groups(DAY, settings, several.lake)
    for group in shard_groups[:-1]:
        score_shards(group, DAY, settings, several.lake)
    with pytest.raises(MissingInputError, match=r"Shards 12-15 of .* are not scored.*Clear `list_shards`"):
        gather_shards(shard_groups, DAY, settings, several.lake)
    assert several.lake.digest_day("out_predictions", DAY) == before


def test_shards_of_a_day_that_was_built_again_in_between_are_not_put_together(several: Fleet) -> None:
    settings = in_groups(several, 2)
    shard_groups = list_shard_groups(DAY, settings, several.lake)
    score_shards(shard_groups[0], DAY, settings, several.lake)
    several.lake.write_day("core_drive_days", DAY, drive_days(DAY).slice(1))
    score_shards(shard_groups[1], DAY, settings, several.lake)
    with pytest.raises(PermanentError, match="different component-days"):
        gather_shards(shard_groups, DAY, settings, several.lake)
    score_shards(shard_groups[0], DAY, settings, several.lake)
    gather_shards(shard_groups, DAY, settings, several.lake)


def test_a_model_that_is_promoted_in_between_scores_from_the_next_time_on(several: Fleet) -> None:
    settings = in_groups(several, 2)
    shard_groups = list_shard_groups(DAY, settings, several.lake)
    score_shards(shard_groups[0], DAY, settings, several.lake)
    promote(several)
    score_shards(shard_groups[1], DAY, settings, several.lake)
    gather_shards(shard_groups, DAY, settings, several.lake)
    scored_by = several.lake.read_day("out_predictions", DAY)["model_id"].to_pylist()
    assert {name for name in scored_by if TARGET in name} == {f"rule:{TARGET}"}
    score_in_groups(several, 2)
    scored_by = several.lake.read_day("out_predictions", DAY)["model_id"].to_pylist()
    assert {name for name in scored_by if TARGET in name} == {several.model_id}


def test_gathering_can_be_repeated_until_retention_ends_the_shards(several: Fleet) -> None:
    score_in_groups(several, 3, YESTERDAY)
    first = several.lake.digest_day("out_predictions", YESTERDAY)
    score_in_groups(several, 3, DAY)
    shard_groups = list_shard_groups(YESTERDAY, in_groups(several, 3), several.lake)
    gather_shards(shard_groups, YESTERDAY, several.settings, several.lake)
    assert several.lake.digest_day("out_predictions", YESTERDAY) == first
    days_kept = several.settings.days_kept
    assert days_kept == {DATASET: 7}
    for expired in find_expired(days_kept, YESTERDAY + dt.timedelta(days=8), several.lake):
        delete_expired(expired, several.lake)
    assert {day for day, _ in several.lake.list_parts(DATASET)} == {DAY}


def test_a_day_that_was_not_built_has_no_shards_to_score(several: Fleet) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    with pytest.raises(MissingInputError, match=f"prefail ingest --day {tomorrow} && prefail build"):
        list_shard_groups(tomorrow, several.settings, several.lake)


def test_a_shard_group_goes_from_task_to_task_as_json(several: Fleet) -> None:
    shard_groups = list_shard_groups(DAY, in_groups(several, 5), several.lake)
    assert [group.name for group in shard_groups] == ["00-02", "03-05", "06-08", "09-11", "12-15"]
    assert tuple(ShardGroup.model_validate(group.as_document()) for group in shard_groups) == shard_groups
    assert set(shard_groups[0].model_ids) == {
        name for name in several.settings.targets if has_day(several, name)
    }


def has_day(fleet: Fleet, target: str) -> bool:
    return fleet.lake.has_day(load_target(target).dataset, DAY)
