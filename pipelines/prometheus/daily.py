"""What a day of samples adds up to: extremes, mean, last value, increase, and how much of it is missing."""

import datetime as dt
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from pipelines.prometheus.remote_read import SeriesSamples
from pipelines.prometheus.sample_records import Times, Values

DAY_MS = 86_400_000
# A counter's growth since yesterday's last scrape belongs to today if that scrape was this recent.
BASELINE_MS = 15 * 60 * 1000

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class DaySpan:
    """A UTC day in milliseconds since 1970: ``[start_ms, end_ms)``."""

    start_ms: int
    end_ms: int

    @classmethod
    def of(cls, day: dt.date) -> "DaySpan":
        """Return the span of ``day``."""
        start = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000)
        return cls(start_ms=start, end_ms=start + DAY_MS)


@dataclass(frozen=True, kw_only=True)
class DaySums:
    """One row per part (R rows); ``part`` are their codes, ascending. A part without a sample has no row.

    ``increase`` is of counters: the sum of all steps up; after a step down a counter counts from 0.
    ``covered_share`` and ``longest_gap_seconds`` are those of the part's best covered sensor.
    """

    part: Codes
    value_min: Values
    value_max: Values
    value_mean: Values
    value_last: Values
    increase: Values
    n_samples: Codes
    covered_share: Values
    longest_gap_seconds: Values


def sum_up_day(
    samples: SeriesSamples,
    sensors: Codes,
    parts: Codes,
    span: DaySpan,
    *,
    interval_ms: float | None = None,
    sums_last: bool = False,
) -> DaySums:
    """Sum up a day of one metric.

    ``sensors`` (S,) gives each series its sensor, ``-1`` for series to leave out; series of one sensor
    are pieces of it. ``parts`` (n sensors,) gives each sensor its part. Samples before the day serve as
    the counters' baseline only. Values that are no number (NaN, staleness marks, ±Inf) are no scrapes.
    Without ``interval_ms`` the distance between scrapes is the median over the whole metric.
    """
    sensor, times, values = _in_order(samples, sensors)
    usable = np.isfinite(values) & (times < span.end_ms)
    if not usable.all():
        sensor, times, values = sensor[usable], times[usable], values[usable]
    in_day = times >= span.start_ms
    if not in_day.all():
        is_baseline = np.append(~in_day[:-1] & in_day[1:] & (sensor[1:] == sensor[:-1]), False)
        is_kept = in_day | is_baseline
        sensor, times, values, in_day = sensor[is_kept], times[is_kept], values[is_kept], in_day[is_kept]
    steps = _steps_up(sensor, values)
    if not in_day.all():
        sensor, times, values, steps = sensor[in_day], times[in_day], values[in_day], steps[in_day]
    if not len(values):
        return _no_rows()
    starts = np.flatnonzero(np.append(True, sensor[1:] != sensor[:-1]))
    lasts = np.append(starts[1:], len(sensor)) - 1
    counts = lasts - starts + 1
    distances = np.diff(times, prepend=times[0])
    distances[starts] = 0
    usual = interval_ms or _usual_distance(distances)
    gaps = np.maximum.reduceat(distances, starts)
    gaps = np.maximum(gaps, np.maximum(times[starts] - span.start_ms, span.end_ms - times[lasts]))
    return _by_part(
        DaySums(
            part=parts[sensor[starts]],
            value_min=np.minimum.reduceat(values, starts),
            value_max=np.maximum.reduceat(values, starts),
            value_mean=np.add.reduceat(values, starts),  # the sum, until parts are put together
            value_last=values[lasts],
            increase=np.add.reduceat(steps, starts),
            n_samples=counts,
            covered_share=np.minimum(1.0, counts * (usual / (span.end_ms - span.start_ms))),
            longest_gap_seconds=gaps / 1000.0,
        ),
        sums_last=sums_last,
    )


def _in_order(samples: SeriesSamples, sensors: Codes) -> tuple[Codes, Times, Values]:
    """Return sensor, time and value of each sample, by sensor and time, no moment of a sensor twice."""
    sensor = np.repeat(sensors, samples.counts)
    times, values = samples.times_ms, samples.values
    if (sensors >= 0).all() and (np.diff(sensors) > 0).all():
        return sensor, times, values
    known = sensor >= 0
    sensor, times, values = sensor[known], times[known], values[known]
    order = np.lexsort((times, sensor))
    sensor, times, values = sensor[order], times[order], values[order]
    first = np.append(True, (sensor[1:] != sensor[:-1]) | (times[1:] != times[:-1]))[: len(sensor)]
    return sensor[first], times[first], values[first]


def _steps_up(sensor: Codes, values: Values) -> Values:
    """Return what each sample adds to a counter: its rise since the one before, all of it after a reset."""
    steps = np.zeros(len(values))
    if len(values) > 1:
        rise = values[1:] - values[:-1]
        np.copyto(rise, values[1:], where=rise < 0)
        rise[sensor[1:] != sensor[:-1]] = 0.0
        np.maximum(rise, 0.0, out=steps[1:])
    return steps


def _usual_distance(distances: Times) -> float:
    positive = distances[distances > 0]
    return float(np.median(positive)) if len(positive) else float(DAY_MS)


def _by_part(of_sensors: DaySums, *, sums_last: bool) -> DaySums:
    order = np.argsort(of_sensors.part, kind="stable")
    part = of_sensors.part[order]
    starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    n_samples = np.add.reduceat(of_sensors.n_samples[order], starts)

    def reduce(how: np.ufunc, values: Values) -> Values:
        return cast(Values, how.reduceat(values[order], starts))

    return DaySums(
        part=part[starts],
        value_min=reduce(np.minimum, of_sensors.value_min),
        value_max=reduce(np.maximum, of_sensors.value_max),
        value_mean=reduce(np.add, of_sensors.value_mean) / n_samples,
        value_last=reduce(np.add if sums_last else np.maximum, of_sensors.value_last),
        increase=reduce(np.add, of_sensors.increase),
        n_samples=n_samples,
        covered_share=reduce(np.maximum, of_sensors.covered_share),
        longest_gap_seconds=reduce(np.minimum, of_sensors.longest_gap_seconds),
    )


def _no_rows() -> DaySums:
    codes, values = np.zeros(0, np.int64), np.zeros(0)
    return DaySums(
        part=codes,
        value_min=values,
        value_max=values,
        value_mean=values,
        value_last=values,
        increase=values,
        n_samples=codes,
        covered_share=values,
        longest_gap_seconds=values,
    )
