"""Figures of the check of days: how much has to be healed."""

import datetime as dt
from collections import Counter

from pipelines.day_findings import Trouble, find_newest_check
from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.settings import Settings

TO_HEAL = Metric(
    name="prefail_day_check_findings",
    help="Findings of the newest check of days, up to the day, that ask for a command, by what is wrong.",
    labels=("trouble",),
)
METRICS = (TO_HEAL,)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:  # noqa: ARG001  every subject has it
    """Return how often each trouble was found; nothing where nobody has checked."""
    checked = find_newest_check(day, lake)
    if checked is None:
        return []
    counts = Counter(finding.trouble for finding in checked.to_heal)
    return [TO_HEAL.sample(counts[trouble], trouble.value) for trouble in Trouble]
