"""Each step of a day leaves a record of itself, whatever words it is named by."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from small_morning import FIRST_DAY, write_settings

from pipelines.cli import main
from pipelines.day_findings import find_newest_check
from pipelines.errors import PermanentError
from pipelines.lake import Lake, open_lake
from pipelines.run_record import read_run_records, record_seconds, run_recorded
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

DAY = dt.date(2026, 2, 1)


@pytest.mark.parametrize(
    "step", ["published", "reconciled tickets", "touched no ticket (replay)", "collected outcomes"]
)
def test_a_step_named_in_words_leaves_its_record(step: str, lake: Lake) -> None:
    facts = StepFacts(step=step, day=DAY, facts=(("listed", 3),))
    assert run_recorded(lambda *_: facts, DAY, Settings(), lake) is facts
    (record,) = read_run_records(DAY, lake)
    assert (record.step, record.facts) == (step, {"listed": "3"})


def test_each_part_of_a_step_leaves_its_own_seconds(lake: Lake) -> None:
    facts = StepFacts(step="ingested", day=DAY, facts=())
    for part in ("drives", "logs", "drives"):
        run_recorded(lambda *_: facts, DAY, Settings(), lake, part=part)
    assert [record.step for record in read_run_records(DAY, lake)] == ["ingested drives", "ingested logs"]


def test_what_raises_leaves_the_record_of_the_run_before(lake: Lake) -> None:
    with record_seconds("trained drive_fails_30d", DAY, lake):
        pass
    before = read_run_records(DAY, lake)
    with pytest.raises(ValueError, match="no"), record_seconds("trained drive_fails_30d", DAY, lake):
        raise ValueError("no")
    assert [record.step for record in before] == ["trained drive_fails_30d"]
    assert read_run_records(DAY, lake) == before


def test_each_step_of_the_daily_run_by_hand_leaves_its_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = write_settings(tmp_path)
    for step in ("ingest", "build", "score", "publish"):
        code = main(["--config", str(tmp_path / "prefail.toml"), step, "--day", str(FIRST_DAY)])
        assert code == 0, capsys.readouterr().err
    lake = open_lake(settings.resolve_path(settings.lake.root))
    steps = [record.step for record in read_run_records(FIRST_DAY, lake)]
    assert steps == ["built", "ingested", "published", "scored"]


@pytest.mark.parametrize(
    ("key", "read"),
    [
        (f"monitoring/runs/day={DAY}/scored.json", read_run_records),
        (f"monitoring/day_checks/day={DAY}.json", find_newest_check),
    ],
)
def test_a_damaged_record_is_named_with_what_depends_on_it_and_what_to_do(
    key: str, read: Callable[[dt.date, Lake], object], lake: Lake
) -> None:
    lake.store.write(key, b"{}")
    with pytest.raises(PermanentError, match=rf"{key} is no .* Delete it, "):
        read(DAY, lake)


def test_sources_of_like_names_keep_records_of_their_own(lake: Lake) -> None:
    facts = StepFacts(step="ingested", day=DAY, facts=())
    for part in ("dc-1", "dc_1"):
        run_recorded(lambda *_: facts, DAY, Settings(), lake, part=part)
    assert [record.step for record in read_run_records(DAY, lake)] == ["ingested dc-1", "ingested dc_1"]
