"""A small simulated fleet and one morning of it, for tests of steps that run for real."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.publish import publish_day
from pipelines.score import score_day
from pipelines.settings import Settings, load_settings
from pipelines.step_facts import StepFacts
from pipelines.ticket_step import reconcile_tickets_day

FIRST_DAY = dt.date(2026, 1, 1)
MORNING = FIRST_DAY + dt.timedelta(days=11)

_SETTINGS = f"""
environment = "test"
[lake]
root = "lake"
[[sources]]
name = "drives"
kind = "simulated"
path = "drive_stats"
n_hosts = 25
drives_per_host = 8
seed = 5
first_day = "{FIRST_DAY}"
n_days = 14
annual_failure_rate = 0.9
[list]
length = 6
k_per_day = 2
[tickets]
is_simulated_clock = true
"""

STEPS: tuple[tuple[str, Callable[[dt.date, Settings, Lake], StepFacts]], ...] = (
    ("ingest", ingest_day),
    ("build", build_day),
    ("score", score_day),
    ("publish", publish_day),
    ("tickets", lambda day, settings, lake: reconcile_tickets_day(day, settings, lake, today=day)),
)


def write_settings(folder: Path) -> Settings:
    """Write the fleet's settings into ``folder`` and read them."""
    (folder / "prefail.toml").write_text(_SETTINGS, "utf-8")
    return load_settings(folder / "prefail.toml", {})


def run_steps(settings: Settings, lake: Lake, day: dt.date, *, until: str = "tickets") -> None:
    """Run the steps of one day in order, up to and including ``until``."""
    for name, step in STEPS:
        step(day, settings, lake)
        if name == until:
            return
