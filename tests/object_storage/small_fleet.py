"""A small simulated fleet and the whole daily path over it, for any lake."""

import datetime as dt
from pathlib import Path

from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.publish import publish_day
from pipelines.score import score_day
from pipelines.settings import Settings, load_settings
from pipelines.ticket_step import reconcile_tickets_day

FIRST_DAY = dt.date(2026, 1, 1)
N_DAYS = 12
DAYS = tuple(FIRST_DAY + dt.timedelta(days=n) for n in range(N_DAYS))

_SETTINGS = f"""\
environment = "small"

[[sources]]
name = "drives"
kind = "simulated"
path = "drive_stats"
n_hosts = 20
drives_per_host = 6
seed = 42
first_day = "{FIRST_DAY}"
n_days = {N_DAYS}
annual_failure_rate = 1.0

[list]
minimum_risk = 0.0

[tickets]
is_simulated_clock = true
"""


def write_settings(folder: Path) -> Settings:
    """Return the settings of a fleet whose files lie below ``folder``; its desk, too."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prefail.toml"
    path.write_text(_SETTINGS, "utf-8")
    return load_settings(path, {})


def fill_day(day: dt.date, settings: Settings, lake: Lake) -> None:
    """Do what a back-fill does for one day."""
    ingest_day(day, settings, lake)
    build_day(day, settings, lake)


def run_morning(day: dt.date, settings: Settings, lake: Lake) -> None:
    """Score, publish and open tickets for a day that is built."""
    score_day(day, settings, lake)
    publish_day(day, settings, lake)
    reconcile_tickets_day(day, settings, lake, today=day + dt.timedelta(days=1))


def read_everything(lake: Lake) -> dict[str, bytes]:
    """Return all that the lake holds."""
    return {item.key: lake.store.read(item.key) for item in lake.store.list_keys("")}
