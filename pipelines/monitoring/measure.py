"""Put together all figures of a day, from what the lake and the tracker hold of it."""

import datetime as dt

from data_contracts.loader import list_contracts
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.monitoring.figures import (
    check_figures,
    data_figures,
    drift_figures,
    list_figures,
    model_figures,
    step_figures,
    ticket_figures,
)
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.settings import Settings
from pipelines.source_outages import USUAL_DAYS
from pipelines.verdicts import read_day_verdicts

_SUBJECTS = (
    *(data_figures, list_figures, drift_figures, model_figures),
    *(ticket_figures, step_figures, check_figures),
)

METRICS: tuple[Metric, ...] = tuple(metric for subject in _SUBJECTS for metric in subject.METRICS)
"""Every metric there is, in the order of docs/metrics.md."""


def measure_day(day: dt.date, settings: Settings, lake: Lake) -> tuple[Sample, ...]:
    """Return all figures of a day; ``MissingInputError`` if nothing was delivered of it nor of the week before.

    A day of which nothing was delivered is the one that people have to be told of.
    """
    week = [day - dt.timedelta(days=back) for back in range(USUAL_DAYS + 1)]
    if not any(read_day_verdicts(lake, each, list_contracts()) for each in week):
        raise MissingInputError(
            f"nothing was delivered of {day} nor of the week before: there is no verdict of those days. No figure was "
            f"written. Run: prefail ingest --day {day}",
            day=day.isoformat(),
        )
    return tuple(sample for subject in _SUBJECTS for sample in subject.measure(day, settings, lake))


def render_metrics_table() -> str:
    """Return a Markdown table with one row a metric, for docs/metrics.md."""
    rows = [
        f"| `{each.name}` | {', '.join(f'`{label}`' for label in each.labels)} | {each.help} |"
        for each in METRICS
    ]
    return "\n".join(("| metric | labels | what it is |", "|---|---|---|", *rows)) + "\n"
