"""Every command that the README shows is run, in its order, in an empty folder with a fleet of one's own."""

import datetime as dt
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.day_runs import open_settings_lake
from pipelines.ledger import read_ledger
from pipelines.registry import champion, promote_model
from pipelines.settings import load_settings
from pipelines.tickets.trackers import open_tracker
from tests.docs.readme_fleet import N_DAYS, write_fleet

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text("utf-8")
TARGET = "drive_fails_30d"

# What is not run here, and who runs it. A command that is neither run nor named here fails the test.
RUN_ELSEWHERE = {
    "make demo": "tests/end_to_end/test_demo_in_airflow.py, twice",
    "make up": "tests/ui: its script, infra/make/up.sh, until Airflow is healthy and Ctrl-C",
    "make test": "runs this",
    "make test-quick": "a part of make test",
    "make check": "CI, before make test",
    "make bench": "by hand, minutes; tests/benchmarks is what it starts",
    "prefail --config PATH …": "not a command but the place of an option; every test of the command line uses it",
}

# Days by what the README calls them, counted from the last delivered one. It speaks of half a year; a
# hundred days are the fewest that can be learned from and judged, and they end yesterday, because tickets
# are only opened for a list that is new.
DAYS_BEFORE_LAST = {
    "D": 0,
    "2026-01-01": N_DAYS - 1,
    "2026-04-30": 36,
    "2026-05-01": 35,
    "2026-06-30": 1,
    "2026-03-01": 0,
    "2026-03-02": -8,
}


def list_commands() -> list[str]:
    """Return what the README's shell blocks and code spans say to run, in its order."""
    found = re.findall(r"```sh\n(.*?)```|`((?:prefail|make) [^`]+)`", README, re.DOTALL)
    lines = [line.strip() for block, span in found for line in (block or span).splitlines()]
    single = [part.strip() for line in lines for part in line.split("&&")]
    return [command for command in single if command]


def fill_in(command: str, last_day: dt.date, ticket: str) -> str:
    """Replace the README's days and its ticket 47 by this fleet's; "…" is any of its days."""
    command = command.replace("--from …", "--from 2026-05-01").replace("--to …", "--to 2026-06-30")

    def day_of(match: re.Match[str]) -> str:
        assert match[0] in DAYS_BEFORE_LAST, f"{command}: say in DAYS_BEFORE_LAST which day {match[0]} is"
        return str(last_day - dt.timedelta(days=DAYS_BEFORE_LAST[match[0]]))

    return re.sub(r"\b47\b", ticket, re.sub(r"\b(?:\d{4}-\d\d-\d\d|D)\b", day_of, command))


def oldest_open_ticket() -> str:
    """Return the number of a ticket that a person could still answer; 0 before there are any."""
    settings = load_settings(Path("prefail.toml"))
    tickets = open_tracker(settings).list_open(settings.environment)
    return min((ticket.ticket_id for ticket in tickets), key=int, default="0")


def put_trained_model_in_use(last_day: dt.date) -> None:
    """Promote what was trained, whatever the gate said of so small a fleet: a rollback needs a model in use."""
    lake = open_settings_lake(load_settings(Path("prefail.toml")))
    if champion(TARGET, lake) is None:
        trained = read_ledger(TARGET, lake)[-1].model_id
        assert trained is not None
        promote_model(trained, TARGET, lake, who="a test", why="the README", as_of=last_day, comparison=())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_readme_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    last_day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    write_fleet(tmp_path, README, last_day)
    monkeypatch.chdir(tmp_path)
    commands = list_commands()
    assert set(RUN_ELSEWHERE) <= set(commands), (
        "a reason is left of a command that the README no longer shows"
    )
    for shown in (command for command in commands if command not in {*RUN_ELSEWHERE, "make help"}):
        program, *arguments = shlex.split(fill_in(shown, last_day, oldest_open_ticket()))
        assert program == "prefail", f"{shown}: run it here, or name in RUN_ELSEWHERE who does"
        if shown.startswith("prefail rollback"):
            put_trained_model_in_use(last_day)
        code = main(arguments)
        said = capsys.readouterr()
        assert code == 0, f"{shown}\n{said.out}\n{said.err}"
        assert said.out.strip(), f"{shown} says nothing"


def test_make_help_names_every_verb_that_the_readme_shows() -> None:
    done = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True)
    for verb in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^  make {verb} ", done.stdout, re.MULTILINE)
