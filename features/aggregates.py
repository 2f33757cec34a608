"""How one signal's values in a block become its features.

Everything that several features need (steps, which steps are known, tree levels) is made once, when
first asked for. Most error signals never move in most components, so the trees of steps are built
only for the columns that did; the other cells are 0 where a step is known, which is the same result.

Arithmetic: values are float32, sums float64, counts exact integers.
"""

from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt

from features.feature_names import MAX_GAP_DAYS, MAX_WINDOW_DAYS, FeatureSpec
from features.windows import CellIndex, ExtremeTree, Layout, MomentTree, Plane, SinceTree, SumTree

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A variance below this share of the mean square is a standard deviation below the resolution of the
# float32 values (2**-23): rounding, not movement.
_STEADY_SHARE = 2.0**-46


class SignalBlock:
    """One signal in one block: ``values`` float32 (days, components), NaN = not reported.

    Every method returns one value per cell of ``layout``, as float, NaN = unknown.
    """

    def __init__(self, values: Floats, layout: Layout) -> None:
        self._values = values
        self._layout = layout
        self._of_steps: dict[tuple[str, int], Floats] = {}

    def compute(self, spec: FeatureSpec) -> Floats | Doubles:
        """Return the feature's value for each cell (percentiles are looked up by the kernel)."""
        window = spec.window_days or MAX_WINDOW_DAYS
        match spec.aggregate:
            case "level":
                return self.level
            case "delta":
                return self.level - self._carried_at(window)
            case "increase":
                return self.increase(window)
            case "changes":
                return self.changes(window)
            case "maxstep":
                return self.maxstep(window)
            case "dayssincechange":
                return self.days_since_change()
            case "min":
                return self._smallest(window)
            case "max":
                return self._largest(window)
            case "mean":
                return self._sums.window(window) / self._count(window)
            case "std":
                return self._std(window)
            case "slope":
                return self._slope(window)
        raise AssertionError(f"{spec.aggregate} is not an aggregate of one signal")

    @cached_property
    def level(self) -> Floats:
        """Value on the day itself."""
        return cast(Floats, self._layout.at(self._layout.start(self._values), 1, 0, np.nan))

    # Which values are there.

    @cached_property
    def _reported(self) -> Bools:
        return ~np.isnan(self._values)

    @cached_property
    def _has_gap(self) -> bool:
        return not self._reported.all()

    @cached_property
    def _carried(self) -> Floats:
        """The last known value at or before each day, at most ``MAX_GAP_DAYS`` days old."""
        if not self._has_gap:
            return self._values
        carried, age = self._values, 1
        while age < MAX_GAP_DAYS:
            reach = min(age, MAX_GAP_DAYS - age)
            wider = carried.copy()
            np.copyto(wider[reach:], carried[:-reach], where=np.isnan(carried[reach:]))
            carried, age = wider, age + reach
        return carried

    def _carried_at(self, days_ago: int) -> Floats:
        return cast(Floats, self._layout.at(self._layout.start(self._carried), 1, days_ago, np.nan))

    # Steps: value minus the last known value of the days before.

    @cached_property
    def _before(self) -> Floats:
        before = np.empty_like(self._values)
        before[:1] = np.nan
        before[1:] = self._carried[:-1]
        return before

    @cached_property
    def _has_step(self) -> ExtremeTree:
        if self._has_gap:
            known = self._reported & ~np.isnan(self._before)
        else:
            known = np.ones(self._values.shape, dtype=np.bool_)
            known[:1] = False
        return ExtremeTree(self._layout, known, np.logical_or, False)

    @cached_property
    def _moved(self) -> Bools:
        values, before = self._values, self._before
        if self._has_gap:
            return (values > before) | (values < before)
        moved = values != before
        moved[:1] = False
        return moved

    @cached_property
    def _moving(self) -> "_MovingColumns | None":
        if not self._moved.any():
            return None
        active = self._moved.any(axis=0)
        if 2 * int(active.sum()) >= active.size:
            return _MovingColumns(self._values, self._before, self._moved, self._layout, (...,))
        columns = np.flatnonzero(active)
        narrow, where = self._layout.narrow(columns)
        return _MovingColumns(
            self._values[:, columns], self._before[:, columns], self._moved[:, columns], narrow, where
        )

    def _unknown_steps(self, days: int) -> Bools | None:
        """Return the cells without a known step in the window, None if there are none."""
        key = ("unknown", days)
        if key not in self._unknown:
            known = cast(Bools, self._has_step.window(days))
            self._unknown[key] = None if known.all() else ~known
        return self._unknown[key]

    @cached_property
    def _unknown(self) -> dict[tuple[str, int], Bools | None]:
        return {}

    def increase(self, days: int) -> Floats:
        """Sum of the positive steps."""
        return self._from_steps(None if self._moving is None else self._moving.increases, days)

    def changes(self, days: int) -> Floats:
        """Number of days with a step that is not zero."""
        return self._from_steps(None if self._moving is None else self._moving.changes, days)

    def maxstep(self, days: int) -> Floats:
        """Largest positive step."""
        return self._from_steps(None if self._moving is None else self._moving.largest, days)

    def _from_steps(self, tree: SumTree | ExtremeTree | None, days: int) -> Floats:
        result = np.zeros(self._layout.shape, dtype=np.float32)
        if tree is not None and self._moving is not None:
            self._moving.place(result, tree.window(days))
        unknown = self._unknown_steps(days)
        if unknown is not None:
            result[unknown] = np.nan
        return result

    def days_since_change(self) -> Floats:
        """Days since the last step that is not zero, 90 if there is none in the lookback."""
        result = np.full(self._layout.shape, MAX_WINDOW_DAYS, dtype=np.float32)
        if self._moving is not None:
            self._moving.place(result, self._moving.since.window(MAX_WINDOW_DAYS))
        if self._has_gap:
            seen = ExtremeTree(self._layout, self._reported, np.logical_or, False).window(MAX_WINDOW_DAYS)
            result[~cast(Bools, seen)] = np.nan
        return result

    # Reported values.

    @cached_property
    def _counts(self) -> SumTree:
        return SumTree(self._layout, self._reported.view(np.uint8))

    def _count(self, days: int) -> Doubles | float:
        """Return how many values are reported in the window; one number where that is all of its days."""
        if self._is_full(days):
            return float(days)
        return self._counts.window(days).astype(np.float64)

    def _is_full(self, days: int) -> bool:
        return not self._has_gap and self._layout.first_row >= days - 1

    @cached_property
    def _filled(self) -> Doubles:
        filled = self._values.astype(np.float64)
        if self._has_gap:
            np.copyto(filled, 0.0, where=~self._reported)
        return filled

    @cached_property
    def _sums(self) -> SumTree:
        return SumTree(self._layout, self._filled)

    @cached_property
    def _squares(self) -> SumTree:
        return SumTree(self._layout, self._filled * self._filled)

    @cached_property
    def _moments(self) -> MomentTree:
        return MomentTree(self._layout, self._sums)

    @cached_property
    def _row_sums(self) -> tuple[SumTree, SumTree]:
        """Sums of r and r² over the reported rows r: exact integers, so counting from any row will do."""
        rows = np.arange(len(self._values), dtype=np.float64)[:, np.newaxis]
        return (
            SumTree(self._layout, self._reported * rows),
            SumTree(self._layout, self._reported * (rows * rows)),
        )

    def _std(self, days: int) -> Doubles:
        count = self._count(days)
        mean = cast(Doubles, self._sums.window(days) / count)
        mean_square = cast(Doubles, self._squares.window(days) / count)
        variance = mean_square - mean * mean
        np.copyto(variance, 0.0, where=variance < mean_square * _STEADY_SHARE)
        return cast(Doubles, np.sqrt(variance))

    def _slope(self, days: int) -> Doubles:
        """Least squares over (-age, value): exact zero for a constant, as all its products are exact."""
        total = cast(Doubles, self._sums.window(days))
        moment = cast(Doubles, self._moments.window(days))
        n = self._count(days)
        if self._is_full(days):
            ages, squared_ages = days * (days - 1) / 2, days * (days - 1) * (2 * days - 1) / 6
        else:
            of_rows, of_squares = (cast(Doubles, tree.window(days)) for tree in self._row_sums)
            row = self._layout.cell_rows.astype(np.float64)
            ages = n * row - of_rows
            squared_ages = n * (row * row) - 2 * row * of_rows + of_squares
        slope = (ages * total - n * moment) / np.asarray(n * squared_ages - ages * ages)
        return cast(Doubles, np.where(np.asarray(n) < 2, np.nan, slope))

    def _largest(self, days: int) -> Floats:
        return self._without_empty(self._maxima, days)

    def _smallest(self, days: int) -> Floats:
        return self._without_empty(self._minima, days)

    def _without_empty(self, tree: ExtremeTree, days: int) -> Floats:
        found = tree.window(days)
        if self._is_full(days):
            return cast(Floats, found)
        return cast(Floats, np.where(np.isinf(found), np.float32(np.nan), found))

    @cached_property
    def _maxima(self) -> ExtremeTree:
        return self._extremes(np.maximum, -np.inf)

    @cached_property
    def _minima(self) -> ExtremeTree:
        return self._extremes(np.minimum, np.inf)

    def _extremes(self, combine: np.ufunc, identity: float) -> ExtremeTree:
        values: Plane = self._values
        if self._has_gap:
            values = np.where(self._reported, self._values, np.float32(identity))
        return ExtremeTree(self._layout, values, combine, identity)


class _MovingColumns:
    """The columns of a block in which the signal changed at all, and where they belong."""

    def __init__(
        self, values: Floats, before: Floats, moved: Bools, layout: Layout, where: CellIndex
    ) -> None:
        self._values = values
        self._before = before
        self._moved = moved
        self._layout = layout
        self._where = where

    def place(self, result: Floats, cells: Plane) -> None:
        """Write cells of the moving columns to their places in the block's result."""
        result[self._where] = cells

    @cached_property
    def _positive(self) -> Doubles:
        steps = self._values.astype(np.float64)
        steps -= self._before
        return cast(Doubles, np.fmax(steps, 0.0, out=steps))  # fmax also turns unknown into 0

    @cached_property
    def increases(self) -> SumTree:
        return SumTree(self._layout, self._positive)

    @cached_property
    def changes(self) -> SumTree:
        return SumTree(self._layout, self._moved.view(np.uint8))

    @cached_property
    def largest(self) -> ExtremeTree:
        return ExtremeTree(self._layout, self._positive.astype(np.float32), np.maximum, 0.0)

    @cached_property
    def since(self) -> SinceTree:
        return SinceTree(self._layout, self._moved, MAX_WINDOW_DAYS)
