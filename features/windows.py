"""How windows over days are added up, so that a cell's value never depends on where the cube starts.

A plane is an array of days × components. A window of w days is always the same composition of blocks
whose lengths are powers of two (30 = 16 + 8 + 4 + 2, the latest first), and a block of 2L days is
always its later half plus its earlier half. Floating-point sums therefore round the same way for a
cell whichever cube, selection or layout it is read from. A running sum would not.

Days before the first row count as the identity of the operation: as "nothing was reported".
"""

from collections.abc import Callable
from types import EllipsisType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.generic]
CellIndex = tuple[EllipsisType | npt.NDArray[np.intp], ...]
Combine = Callable[..., Plane]  # a binary ufunc: (later, earlier, out=…)


class Layout(Protocol):
    """How the cells that are asked for lie in a plane, and how to reach days before them."""

    shape: tuple[int, ...]
    can_overlap: bool
    first_row: int  # of the plane, with a cell in it
    cell_rows: npt.NDArray[np.intp]  # row of each cell; broadcasts to shape

    def start(self, plane: Plane) -> Plane:
        """Return level 1 of a tree: each block is one day."""
        ...

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        """Return the next level: blocks of ``2 * length`` days from two planes of ``length`` days."""
        ...

    def at(self, level: Plane, length: int, offset: int, identity: float) -> Plane:
        """Return, for each cell of day d, the block of ``length`` days that ends on day ``d - offset``.

        May be a view: not to be written to.
        """
        ...

    def narrow(self, columns: npt.NDArray[np.intp]) -> "tuple[Layout, CellIndex]":
        """Return the layout of some of the columns, and where its cells lie among the cells of this one."""
        ...


class DaySpan:
    """All components of the block on the days from ``first_row`` to the plane's last row."""

    can_overlap = True

    def __init__(self, first_row: int, n_rows: int, n_columns: int) -> None:
        self.first_row = first_row
        self.shape = (n_rows - first_row, n_columns)
        self.cell_rows = np.arange(first_row, n_rows)[:, np.newaxis]

    def start(self, plane: Plane) -> Plane:
        return plane

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        return _double_rows(later, earlier, length, combine)

    def at(self, level: Plane, length: int, offset: int, identity: float) -> Plane:
        first = self.first_row - offset
        end = len(level) - offset
        if first >= 0:
            return level[first:end]
        cells = np.full(self.shape, identity, dtype=level.dtype)
        if end > 0:
            cells[-end:] = level[:end]
        return cells

    def narrow(self, columns: npt.NDArray[np.intp]) -> tuple[Layout, CellIndex]:
        return DaySpan(self.first_row, self.first_row + self.shape[0], len(columns)), (..., columns)


class ScatteredCells:
    """Any cells of the block: ``rows`` and ``columns`` (n,) into the plane."""

    can_overlap = True

    def __init__(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], n_columns: int) -> None:
        self.cell_rows = rows
        self.shape = rows.shape
        self.first_row = int(rows.min()) if len(rows) else 0
        self._columns = columns
        self._n_columns = n_columns
        self._flat = rows * n_columns + columns

    def start(self, plane: Plane) -> Plane:
        return plane

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        return _double_rows(later, earlier, length, combine)

    def at(self, level: Plane, length: int, offset: int, identity: float) -> Plane:
        cells = self._flat - offset * self._n_columns
        if self.first_row >= offset:
            return level.ravel().take(cells)
        found = level.ravel().take(cells, mode="clip")
        found[cells < 0] = identity
        return found

    def narrow(self, columns: npt.NDArray[np.intp]) -> tuple[Layout, CellIndex]:
        place = np.full(self._n_columns, -1, dtype=np.intp)
        place[columns] = np.arange(len(columns))
        narrow_columns = place[self._columns]
        kept = np.flatnonzero(narrow_columns >= 0)
        return ScatteredCells(self.cell_rows[kept], narrow_columns[kept], len(columns)), (kept,)


class LastDay:
    """All components of the block on the plane's last row only.

    Blocks that no window of this one day can use are not computed: level L has every L-th row, so a
    tree costs twice its first level instead of once per level. Row k of a level ends k·L days back.
    """

    can_overlap = False

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.shape = (n_columns,)
        self.first_row = n_rows - 1
        self.cell_rows = np.array([self.first_row])

    def start(self, plane: Plane) -> Plane:
        return plane[::-1]

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        later, earlier = later[0::2], earlier[1::2]
        doubled = np.empty(later.shape, dtype=later.dtype)
        combine(later[: len(earlier)], earlier, out=doubled[: len(earlier)])
        doubled[len(earlier) :] = later[len(earlier) :]
        return doubled

    def at(self, level: Plane, length: int, offset: int, identity: float) -> Plane:
        row = offset // length
        return level[row] if row < len(level) else np.full(self.shape, identity, dtype=level.dtype)

    def narrow(self, columns: npt.NDArray[np.intp]) -> tuple[Layout, CellIndex]:
        return LastDay(self.first_row + 1, len(columns)), (columns,)


def _double_rows(later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
    doubled = np.empty_like(later)
    doubled[:length] = later[:length]
    combine(later[length:], earlier[:-length], out=doubled[length:])
    return doubled


class SumTree:
    """Sums of a plane over windows; missing cells must be 0."""

    def __init__(self, layout: Layout, plane: Plane) -> None:
        self._layout = layout
        self._levels = [layout.start(plane)]

    def level(self, exponent: int) -> Plane:
        """Return the sums over blocks of ``2**exponent`` days."""
        while len(self._levels) <= exponent:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            self._levels.append(self._layout.double(last, last, length, np.add))
        return self._levels[exponent]

    def window(self, days: int) -> Plane:
        """Return the sum over ``(d - days, d]`` for each cell."""
        total: Plane | None = None
        for exponent, offset in blocks_of_window(days):
            block = self._layout.at(self.level(exponent), 1 << exponent, offset, 0)
            total = block if total is None else cast(Plane, np.add(total, block))
        assert total is not None, "a window has at least one day"
        return total


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
            aged = self._sums.level(done) * np.asarray(length, dtype=last.dtype) + last
            self._levels.append(self._layout.double(last, aged, length, np.add))
        return self._levels[exponent]

    def window(self, days: int) -> Plane:
        """Return the sum of ``age * x`` over ``(d - days, d]`` for each cell."""
        total: Plane | None = None
        for exponent, offset in blocks_of_window(days):
            length = 1 << exponent
            block = self._layout.at(self._level(exponent), length, offset, 0)
            if offset:
                plain = self._layout.at(self._sums.level(exponent), length, offset, 0)
                block = block + plain * np.asarray(offset, dtype=block.dtype)
            total = block if total is None else cast(Plane, np.add(total, block))
        assert total is not None, "a window has at least one day"
        return total


class ExtremeTree:
    """Largest, smallest or any of a plane over windows; missing cells must be the identity.

    ``combine`` is np.maximum, np.minimum or np.logical_or: overlap and order can't change its result.
    """

    def __init__(self, layout: Layout, plane: Plane, combine: Combine, identity: float) -> None:
        self._layout = layout
        self._combine = combine
        self._identity = identity
        self._levels = [layout.start(plane)]

    def _level(self, exponent: int) -> Plane:
        while len(self._levels) <= exponent:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            self._levels.append(self._layout.double(last, last, length, self._combine))
        return self._levels[exponent]

    def window(self, days: int) -> Plane:
        """Return the extreme over ``(d - days, d]`` for each cell."""
        if self._layout.can_overlap:
            exponent = days.bit_length() - 1
            blocks = [(exponent, 0), (exponent, days - (1 << exponent))]
            blocks = blocks[: 1 if days == 1 << exponent else 2]
        else:
            blocks = blocks_of_window(days)
        found: Plane | None = None
        for exponent, offset in blocks:
            block = self._layout.at(self._level(exponent), 1 << exponent, offset, self._identity)
            found = block if found is None else self._combine(found, block)
        assert found is not None, "a window has at least one day"
        return found


class SinceTree:
    """Days since a day on which something held, at most ``cap`` (uint8)."""

    def __init__(self, layout: Layout, holds: npt.NDArray[np.bool_], cap: int) -> None:
        self._layout = layout
        self._cap = np.uint8(cap)
        level = layout.start(np.where(holds, np.uint8(0), self._cap))
        self._levels: list[Plane] = [level]

    def _level(self, exponent: int) -> Plane:
        while len(self._levels) <= exponent:
            last, length = self._levels[-1], 1 << (len(self._levels) - 1)
            # cap + 64 < 256, so uint8 never wraps.
            older = cast(Plane, np.add(last, np.uint8(length)))
            self._levels.append(self._layout.double(last, older, length, np.minimum))
        return self._levels[exponent]

    def window(self, days: int) -> Plane:
        """Return the days since the latest day in ``(d - days, d]`` that holds, ``cap`` if none does."""
        found: Plane | None = None
        for exponent, offset in blocks_of_window(days):
            block = self._layout.at(self._level(exponent), 1 << exponent, offset, float(self._cap))
            if offset:
                block = np.minimum(block, self._cap) + np.uint8(offset)
            found = block if found is None else cast(Plane, np.minimum(found, block))
        assert found is not None, "a window has at least one day"
        return cast(Plane, np.minimum(found, self._cap))


def blocks_of_window(days: int) -> list[tuple[int, int]]:
    """Return the disjoint blocks of a window as (exponent, days before the as-of day), latest first.

    Each offset is a multiple of its block's length, which is what lets ``LastDay`` leave blocks out.
    """
    blocks, offset = [], 0
    for exponent in range(days.bit_length() - 1, -1, -1):
        if days >> exponent & 1:
            blocks.append((exponent, offset))
            offset += 1 << exponent
    return blocks
