"""What a recording of failures says of a fleet, in the form that the project's features and labels take.

Days are int64 numbers, days since 1970-01-01 (UTC).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.cube import Cube
from features.evaluation import ComponentLives
from features.shards import component_keys
from pipelines.failures import day_of_number
from tests.recorded_fleets.signals import DailySignal

Days = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A failure of a component on ``day``, known on the evening of ``known_on``, in service again on ``back_on``."""

    component: str
    day: int
    known_on: int
    back_on: int


@dataclass(frozen=True, kw_only=True)
class Service:
    """A component was in service from ``first_day`` to ``last_day``, both included."""

    component: str
    first_day: int
    last_day: int


@dataclass(frozen=True, kw_only=True)
class Lives:
    """Stretches of service that end with a failure, or unfailed; one entry each, in order of id.

    A repaired component starts a new life, so that each life fails at most once, as tickets do. A life
    can be at risk on the days ``[first_day, last_day)``. ``component_index`` points into the recording.
    """

    ids: npt.NDArray[np.str_]
    component_index: Days
    first_day: Days
    last_day: Days
    has_failed: npt.NDArray[np.bool_]
    known_on: Days

    def as_known_by(self, day: int) -> ComponentLives:
        """Return the answer key as it was on the evening of ``day``: later failures have not happened."""
        has_failed = self.has_failed & (self.known_on <= day) & (self.last_day <= day)
        return ComponentLives(
            component_ids=self.ids,
            last_day=np.where(has_failed, self.last_day, np.minimum(self.last_day, day)),
            has_failed=has_failed,
            known_until=day,
        )

    def measure_repeated(self, days: int) -> float:
        """Return the share of failures that came at most ``days`` after the component's failure before."""
        chosen = np.flatnonzero(self.has_failed)
        order = chosen[np.lexsort((self.last_day[chosen], self.component_index[chosen]))]
        is_same = np.diff(self.component_index[order]) == 0
        return float(np.sum(is_same & (np.diff(self.last_day[order]) <= days)) / len(chosen))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recorded fleet. Components are in ascending order of their keys.

    ``models`` (C,) is what each component is a kind of: the group whose failure rate is a baseline.
    ``signals`` speak of each component and day by what was known that evening.
    """

    source: str
    ids: npt.NDArray[np.str_]
    keys: npt.NDArray[np.uint64]
    models: npt.NDArray[np.str_]
    lives: Lives
    signals: Mapping[str, DailySignal]
    first_day: int
    last_day: int

    def make_cube(self, names: Sequence[str], components: slice) -> Cube:
        """Return the daily signals of some components, from the first day on which each was in service."""
        components = slice(*components.indices(len(self.ids)))
        n_days = self.last_day - self.first_day + 1
        first_served = np.full(len(self.ids), self.last_day + 1, dtype=np.int64)
        np.minimum.at(first_served, self.lives.component_index, self.lives.first_day)
        days = self.first_day + np.arange(n_days)
        is_reported = days[:, np.newaxis] >= first_served[components]
        values = np.stack([self.signals[name].read(self.first_day, n_days, components) for name in names])
        values[:, ~is_reported] = np.nan
        models, codes = np.unique(self.models[components], return_inverse=True)
        return Cube(
            signals=tuple(names),
            first_day=day_of_number(self.first_day),
            n_days=n_days,
            component_keys=self.keys[components],
            values=values,
            is_reported=is_reported,
            model_codes=codes.astype(np.int32),
            models=tuple(str(model) for model in models),
            capacity_bytes=np.full(len(codes), np.nan, dtype=np.float32),
        )


def sort_components(models: Mapping[str, str]) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.uint64]]:
    """Return the ids of a fleet in order of their keys, and the keys."""
    ids = np.array(list(models), dtype=np.str_)
    keys = component_keys(ids.tolist())
    order = np.argsort(keys)
    return ids[order], keys[order]


def make_lives(ids: npt.NDArray[np.str_], services: Sequence[Service], outages: Sequence[Outage]) -> Lives:
    """Cut each component's service at its failures. What fails while it is down is the same outage."""
    of_component: dict[str, list[Outage]] = {}
    for outage in sorted(outages, key=lambda each: (each.component, each.day, -each.back_on)):
        before = of_component.setdefault(outage.component, [])
        if not before or (outage.day > before[-1].day and outage.day >= before[-1].back_on):
            before.append(outage)
    place = {str(name): number for number, name in enumerate(ids)}
    rows: list[tuple[str, int, int, bool, int]] = []
    for service in services:
        start = service.first_day
        for outage in of_component.get(service.component, ()):
            if service.first_day <= outage.day <= service.last_day:
                rows.append((service.component, start, outage.day, True, outage.known_on))
                start = outage.back_on
        if start <= service.last_day:
            rows.append((service.component, start, service.last_day, False, service.last_day))
    named = sorted(
        (f"{name}#{start:06d}-{end:06d}", place[name], start, end, failed, known)
        for name, start, end, failed, known in rows
        if end > start
    )
    return Lives(
        ids=np.array([row[0] for row in named], dtype=np.str_),
        component_index=np.array([row[1] for row in named], dtype=np.int64),
        first_day=np.array([row[2] for row in named], dtype=np.int64),
        last_day=np.array([row[3] for row in named], dtype=np.int64),
        has_failed=np.array([row[4] for row in named], dtype=np.bool_),
        known_on=np.array([row[5] for row in named], dtype=np.int64),
    )


def number_of(day: dt.date) -> int:
    """Return the days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days
