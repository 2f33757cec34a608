"""Run the whole path on a simulated fleet: history, training, then three weeks of mornings.

The demo goes through the same doors as a real fleet: Drive Stats files on disk, contracts, the
registry, the desk. Everything lies below one folder, and running it again changes nothing.
"""

import datetime as dt
import logging
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data_contracts.loader import list_contracts
from pipelines.build import build_day
from pipelines.commands.output import print_line, print_table
from pipelines.day_runs import run_days
from pipelines.ingest import ingest_day
from pipelines.lake import Lake, open_lake
from pipelines.progress import track
from pipelines.publish import publish_day
from pipelines.published_list import REPORT_FILE, day_folder
from pipelines.registry import champion
from pipelines.score import open_target_scorers, score_day
from pipelines.settings import Settings, load_settings
from pipelines.step_facts import StepFacts
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.tickets.trackers import open_tracker
from pipelines.train import train_target
from pipelines.validation import build_data_docs
from pipelines.verdicts import read_day_verdicts

log = logging.getLogger(__name__)

FIRST_DAY = dt.date(2026, 1, 1)
N_HISTORY_DAYS = 100
N_DAILY_DAYS = 21

_SETTINGS = f"""\
# The demo's settings: a simulated fleet, a folder as the lake, the local ticket desk.
environment = "demo"

[lake]
root = "lake"

[[sources]]
name = "drives"
kind = "simulated"
path = "drive_stats"
n_hosts = 150
drives_per_host = 12
seed = 42
first_day = "{FIRST_DAY}"
n_days = {N_HISTORY_DAYS + N_DAILY_DAYS}
annual_failure_rate = 0.35

[tickets]
is_simulated_clock = true
"""


@dataclass(frozen=True, kw_only=True)
class DemoPlan:
    """What the demo runs: its settings file, the days of history, and the mornings after."""

    folder: Path
    settings_path: Path
    history_days: tuple[dt.date, ...]
    run_days: tuple[dt.date, ...]


def prepare_demo(folder: Path) -> DemoPlan:
    """Write the demo's settings below ``folder`` unless they are there."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    settings_path = folder / "prefail.toml"
    if not settings_path.exists():
        settings_path.write_text(_SETTINGS, "utf-8")
    days = tuple(FIRST_DAY + dt.timedelta(days=n) for n in range(N_HISTORY_DAYS + N_DAILY_DAYS))
    return DemoPlan(
        folder=folder,
        settings_path=settings_path,
        history_days=days[:N_HISTORY_DAYS],
        run_days=days[N_HISTORY_DAYS:],
    )


def open_demo(plan: DemoPlan) -> tuple[Settings, Lake]:
    """Return the demo's settings and lake."""
    settings = load_settings(plan.settings_path)
    return settings, open_lake(settings.resolve_path(settings.lake.root), settings.lake)


def run_history(plan: DemoPlan) -> None:
    """Ingest and build the days before the first morning, and train on them; days already built stay."""
    settings, lake = open_demo(plan)
    missing = [day for day in plan.history_days if not lake.has_day("core_drive_days", day)]
    for _ in run_days(missing, _fill_day, settings, title="building history", n_processes=2):
        pass
    for target in settings.targets:
        if champion(target, lake) is None:
            facts = train_target(target, plan.history_days[-1], settings, lake, who="prefail demo")
            print_line(facts.summary)


def _fill_day(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    ingest_day(day, settings, lake)
    return build_day(day, settings, lake)


def run_demo(folder: Path) -> None:
    """Run history, training and every morning without Airflow, then print what came of it."""
    plan = prepare_demo(folder)
    run_history(plan)
    settings, lake = open_demo(plan)
    scorers = open_target_scorers(settings, lake)
    for day in track(plan.run_days, "running mornings"):
        ingest_day(day, settings, lake)
        build_day(day, settings, lake)
        score_day(day, settings, lake, scorers=scorers)
        publish_day(day, settings, lake)
        reconcile_tickets_day(day, settings, lake, today=day + dt.timedelta(days=1))
    print_summary(plan)


def print_summary(plan: DemoPlan) -> None:
    """Print the contract verdicts of the last morning, its list, the tickets, and where the report is."""
    settings, lake = open_demo(plan)
    day = plan.run_days[-1]
    print_table(
        f"Contract verdicts of {day}",
        ("dataset", "verdict", "rows", "set aside"),
        [
            (verdict.dataset, verdict.verdict, verdict.n_rows, verdict.n_quarantined)
            for verdict in read_day_verdicts(lake, day, tuple(list_contracts()))
        ],
    )
    listed = lake.read_day("out_at_risk_hosts", day).to_pylist()
    print_line("")
    print_table(
        f"At-risk list of {day} (first 10 of {len(listed)})",
        ("rank", "host", "slot", "part", "model", "risk", "due"),
        [
            (
                row["rank"],
                row["host_id"],
                row["slot"],
                f"{row['component_kind']} {row['component_id']}",
                row["model"],
                f"{row['risk']:.0%}",
                row["due_day"],
            )
            for row in listed[:10]
        ],
    )
    tickets = open_tracker(settings).list_all(settings.environment)
    states = Counter("open" if t.is_open else f"closed ({t.outcome})" for t in tickets)
    print_line("")
    print_table(
        "Tickets, newest 5 (" + ", ".join(f"{n} {state}" for state, n in sorted(states.items())) + ")",
        ("ticket", "state", "title"),
        [(t.ticket_id, "open" if t.is_open else "closed", t.title) for t in tickets[-5:]],
    )
    print_line("")
    command = (
        f"{_as_typed(Path(sys.executable).with_name('prefail'))} --config {_as_typed(plan.settings_path)}"
    )
    newest = tickets[-1].ticket_id if tickets else "ID"
    print_line(f"Report:    {_as_typed(Path(lake.store.uri(day_folder(day) + REPORT_FILE)))}")
    print_line(f"Data Docs: {_as_typed(Path(build_data_docs(lake)))}")
    print_line(f"Tickets:   {command} tickets list")
    print_line(f"Audit one: {command} tickets show {newest}")


def _as_typed(path: Path) -> str:
    """Return the path as a person in this folder would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
