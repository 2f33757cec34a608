"""Every feature of a cell by a dumb loop over its days: slow, obvious, and independent of the kernel."""

import math
import statistics

import numpy as np

from features.cube import Cube
from features.feature_names import FeatureSpec, parse_feature

NAN = math.nan


def feature_value(
    cube: Cube, name: str, day: int, component: int, error_signals: tuple[str, ...] = ()
) -> float:
    """Return what the grammar says of one cell, in double precision (levels and deltas in single)."""
    spec = parse_feature(name)
    if spec.signal is not None:
        return _Series(cube, spec.signal, component).feature(spec, day)
    errors = [_Series(cube, signal, component) for signal in error_signals]
    levels = [series.value(day) for series in errors]
    match spec.aggregate:
        case "signals_missing":
            return sum(level is None for level in levels)
        case "signals_nonzero":
            known = [level for level in levels if level is not None]
            return sum(level != 0 for level in known) if known else NAN
        case "signals_changed":
            steps = [series.steps(_window(spec, day)) for series in errors]
            return sum(any(step != 0 for step in of_one) for of_one in steps) if any(steps) else NAN
        case "days_reported":
            return sum(bool(cube.is_reported[t, component]) for t in _window(spec, day) if t >= 0)
        case "capacity_bytes":
            return float(cube.capacity_bytes[component])
    raise AssertionError(spec)


def _window(spec: FeatureSpec, day: int) -> range:
    return range(day - (spec.window_days or 90) + 1, day + 1)


class _Series:
    def __init__(self, cube: Cube, signal: str, component: int) -> None:
        self._values = cube.values[cube.signals.index(signal), :, component]

    def value(self, day: int) -> float | None:
        if day < 0 or np.isnan(self._values[day]):
            return None
        return float(self._values[day])

    def last_known(self, day: int) -> float | None:
        for age in range(7):
            if (value := self.value(day - age)) is not None:
                return value
        return None

    def step(self, day: int) -> float | None:
        value, before = self.value(day), self.last_known(day - 1)
        return None if value is None or before is None else value - before

    def steps(self, days: range) -> list[float]:
        return [step for day in days if (step := self.step(day)) is not None]

    def feature(self, spec: FeatureSpec, day: int) -> float:
        window = _window(spec, day)
        steps = self.steps(window)
        known = [(t, value) for t in window if (value := self.value(t)) is not None]
        values = [value for _, value in known]
        match spec.aggregate:
            case "level":
                level = self.value(day)
                return NAN if level is None else level
            case "delta":
                now, then = self.value(day), self.last_known(day - len(window))
                return NAN if now is None or then is None else now - then
            case "increase":
                return sum(max(step, 0.0) for step in steps) if steps else NAN
            case "changes":
                return sum(step != 0 for step in steps) if steps else NAN
            case "maxstep":
                return max([0.0, *steps]) if steps else NAN
            case "dayssincechange":
                if not values:
                    return NAN
                return min((day - t for t in window if (self.step(t) or 0.0) != 0.0), default=90)
            case "dayssincefirst":
                if not values:
                    return NAN
                return max((day - t for t, value in known if value > 0), default=-1)
            case "min":
                return min(values, default=NAN)
            case "max":
                return max(values, default=NAN)
            case "mean":
                return statistics.fmean(values) if values else NAN
            case "std":
                return statistics.pstdev(values) if values else NAN
            case "slope":
                return (
                    statistics.linear_regression(*zip(*known, strict=True)).slope if len(known) > 1 else NAN
                )
        raise AssertionError(spec)
