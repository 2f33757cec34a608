"""How often drift is found where there is none: a year of the simulated fleet through the pipelines' own steps.

``python -m tests.monitoring.quiet_year FOLDER [DAYS]``: ingest, build, score and watch every day; prints
each finding and the rate. Nothing in the fleet changes but what time changes: drives age, fail, are replaced.
"""

import datetime as dt
import sys
from pathlib import Path

from features.signal_shifts import HISTORY_DAYS
from pipelines.build import build_day
from pipelines.day_runs import open_settings_lake
from pipelines.ingest import ingest_day
from pipelines.score import score_day
from pipelines.settings import load_settings
from pipelines.target_scorers import open_target_scorers
from tests.monitoring.false_alarms import look_at

FIRST_DAY = dt.date(2024, 1, 1)
_PARTS = ("drives", "inventory", "kernel_log", "failure_records")
_SOURCE = """
[[sources]]
name = "{part}"
kind = "simulated"
part = "{part}"
path = "fleet"
n_hosts = 100
drives_per_host = 20
n_days = {n_days}
seed = {seed}
first_day = {first_day}
"""


def main(folder: Path, n_days: int = 365, seed: int = 7) -> None:
    """Print what is found on each of ``n_days``, after the days that the first of them is compared with."""
    folder.mkdir(parents=True, exist_ok=True)
    total = n_days + HISTORY_DAYS
    sources = "".join(
        _SOURCE.format(part=part, n_days=total, seed=seed, first_day=FIRST_DAY) for part in _PARTS
    )
    (folder / "prefail.toml").write_text(f'[lake]\nroot = "lake"\n{sources}', "utf-8")
    settings = load_settings(folder / "prefail.toml", {})
    lake = open_settings_lake(settings)
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range(total)]
    scorers = open_target_scorers(settings, lake)
    for day in days:
        if not lake.has_day("out_predictions", day):
            ingest_day(day, settings, lake)
            build_day(day, settings, lake)
            score_day(day, settings, lake, scorers=scorers)
    look_at(settings, lake)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(argument) for argument in sys.argv[2:]))
