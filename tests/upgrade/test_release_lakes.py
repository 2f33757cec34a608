"""Lakes that releases have made: this code opens each, goes on with it, and can go back to its former model."""

import datetime as dt
import tarfile
import time
from importlib import metadata
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.cli import main
from pipelines.day_runs import open_settings_lake
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.lake_commands.checks import check_lake
from pipelines.lake_format import read_format
from pipelines.ledger import read_ledger
from pipelines.publish import publish_day
from pipelines.published_list import read_file, read_latest
from pipelines.registry import champion, load_model
from pipelines.score import score_day
from pipelines.settings import Settings
from pipelines.ticket_step import reconcile_tickets_day
from tests.upgrade.release_lake import LAKES, LIST_DAY, TARGET, write_settings

ARCHIVES = sorted(LAKES.glob("*.tar.gz"))
NEXT_DAY = LIST_DAY + dt.timedelta(days=1)


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path / "lake")  # ours; Debian's Python 3.11.2 knows no filter
    return write_settings(tmp_path)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return open_settings_lake(settings)


def test_each_release_has_left_its_lake_and_it_is_small() -> None:
    assert f"{metadata.version('prefail')}.tar.gz" in {path.name for path in ARCHIVES}
    assert all(path.stat().st_size < 1_000_000 for path in ARCHIVES)


def test_everything_that_was_published_is_still_read_and_every_digest_holds(lake: Lake) -> None:
    checked = check_lake(lake, read_all=True)
    # The days that the fixture did not keep are missed, as they should be; nothing else is wrong.
    problems = [finding for finding in checked.findings if finding.severity == "problem"]
    assert [finding for finding in problems if not finding.what.endswith("it is gone")] == []
    assert checked.n_digests > 5
    latest = read_latest(lake)
    assert latest is not None
    assert latest.day == LIST_DAY
    assert b"<html" in read_file(latest, "report.html", lake)


def test_the_ledger_and_both_models_are_still_read(lake: Lake) -> None:
    entries = read_ledger(TARGET, lake)
    promoted = [entry.model_id for entry in entries if entry.event == "promoted"]
    assert len(promoted) == 2
    assert champion(TARGET, lake) == promoted[-1]
    for model_id in promoted:
        assert model_id is not None
        assert load_model(model_id, lake).card.features


def test_the_next_day_goes_on_where_that_release_stopped(settings: Settings, lake: Lake) -> None:
    ingest_day(NEXT_DAY, settings, lake)
    build_day(NEXT_DAY, settings, lake)
    score_day(NEXT_DAY, settings, lake)
    publish_day(NEXT_DAY, settings, lake)
    facts = reconcile_tickets_day(NEXT_DAY, settings, lake, today=NEXT_DAY + dt.timedelta(days=1))
    latest = read_latest(lake)
    assert latest is not None
    assert latest.day == NEXT_DAY
    listed = lake.read_day("out_at_risk_hosts", NEXT_DAY)
    assert set(listed["model_id"].to_pylist()) == {champion(TARGET, lake)}
    assert f"listed={listed.num_rows}" in facts.summary
    assert read_format(lake).lake >= 1


def test_rollback_takes_less_than_a_minute_and_is_in_the_ledger(
    settings: Settings, lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    former = read_ledger(TARGET, lake)[-1].previous_champion
    started = time.monotonic()
    code = main(
        [
            "--config",
            str(tmp_path / "prefail.toml"),
            "rollback",
            "--target",
            TARGET,
            "--why",
            "too many tickets",
        ]
    )
    assert time.monotonic() - started < 60.0
    assert code == 0, capsys.readouterr().err
    entry = read_ledger(TARGET, lake)[-1]
    assert (entry.event, entry.champion, entry.why) == ("rolled_back", former, "too many tickets")
    assert former is not None
    assert f"rolled back {TARGET}: in_use={former} former=" in capsys.readouterr().out
    score_day(LIST_DAY, settings, lake)
    used = set(lake.read_day("out_predictions", LIST_DAY)["model_id"].to_pylist()) - {None}
    assert used == {former}


def test_a_rollback_of_a_target_that_is_none_is_refused_with_their_names(
    settings: Settings, lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_ledger(TARGET, lake)
    config = str(tmp_path / "prefail.toml")
    assert main(["--config", config, "rollback", "--target", "disc_fails", "--why", "x"]) == 1
    said = capsys.readouterr().err
    assert "disc_fails" in said
    assert TARGET in said
    assert read_ledger(TARGET, lake) == before
