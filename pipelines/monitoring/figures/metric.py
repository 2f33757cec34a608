"""What a figure is: a gauge with a name, help and labels, and one value of it.

Names and units follow https://prometheus.io/docs/practices/naming: ``prefail_`` first, base units as
suffix, shares 0..1 as ``_ratio``, points in time in seconds since 1970 as ``_timestamp_seconds``.
"""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One gauge. ``help`` says unit, grain and day in one sentence; ``labels`` in the order of values."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def sample(self, value: float, *labels: str) -> "Sample":
        """Return one value; ``labels`` in the metric's order."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {labels}")
        return Sample(metric=self, labels=labels, value=float(value))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One value of a gauge."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


def end_of_day_seconds(day: dt.date) -> float:
    """Return the moment at which a UTC day is over, in seconds since 1970."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC).timestamp()
