"""``prefail drift`` and ``prefail metrics``, as a person types them."""

import argparse
import datetime as dt
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.commands.day_span_runner import run_chosen_days
from pipelines.lake import Lake
from pipelines.monitoring.drift_gate import check_drift
from pipelines.monitoring.findings import drift_key
from pipelines.monitoring.send_figures import send_figures_day
from pipelines.object_store import FolderStore
from pipelines.run_record import read_run_records
from pipelines.settings import MetricsSettings, Settings, load_settings
from pipelines.step_facts import StepFacts
from tests.monitoring.measured_day import DAY, fill, make_settings
from tests.monitoring.watched_fleet import CHANGE, OLD, make_lake, scale

FINDING = f"unit_change:drive:{OLD}:load_cycles"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the settings of a lake in which a counter has another unit since CHANGE."""
    changed = make_lake(scale("load_cycles", OLD, 60), until=CHANGE)
    lake = Lake(FolderStore(tmp_path / "lake"))
    for item in changed.store.list_keys(""):
        if item.key.startswith("core_model_population") or str(CHANGE) in item.key:
            lake.store.write(item.key, changed.store.read(item.key))
    path = tmp_path / "prefail.toml"
    path.write_text('targets = ["drive_fails_30d"]\n[lake]\nroot = "lake"\n', "utf-8")
    return path


def run(config: Path, *arguments: str) -> int:
    return main(["--config", str(config), *arguments])


def test_drift_is_named_shown_and_accepted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "drift", "--day", str(CHANGE)) == 0
    said = capsys.readouterr().out
    assert f"watched {CHANGE}: findings=1 report=0 retrain=0 block=1" in said
    assert f"block: {FINDING}" in said
    command = said.split("Next: prefail ")[1].split("\n")[0]
    assert run(config, *command.split()) == 0
    shown = capsys.readouterr().out
    assert shown.count("shifted") == 1
    assert OLD in shown
    assert run(config, "drift", "--day", str(CHANGE), "--accept", FINDING) == 1
    assert "--who NAME --why TEXT" in capsys.readouterr().err
    accept = ("--accept", FINDING, "--who", "a person", "--why", "the vendor says so")
    assert run(config, "drift", "--day", str(CHANGE), *accept) == 0
    settings = load_settings(config, {})
    assert check_drift(CHANGE, settings, Lake(FolderStore(config.parent / "lake"))).fact("block") == 1


def test_showing_a_signal_writes_nothing(config: Path) -> None:
    assert run(config, "drift", "--day", str(CHANGE), "--signal", "load_cycles") == 0
    assert not Lake(FolderStore(config.parent / "lake")).store.exists(drift_key(CHANGE))


def test_a_signal_that_nothing_reports_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "drift", "--day", str(CHANGE), "--signal", "load") == 1
    assert "'load' is not a signal. Name one of:" in capsys.readouterr().err


def test_figures_are_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = make_settings(tmp_path)
    fill(Lake(FolderStore(tmp_path / "lake")), settings)
    config = tmp_path / "prefail.toml"
    config.write_text(
        'environment = "test"\ntargets = ["drive_fails_30d"]\n[lake]\nroot = "lake"\n'
        '[tickets]\ndesk_path = "desk.sqlite"\n',
        "utf-8",
    )
    assert run(config, "metrics", "--day", str(DAY)) == 0
    printed = capsys.readouterr().out
    assert 'prefail_listed_hosts{environment="test"} 2.0' in printed
    path = tmp_path / "prefail.prom"
    assert run(config, "metrics", "--day", str(DAY), "--textfile", str(path)) == 0
    assert path.read_text("utf-8") == printed
    assert run(config, "metrics", "--day", str(DAY + dt.timedelta(days=8))) == 1
    assert run(config, "metrics", "--day", str(DAY), "--send") == 1
    assert (
        "[metrics] names neither a textfile nor a pushgateway. No figure was sent." in capsys.readouterr().err
    )


def test_the_daily_run_writes_where_the_settings_say(tmp_path: Path, lake: Lake) -> None:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    assert send_figures_day(DAY, settings, lake).fact("sent_to") == "nobody"
    named = settings.model_copy(
        update={"base_folder": tmp_path, "metrics": MetricsSettings(textfile="prefail.prom")}
    )
    assert send_figures_day(DAY, named, lake).fact("sent_to") == "textfile"
    assert (tmp_path / "prefail.prom").stat().st_size > 1000


def test_a_step_of_the_command_line_leaves_its_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prefail.toml").write_text('[lake]\nroot = "lake"\n', "utf-8")

    def step(day: dt.date, _settings: Settings, _lake: Lake) -> StepFacts:
        return StepFacts(step="reconciled tickets", day=day, facts=(("opened", 3),))

    arguments = argparse.Namespace(day=str(DAY), first=None, last=None, config=tmp_path / "prefail.toml")
    assert run_chosen_days(arguments, "trying", step) == 0
    assert capsys.readouterr().out == f"reconciled tickets {DAY}: opened=3\n"
    (record,) = read_run_records(DAY, Lake(FolderStore(tmp_path / "lake")))
    assert (record.step, record.facts) == ("reconciled tickets", {"opened": "3"})
    assert 0 <= record.seconds < 10
