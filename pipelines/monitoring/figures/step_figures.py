"""Figures of the steps: how long each took."""

import datetime as dt

from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.run_record import read_run_records
from pipelines.settings import Settings

SECONDS = Metric(
    name="prefail_step_duration_seconds", help="Wall time of the last run of a step.", labels=("step",)
)
METRICS = (SECONDS,)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:  # noqa: ARG001, as all subjects
    """Return the seconds of each step that left a record of the day."""
    return [SECONDS.sample(each.seconds, each.step) for each in read_run_records(day, lake)]
