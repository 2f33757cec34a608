"""Daily signals made of recorded events: a signal of day d holds what was known on the evening of d.

Each ``read`` returns float32 (days, components); NaN is "not known".
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]


class DailySignal(Protocol):
    """One value a component and day."""

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the values of ``n_days`` days from ``first_day`` for some components."""


@dataclass(frozen=True, kw_only=True)
class Events:
    """One entry per event: of which component, known on the evening of which day, and how much of it."""

    component_index: Days
    known_on: Days
    amount: Floats

    def add_up(self, first_day: int, n_days: int, components: slice) -> Floats:
        """Return the amounts by day and component; what was known before counts on the first day."""
        start, stop = int(components.start), int(components.stop)
        row = np.maximum(self.known_on - first_day, 0)
        is_in = (self.component_index >= start) & (self.component_index < stop) & (row < n_days)
        added = np.zeros((n_days, stop - start))
        np.add.at(added, (row[is_in], self.component_index[is_in] - start), self.amount[is_in])
        return added


@dataclass(frozen=True)
class CountSoFar:
    """The sum of all events up to the day: a counter."""

    events: Events

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the running sums."""
        return np.cumsum(self.events.add_up(first_day, n_days, components), axis=0).astype(np.float32)


@dataclass(frozen=True)
class DaysSince:
    """Days since the last event, NaN before the first."""

    events: Events

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the ages of the last events."""
        has_event = self.events.add_up(first_day, n_days, components) > 0
        row = np.arange(n_days, dtype=np.float32)[:, np.newaxis]
        last = np.maximum.accumulate(np.where(has_event, row, np.float32(-1)), axis=0)
        return np.where(last >= 0, row - last, np.float32(np.nan))


@dataclass(frozen=True)
class DaysSinceStart:
    """Days since the component came into service; ``start`` (C,)."""

    start: Days

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the ages."""
        days = first_day + np.arange(n_days)[:, np.newaxis]
        return (days - self.start[components]).astype(np.float32)


@dataclass(frozen=True)
class Fixed:
    """What never changes; ``values`` (C,)."""

    values: Floats

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the same values every day."""
        return np.tile(self.values[components].astype(np.float32), (n_days, 1))


@dataclass(frozen=True)
class LastValue:
    """The last value that was reported; NaN before the first. Of several on one day, the largest."""

    values: Events

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the values, carried forward."""
        start, stop = int(components.start), int(components.stop)
        events = self.values
        row = np.maximum(events.known_on - first_day, 0)
        found = np.full((n_days, stop - start), np.nan, dtype=np.float32)
        is_in = (events.component_index >= start) & (events.component_index < stop) & (row < n_days)
        for place in np.flatnonzero(is_in)[np.lexsort((events.amount[is_in], events.known_on[is_in]))]:
            found[row[place], events.component_index[place] - start] = events.amount[place]
        last = np.maximum.accumulate(np.where(np.isnan(found), -1, np.arange(n_days)[:, np.newaxis]), axis=0)
        carried = found[np.maximum(last, 0), np.arange(stop - start)]
        return np.where(last >= 0, carried, np.float32(np.nan))


@dataclass(frozen=True)
class GroupRate:
    """Events so far in the component's group, per member: a counter whose rise is the group's rate.

    ``group`` (C,) numbers the groups from 0.
    """

    events: Events
    group: npt.NDArray[np.int64]

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        """Return the running sums over the group, per member."""
        size = np.bincount(self.group)
        of_group = Events(
            component_index=self.group[self.events.component_index],
            known_on=self.events.known_on,
            amount=self.events.amount,
        )
        sums = np.cumsum(of_group.add_up(first_day, n_days, slice(0, len(size))), axis=0) / size
        return sums[:, self.group[components]].astype(np.float32)
