"""How the cells that are asked for lie in a block's planes, and how days before them are reached.

A plane is an array of days × components in the block; its last row is the block's last day. Level L
of a tree has blocks of L days that end on each row. Cells may be views: not to be written to.
"""

from collections.abc import Callable
from types import EllipsisType
from typing import Protocol

import numpy as np
import numpy.typing as npt

Plane = np.ndarray  # of float32, float64, bool or uint8, as each tree's docstring says
Indices = npt.NDArray[np.intp]
CellIndex = tuple[EllipsisType | Indices, ...]
Combine = Callable[..., Plane]  # a binary ufunc: (later, earlier, out=…)


class Layout(Protocol):
    """One shape of selection. Days before the plane's first row do not exist."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the cells."""
        ...

    @property
    def can_overlap(self) -> bool:
        """Whether blocks may be reached at any offset, not only at multiples of their length."""
        ...

    @property
    def first_row(self) -> int:
        """The plane's first row with a cell in it."""
        ...

    @property
    def cell_rows(self) -> Indices:
        """Row of each cell; broadcasts to the shape."""
        ...

    def start(self, plane: Plane) -> Plane:
        """Return level 1 of a tree: each block is one day."""
        ...

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        """Return the next level: blocks of ``2 * length`` days from two levels of ``length`` days."""
        ...

    def latest(self, level: Plane) -> Plane:
        """Return a copy of the block that ends on each cell's day."""
        ...

    def reach_back(self, cells: Plane, level: Plane, length: int, offset: int, combine: Combine) -> None:
        """Combine into the cell of each day d the block of ``length`` days that ends on day ``d - offset``."""
        ...

    def days_ago(self, plane: Plane, days: int) -> Plane:
        """Return the value of a float32 plane ``days`` before each cell's day, NaN before the first row."""
        ...

    def spread(self, of_columns: Plane) -> Plane:
        """Return the value (columns,) of each cell's column; broadcasts to the shape."""
        ...

    def narrow(self, columns: Indices) -> "tuple[Layout, CellIndex]":
        """Return the layout of some of the columns, and where its cells lie among the cells of this one."""
        ...


class DaySpan:
    """All components of the block on the days from ``first_row`` to the plane's last row."""

    can_overlap = True

    def __init__(self, first_row: int, n_rows: int, n_columns: int) -> None:
        self.first_row = first_row
        self.shape: tuple[int, ...] = (n_rows - first_row, n_columns)
        self.cell_rows: Indices = np.arange(first_row, n_rows)[:, np.newaxis]

    def start(self, plane: Plane) -> Plane:
        return plane

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        return _double_rows(later, earlier, length, combine)

    def latest(self, level: Plane) -> Plane:
        return level[self.first_row :].copy()

    def reach_back(self, cells: Plane, level: Plane, length: int, offset: int, combine: Combine) -> None:  # noqa: ARG002  every layout has it
        n_before = max(0, offset - self.first_row)
        if n_before < len(cells):
            reached = cells[n_before:]
            combine(reached, level[max(0, self.first_row - offset) : len(level) - offset], out=reached)

    def days_ago(self, plane: Plane, days: int) -> Plane:
        first, end = self.first_row - days, len(plane) - days
        if first >= 0:
            return plane[first:end]
        cells = np.full(self.shape, np.nan, dtype=np.float32)
        if end > 0:
            cells[-end:] = plane[:end]
        return cells

    def spread(self, of_columns: Plane) -> Plane:
        return of_columns[np.newaxis, :]

    def narrow(self, columns: Indices) -> tuple[Layout, CellIndex]:
        return DaySpan(self.first_row, self.first_row + self.shape[0], len(columns)), (..., columns)


class ScatteredCells:
    """Any cells of the block: ``rows`` and ``columns`` (n,) into the plane."""

    can_overlap = True

    def __init__(self, rows: Indices, columns: Indices, n_columns: int) -> None:
        self.cell_rows = rows
        self.shape: tuple[int, ...] = rows.shape
        self.first_row = int(rows.min()) if len(rows) else 0
        self._columns = columns
        self._n_columns = n_columns
        self._flat = {0: rows * n_columns + columns}

    def start(self, plane: Plane) -> Plane:
        return plane

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
        return _double_rows(later, earlier, length, combine)

    def latest(self, level: Plane) -> Plane:
        return level.take(self._flat[0])

    def reach_back(self, cells: Plane, level: Plane, length: int, offset: int, combine: Combine) -> None:  # noqa: ARG002  every layout has it
        flat = self._cells_before(offset)
        if offset <= self.first_row:
            combine(cells, level.take(flat), out=cells)
        else:
            combine(cells, level.take(flat, mode="clip"), out=cells, where=flat >= 0)

    def days_ago(self, plane: Plane, days: int) -> Plane:
        flat = self._cells_before(days)
        if days <= self.first_row:
            return plane.take(flat)
        cells = plane.take(flat, mode="clip")
        cells[flat < 0] = np.nan
        return cells

    def spread(self, of_columns: Plane) -> Plane:
        return of_columns.take(self._columns)

    def narrow(self, columns: Indices) -> tuple[Layout, CellIndex]:
        place = np.full(self._n_columns, -1, dtype=np.intp)
        place[columns] = np.arange(len(columns))
        narrow_columns = place[self._columns]
        kept = np.flatnonzero(narrow_columns >= 0)
        return ScatteredCells(self.cell_rows[kept], narrow_columns[kept], len(columns)), (kept,)

    def _cells_before(self, days: int) -> Indices:
        if days not in self._flat:
            self._flat[days] = self._flat[0] - days * self._n_columns
        return self._flat[days]


class LastDay:
    """All components of the block on the plane's last row only.

    Blocks that no window of this one day can use are not computed: level L has every L-th row, so a
    tree costs twice its first level instead of once per level. Row k of a level ends k·L days back.
    """

    can_overlap = False

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.shape: tuple[int, ...] = (n_columns,)
        self.first_row = n_rows - 1
        self.cell_rows: Indices = np.array([self.first_row])

    def start(self, plane: Plane) -> Plane:
        return plane[::-1]

    def double(self, later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:  # noqa: ARG002  every layout has it
        later, earlier = later[0::2], earlier[1::2]
        doubled = np.empty(later.shape, dtype=later.dtype)
        combine(later[: len(earlier)], earlier, out=doubled[: len(earlier)])
        doubled[len(earlier) :] = later[len(earlier) :]
        return doubled

    def latest(self, level: Plane) -> Plane:
        latest: Plane = level[0].copy()
        return latest

    def reach_back(self, cells: Plane, level: Plane, length: int, offset: int, combine: Combine) -> None:
        row = offset // length
        if row < len(level):
            combine(cells, level[row], out=cells)

    def days_ago(self, plane: Plane, days: int) -> Plane:
        row = self.first_row - days
        return plane[row] if row >= 0 else np.full(self.shape, np.nan, dtype=np.float32)

    def spread(self, of_columns: Plane) -> Plane:
        return of_columns

    def narrow(self, columns: Indices) -> tuple[Layout, CellIndex]:
        return LastDay(self.first_row + 1, len(columns)), (columns,)


def _double_rows(later: Plane, earlier: Plane, length: int, combine: Combine) -> Plane:
    doubled = np.empty_like(later)
    doubled[:length] = later[:length]
    combine(later[length:], earlier[:-length], out=doubled[length:])
    return doubled
