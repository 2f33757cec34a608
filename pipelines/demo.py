"""Run the whole path on a simulated fleet: history, training, then ten mornings.

The demo goes through the same doors as a real fleet: Drive Stats files, an inventory, a kernel log and
repair records on disk, contracts, the registry, the desk. Everything lies below one folder, and running
it again changes nothing.
"""

import datetime as dt
import logging
from dataclasses import dataclass
from pathlib import Path

from pipelines.build import build_day
from pipelines.commands.output import print_line
from pipelines.day_runs import run_days
from pipelines.demo_summary import summarise_morning
from pipelines.ingest import ingest_day
from pipelines.lake import Lake, open_lake
from pipelines.progress import track
from pipelines.publish import publish_day
from pipelines.registry import champion
from pipelines.score import score_day
from pipelines.settings import Settings, load_settings
from pipelines.step_facts import StepFacts
from pipelines.target_scorers import open_target_scorers
from pipelines.targets import list_built_targets
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.train import train_target

log = logging.getLogger(__name__)

FIRST_DAY = dt.date(2026, 1, 1)
N_HISTORY_DAYS = 100
N_DAILY_DAYS = 10

# The fleet's files go on for years, so that the schedule of `make up` finds every day up to today's.
_N_SIMULATED_DAYS = 3650

_FLEET = f"""\
kind = "simulated"
path = "fleet"
n_hosts = 150
drives_per_host = 12
seed = 42
first_day = "{FIRST_DAY}"
n_days = {_N_SIMULATED_DAYS}
annual_failure_rate = 0.35
"""
# By name. The inventory comes first: what it says of a drive counts before what the drives' files say.
_PARTS = {
    "inventory": "inventory",
    "drives": "drives",
    "logs": "kernel_log",
    "repairs": "failure_records",
}

_SETTINGS = """\
# The demo's settings: a simulated fleet, a folder as the lake, the local ticket desk.
environment = "demo"

[lake]
root = "lake"

[tickets]
is_simulated_clock = true
""" + "".join(f'\n[[sources]]\nname = "{name}"\npart = "{part}"\n{_FLEET}' for name, part in _PARTS.items())


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
    for target in list_built_targets(settings, lake):
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
    """Print what came of the last morning."""
    settings, lake = open_demo(plan)
    summarise_morning(plan.run_days[-1], settings, lake, settings_path=plan.settings_path)
