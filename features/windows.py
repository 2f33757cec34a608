"""How windows over days are added up, so that a cell's value never depends on where the cube starts.

A plane is an array of days × components. A window of w days is always the same composition of blocks
whose lengths are powers of two (30 = 16 + 8 + 4 + 2, the latest first), and a block of 2L days is
always its later half plus its earlier half. Floating-point sums therefore round the same way for a
cell whichever cube, selection or layout it is read from. A running sum would not.

Days before the first row count as the identity of the operation: as "nothing was reported".
"""

from functools import lru_cache

import numpy as np

from features.layouts import Combine, Layout, Plane


class SumTree:
    """Sums of a plane over windows; missing cells must be 0."""

    def __init__(self, layout: Layout, plane: Plane) -> None:
        self._layout = layout
        self._levels = [layout.start(plane)]
        self._windows: dict[int, Plane] = {}

    def level(self, exponent: int) -> Plane:
        """Return the sums over blocks of ``2**exponent`` days."""
        while len(self._levels) <= exponent:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            self._levels.append(self._layout.double(last, last, length, np.add))
        return self._levels[exponent]

    def window(self, days: int) -> Plane:
        """Return the sum over ``(d - days, d]`` for each cell; shared, not to be written to."""
        if days not in self._windows:
            (largest, _), *others = blocks_of_window(days)
            total = self._layout.latest(self.level(largest))
            for exponent, offset in others:
                self._layout.reach_back(total, self.level(exponent), 1 << exponent, offset, np.add)
            self._windows[days] = total
        return self._windows[days]


class MomentTree:
    """Sums of ``age * x`` over windows, age in days before the as-of day; needs the plain sums of x."""

    def __init__(self, layout: Layout, sums: SumTree) -> None:
        self._layout = layout
        self._sums = sums
        self._levels = [np.zeros_like(sums.level(0))]

    def _level(self, exponent: int) -> Plane:
        while len(self._levels) <= exponent:
            done = len(self._levels) - 1
            last, length = self._levels[-1], 1 << done
            # Seen from the later half's end, everything in the earlier half is `length` days older.
            aged = self._aged(done, length)
            self._levels.append(self._layout.double(last, aged, length, np.add))
        return self._levels[exponent]

    def _aged(self, exponent: int, days: int) -> Plane:
        aged: Plane = np.multiply(self._sums.level(exponent), np.float64(days))
        if exponent:  # moments of single days are zero
            aged += self._levels[exponent]
        return aged

    def window(self, days: int) -> Plane:
        """Return the sum of ``age * x`` over ``(d - days, d]`` for each cell."""
        (largest, _), *others = blocks_of_window(days)
        total = self._layout.latest(self._level(largest))
        for exponent, offset in others:
            self._level(exponent)
            self._layout.reach_back(total, self._aged(exponent, offset), 1 << exponent, offset, np.add)
        return total


class ExtremeTree:
    """Largest, smallest or any of a plane over windows; missing cells must be the identity.

    ``combine`` is np.maximum, np.minimum or np.logical_or: overlap and order can't change its result.
    """

    def __init__(self, layout: Layout, plane: Plane, combine: Combine) -> None:
        self._layout = layout
        self._combine = combine
        self._levels = [layout.start(plane)]

    def _level(self, exponent: int) -> Plane:
        while len(self._levels) <= exponent:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            self._levels.append(self._layout.double(last, last, length, self._combine))
        return self._levels[exponent]

    def window(self, days: int) -> Plane:
        """Return the extreme over ``(d - days, d]`` for each cell."""
        (largest, _), *others = blocks_of_window(days)
        if others and self._layout.can_overlap:
            others = [(largest, days - (1 << largest))]
        found = self._layout.latest(self._level(largest))
        for exponent, offset in others:
            self._layout.reach_back(found, self._level(exponent), 1 << exponent, offset, self._combine)
        return found


class SinceTree:
    """Days since a day on which something held, at most ``cap`` (uint8)."""

    def __init__(self, layout: Layout, holds: Plane, cap: int) -> None:
        self._layout = layout
        self._levels = [layout.start((~holds).view(np.uint8) * np.uint8(cap))]

    def window(self, days: int) -> Plane:
        """Return the days since the latest day in ``(d - days, d]`` that holds, ``cap`` if none does."""
        (largest, _), *others = blocks_of_window(days)
        while len(self._levels) <= largest:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            # A level is at most cap, so uint8 never wraps: 90 + 88 < 256.
            self._levels.append(self._layout.double(last, last + np.uint8(length), length, np.minimum))
        found = self._layout.latest(self._levels[largest])
        for exponent, offset in others:
            older = self._levels[exponent] + np.uint8(offset)
            self._layout.reach_back(found, older, 1 << exponent, offset, np.minimum)
        return found


class FirstTree:
    """Days since the oldest day on which something held, -1 if there is none (int16)."""

    _NEVER = np.int16(-1000)  # stays below zero however many days are added

    def __init__(self, layout: Layout, holds: Plane) -> None:
        self._layout = layout
        self._levels = [layout.start(np.where(holds, np.int16(0), self._NEVER))]

    def window(self, days: int) -> Plane:
        """Return the days since the oldest day in ``(d - days, d]`` that holds."""
        (largest, _), *others = blocks_of_window(days)
        while len(self._levels) <= largest:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            self._levels.append(self._layout.double(last, last + np.int16(length), length, np.maximum))
        found = self._layout.latest(self._levels[largest])
        for exponent, offset in others:
            older = self._levels[exponent] + np.int16(offset)
            self._layout.reach_back(found, older, 1 << exponent, offset, np.maximum)
        known: Plane = np.maximum(found, np.int16(-1))
        return known


@lru_cache
def blocks_of_window(days: int) -> tuple[tuple[int, int], ...]:
    """Return the disjoint blocks of a window as (exponent, days before the as-of day), latest first.

    Each offset is a multiple of its block's length, which is what lets ``LastDay`` leave blocks out.
    """
    blocks, offset = [], 0
    for exponent in range(days.bit_length() - 1, -1, -1):
        if days >> exponent & 1:
            blocks.append((exponent, offset))
            offset += 1 << exponent
    return tuple(blocks)
