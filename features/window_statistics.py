"""Mean, standard deviation, slope, smallest and largest of the reported values in a window.

Sums are float64. A constant's mean, slope and extremes come out exact, because float32 values times
small integers fit into 53 bits; its standard deviation is made exact by the rule below.
"""

from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from features.layouts import Layout
from features.windows import ExtremeTree, MomentTree, SumTree

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Cells = TypeVar("Cells", Floats, Doubles)

# A variance below this share of the mean square is a standard deviation below the resolution of the
# float32 values (2**-23): rounding, not movement.
_STEADY_SHARE = 2.0**-46


class WindowStatistics:
    """Statistics of ``values`` float32 (days, columns) per cell of ``layout``; NaN = not reported.

    ``reported`` says which values are there; None promises that all are.
    """

    def __init__(self, values: Floats, reported: Bools | None, layout: Layout) -> None:
        self._values = values
        self._reported = reported
        self._layout = layout

    def over_window(self, aggregate: str, days: int) -> Doubles | Floats:
        """Return one of min, max, mean, std, slope for each cell."""
        match aggregate:
            case "min":
                return self.smallest(days)
            case "max":
                return self.largest(days)
            case "mean":
                return self.mean(days)
            case "std":
                return self.std(days)
            case "slope":
                return self.slope(days)
        raise AssertionError(f"{aggregate} is not a statistic of a window")

    def mean(self, days: int) -> Doubles:
        """Return the mean."""
        return self._with_unknown(self._sums.window(days) / self._count(days), days, at_least=1)

    def std(self, days: int) -> Doubles:
        """Return the standard deviation of the population: 0 for a single value."""
        mean_square: Doubles = self._squares.window(days) / self._count(days)
        variance = self.mean(days)
        np.multiply(variance, variance, out=variance)
        np.subtract(mean_square, variance, out=variance)
        mean_square *= _STEADY_SHARE
        np.copyto(variance, 0.0, where=variance < mean_square)
        return self._with_unknown(np.sqrt(variance, out=variance), days, at_least=1)

    def slope(self, days: int) -> Doubles:
        """Return the least-squares slope per day over (-age, value); NaN below two values."""
        count = self._count(days)
        if self._is_full(days):
            ages = np.float64(days * (days - 1) / 2)
            squared_ages = np.float64(days * (days - 1) * (2 * days - 1) / 6)
        else:
            of_rows, of_squared_rows = (tree.window(days) for tree in self._row_sums)
            row = self._layout.cell_rows.astype(np.float64)
            ages = count * row - of_rows
            squared_ages = count * (row * row) - 2 * row * of_rows + of_squared_rows
        slope: Doubles = ages * self._sums.window(days)
        moment: Doubles = count * self._moments.window(days)
        slope -= moment
        slope /= count * squared_ages - ages * ages
        return self._with_unknown(slope, days, at_least=2)

    def smallest(self, days: int) -> Floats:
        """Return the smallest value."""
        return self._with_unknown(self._minima.window(days), days, at_least=1)

    def largest(self, days: int) -> Floats:
        """Return the largest value."""
        return self._with_unknown(self._maxima.window(days), days, at_least=1)

    def _is_full(self, days: int) -> bool:
        return self._reported is None and self._layout.first_row >= days - 1

    def _count(self, days: int) -> Doubles:
        """Return how many values are reported: one number where that is every day for every cell."""
        if self._is_full(days):
            return np.float64(days)  # type: ignore[return-value]  # broadcasts as an array would
        return self._counts.window(days).astype(np.float64)

    def _with_unknown(self, cells: Cells, days: int, at_least: int) -> Cells:
        """Blank the cells with fewer reported values, with the one NaN: 0 / 0 makes one of other bits."""
        if days < at_least or not self._is_full(days):
            np.copyto(cells, np.nan, where=self._count(days) < at_least)
        return cells

    @cached_property
    def _mask(self) -> Bools:
        return np.ones(self._values.shape, dtype=np.bool_) if self._reported is None else self._reported

    @cached_property
    def _counts(self) -> SumTree:
        return SumTree(self._layout, self._mask.view(np.uint8))

    @cached_property
    def _row_sums(self) -> tuple[SumTree, SumTree]:
        """Sums of r and r² over the reported rows r: exact integers, so counting from any row will do."""
        rows = np.arange(len(self._values), dtype=np.float64)[:, np.newaxis]
        return SumTree(self._layout, self._mask * rows), SumTree(self._layout, self._mask * (rows * rows))

    @cached_property
    def _filled(self) -> Doubles:
        filled = self._values.astype(np.float64)
        if self._reported is not None:
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
    def _maxima(self) -> ExtremeTree:
        return ExtremeTree(self._layout, self._filled_with(-np.inf), np.maximum)

    @cached_property
    def _minima(self) -> ExtremeTree:
        return ExtremeTree(self._layout, self._filled_with(np.inf), np.minimum)

    def _filled_with(self, identity: float) -> Floats:
        if self._reported is None:
            return self._values
        values = self._values.copy()
        np.copyto(values, identity, where=~self._reported)
        return values
