"""How the asked-for cells are cut into blocks of components that fit into a processor's cache.

Three shapes of selection, one result: all components on a span of days (slices), one day (only the
last row of each tree), and anything else (gathered cells).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.layouts import DaySpan, Indices, LastDay, Layout, ScatteredCells


@dataclass(frozen=True, kw_only=True)
class _BlockCells:
    """Days × components of a block at work. Measured from 4,096 to 1,048,576 for each shape of selection.

    Of one thread: smaller blocks spend their time in Python (one day: three times as much at 16,384),
    larger ones leave the cache. Several threads wait for each other after every array operation, so
    theirs must be long: with the blocks of one thread, two are slower than one (scattered: 3.5 s
    instead of 2.6), with larger ones faster (1.9 s).
    """

    of_one_thread: int
    of_several: int


_SPAN = _BlockCells(of_one_thread=32_768, of_several=131_072)
_SCATTERED = _BlockCells(of_one_thread=49_152, of_several=393_216)
_ONE_DAY = _BlockCells(
    of_one_thread=131_072, of_several=786_432
)  # only the first level of a tree is this large
_LEAST_COLUMNS = 16  # a cache line of float32

Matrix = npt.NDArray[np.float32]


class Block(Protocol):
    """Some components, the cells wanted of them, and where the cells' features go."""

    @property
    def columns(self) -> slice | Indices:
        """Components, as positions in the cube."""
        ...

    @property
    def first_day(self) -> int:
        """Earliest day index with a cell."""
        ...

    @property
    def last_day(self) -> int:
        """Latest day index with a cell."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the cells."""
        ...

    @property
    def cell_days(self) -> Indices:
        """Day index of each cell; broadcasts to the shape."""
        ...

    @property
    def cell_columns(self) -> Indices:
        """Component index of each cell; broadcasts to the shape."""
        ...

    def layout(self, first_row_day: int) -> Layout:
        """Return how the cells lie in a plane of the days ``first_row_day..last_day``."""
        ...

    def write(self, features: Matrix, cells: Matrix) -> None:
        """Put ``cells`` (F, *shape) into their rows of the result (N, F)."""
        ...


@dataclass(frozen=True, kw_only=True)
class _SpanBlock:
    """All days of the selection for components ``columns``; the result's rows are in day order."""

    columns: slice
    first_day: int
    last_day: int
    n_components: int

    @property
    def shape(self) -> tuple[int, ...]:
        n_columns = self.columns.stop - self.columns.start
        n_days = self.last_day - self.first_day + 1
        return (n_columns,) if n_days == 1 else (n_days, n_columns)

    @property
    def cell_days(self) -> Indices:
        days = np.arange(self.first_day, self.last_day + 1)
        return days if len(days) == 1 else days[:, np.newaxis]

    @property
    def cell_columns(self) -> Indices:
        return np.arange(self.columns.start, self.columns.stop)

    def layout(self, first_row_day: int) -> Layout:
        n_rows = self.last_day - first_row_day + 1
        if self.first_day == self.last_day:
            return LastDay(n_rows, self.shape[-1])
        return DaySpan(self.first_day - first_row_day, n_rows, self.shape[-1])

    def write(self, features: Matrix, cells: Matrix) -> None:
        by_day = features.reshape(-1, self.n_components, features.shape[1])
        by_day[:, self.columns] = cells.reshape(len(cells), len(by_day), -1).transpose(1, 2, 0)


class _CellBlock:
    """Chosen cells of components ``columns``; ``rows`` are the result's rows they belong to."""

    def __init__(
        self, columns: slice | Indices, rows: Indices, cell_days: Indices, cell_columns: Indices
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.cell_days = cell_days
        self.cell_columns = cell_columns
        self.first_day = int(cell_days.min())
        self.last_day = int(cell_days.max())
        self.shape = rows.shape

    def layout(self, first_row_day: int) -> Layout:
        if isinstance(self.columns, slice):
            n_columns, columns = (
                self.columns.stop - self.columns.start,
                self.cell_columns - self.columns.start,
            )
        else:
            n_columns, columns = len(self.columns), np.searchsorted(self.columns, self.cell_columns)
        return ScatteredCells(self.cell_days - first_row_day, columns, n_columns)

    def write(self, features: Matrix, cells: Matrix) -> None:
        features[self.rows] = cells.T


class _OneDayBlock(_CellBlock):
    """Chosen components on one day, a column per cell."""

    def __init__(self, rows: Indices, cell_days: Indices, cell_columns: Indices) -> None:
        super().__init__(cell_columns, rows, cell_days, cell_columns)

    def layout(self, first_row_day: int) -> Layout:
        return LastDay(self.last_day - first_row_day + 1, len(self.rows))


def split_cells(
    day_index: Indices, component_index: Indices, n_components: int, lookback_days: int, n_threads: int = 1
) -> Iterator[Block]:
    """Yield blocks that together hold each of the N cells once.

    ``day_index`` and ``component_index`` (N,) are positions in a cube of ``n_components``. No value
    depends on how they are cut.
    """
    if not len(day_index):
        return
    first_day, last_day = int(day_index.min()), int(day_index.max())
    n_rows = last_day - max(0, first_day - lookback_days) + 1
    is_whole = _is_whole_span(day_index, component_index, n_components, first_day, last_day)
    if is_whole:
        width = _choose_width(_SPAN, n_rows, n_components, n_threads)
        for start in range(0, n_components, width):
            yield _SpanBlock(
                columns=slice(start, min(start + width, n_components)),
                first_day=first_day,
                last_day=last_day,
                n_components=n_components,
            )
    elif first_day == last_day:
        order = np.argsort(component_index, kind="stable")
        width = _choose_width(_ONE_DAY, n_rows, len(order), n_threads)
        for start in range(0, len(order), width):
            rows = order[start : start + width]
            yield _OneDayBlock(rows, day_index[rows], component_index[rows])
    else:
        yield from _scattered(day_index, component_index, n_components, n_rows, n_threads)


def _scattered(
    day_index: Indices, component_index: Indices, n_components: int, n_rows: int, n_threads: int
) -> Iterator[Block]:
    is_used = np.zeros(n_components, dtype=np.bool_)
    is_used[component_index] = True
    # Neighbours are cheaper to load than chosen columns; leave out unused ones only if they are many.
    used = np.flatnonzero(is_used) if 2 * int(is_used.sum()) < n_components else None
    n_used = n_components if used is None else len(used)
    width = _choose_width(_SCATTERED, n_rows, n_used, n_threads)
    place = component_index if used is None else (np.cumsum(is_used) - 1)[component_index]
    block_of = (place // width).astype(np.uint16 if n_used // width < 2**16 else np.uint32)
    order = np.argsort(block_of, kind="stable")
    ends = np.cumsum(np.bincount(block_of, minlength=-(-n_used // width)))
    for number, (start, end) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
        if start == end:
            continue
        rows = order[start:end]
        chosen = slice(number * width, min((number + 1) * width, n_used))
        columns = chosen if used is None else used[chosen]
        yield _CellBlock(columns, rows, day_index[rows], component_index[rows])


def _choose_width(cells: _BlockCells, n_rows: int, n_columns: int, n_threads: int) -> int:
    """Return how many components a block has: every thread gets two blocks, unless they become too small."""
    least = _floor_to_line(cells.of_one_thread // n_rows)
    if n_threads == 1:
        return least
    fair = _floor_to_line(n_columns // (2 * n_threads))
    return max(least, min(_floor_to_line(cells.of_several // n_rows), fair))


def _floor_to_line(n_columns: int) -> int:
    return max(_LEAST_COLUMNS, n_columns // _LEAST_COLUMNS * _LEAST_COLUMNS)


def _is_whole_span(
    day_index: Indices, component_index: Indices, n_components: int, first_day: int, last_day: int
) -> bool:
    n_days = last_day - first_day + 1
    if len(day_index) != n_days * n_components:
        return False
    days = day_index.reshape(n_days, n_components)
    components = component_index.reshape(n_days, n_components)
    return bool(
        np.all(days == np.arange(first_day, last_day + 1)[:, np.newaxis])
        and np.all(components == np.arange(n_components))
    )
