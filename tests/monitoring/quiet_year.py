"""How often drift is found where there is none: a year of the simulated fleet through the pipelines' own steps.

``python -m tests.monitoring.quiet_year FOLDER [DAYS]``: ingest, build, score and watch every day; prints
each finding and the rate. Nothing in the fleet changes but what time changes: drives age, fail, are replaced.
"""

import datetime as dt
import sys
from collections import Counter
from pathlib import Path

from features.signal_shifts import HISTORY_DAYS
from pipelines.build import build_day
from pipelines.day_runs import open_settings_lake
from pipelines.ingest import ingest_day
from pipelines.monitoring.watch import find_drift
from pipelines.score import open_target_scorers, score_day
from pipelines.settings import load_settings

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
    found: Counter[str] = Counter()
    n_looked_at = n_with = 0
    highest: dict[str, float] = {}
    for day in days[HISTORY_DAYS:]:
        report = find_drift(day, settings, lake)
        n_looked_at += len(report.signals) + len(report.scores)
        n_with += bool(report.findings)
        for each in report.signals:
            highest[each.signal] = max(highest.get(each.signal, 0.0), each.psi)
        for score in report.scores:
            highest[score.target] = max(highest.get(score.target, 0.0), score.psi or 0.0)
        for finding in report.findings:
            found[finding.kind] += 1
            print(day, finding.finding_id, finding.words, flush=True)
    print(f"{n_days} days, {n_looked_at} looked at, days with a finding: {n_with}; by kind: {dict(found)}")
    print("highest PSI:", dict(sorted(highest.items(), key=lambda item: -item[1])[:8]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(argument) for argument in sys.argv[2:]))
