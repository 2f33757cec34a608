"""How often drift is found in a lake: ``python -m tests.monitoring.false_alarms prefail.toml [EVERY]``.

Looks at every ``EVERY``-th scored or built day that has enough days before it, and prints each finding.
"""

import datetime as dt
import sys
from collections import Counter
from pathlib import Path

from features.signal_shifts import HISTORY_DAYS
from pipelines.day_runs import open_settings_lake
from pipelines.lake import Lake
from pipelines.monitoring.watch import find_drift
from pipelines.populations import DATASET
from pipelines.settings import Settings, load_settings


def look_at(settings: Settings, lake: Lake, every: int = 1) -> None:
    """Print every finding, their number by kind, and the farthest signals and targets."""
    days = lake.list_days(DATASET)
    chosen = [day for day in days if day - days[0] >= dt.timedelta(days=HISTORY_DAYS)][::every]
    found: Counter[str] = Counter()
    farthest: dict[str, float] = {}
    n_looked_at = n_with = 0
    for day in chosen:
        report = find_drift(day, settings, lake)
        n_looked_at += len(report.signals) + len(report.scores)
        n_with += bool(report.findings)
        psi = {f"{each.component_kind} {each.signal}": each.psi for each in report.signals}
        psi |= {each.target: each.psi or 0.0 for each in report.scores}
        farthest |= {name: max(value, farthest.get(name, 0.0)) for name, value in psi.items()}
        for finding in report.findings:
            found[finding.kind] += 1
            print(day, finding.finding_id, finding.words, flush=True)
    print(f"{len(chosen)} days of {days[0]} to {days[-1]}, {n_looked_at} signals and targets looked at")
    print(f"days with a finding: {n_with}; findings by kind: {dict(found)}")
    print("highest PSI:", dict(sorted(farthest.items(), key=lambda item: -item[1])[:8]))


if __name__ == "__main__":
    chosen_settings = load_settings(Path(sys.argv[1]), {})
    look_at(chosen_settings, open_settings_lake(chosen_settings), *(int(every) for every in sys.argv[2:]))
