"""A small fleet of one's own in an empty folder: what the README's three steps start from."""

import datetime as dt
import gzip
import re
from pathlib import Path

from pipelines.fleet_simulation import FleetPlan, simulate_fleet
from pipelines.simulated_readings import render_day

# 20 failures and 60 days of history are needed to learn, and a horizon of 30 days after them to judge it.
N_DAYS = 101
_PLAN = FleetPlan(n_hosts=40, drives_per_host=12, n_days=N_DAYS, seed=7, annual_failure_rate=1.0)


def write_fleet(folder: Path, readme: str, last_day: dt.date) -> None:
    """Write the README's own settings file, and Drive Stats files up to ``last_day`` where it expects them."""
    (settings,) = [
        block for block in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL) if "[lake]" in block
    ]
    (folder / "prefail.toml").write_text(re.sub(r"^ {3}", "", settings, flags=re.MULTILINE), "utf-8")
    delivered = folder / "data" / "drive_stats"
    delivered.mkdir(parents=True)
    fleet = simulate_fleet(_PLAN)
    for number in range(N_DAYS):
        day = last_day - dt.timedelta(days=N_DAYS - 1 - number)
        (delivered / f"{day}.csv.gz").write_bytes(gzip.compress(render_day(fleet, number, day), 1, mtime=0))
