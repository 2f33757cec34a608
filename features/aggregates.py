"""How one signal's values in a block become its features.

What several features need is made once, when first asked for. Most error signals never move in most
components: the trees are built only for the columns that do. The rest follows without arithmetic
(no step: an increase of 0; one value: a mean of that value) and is the same, bit for bit.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.feature_names import MAX_WINDOW_DAYS, FeatureSpec
from features.layouts import CellIndex, Indices, Layout, Plane
from features.reported_days import ReportedDays
from features.window_statistics import WindowStatistics
from features.windows import ExtremeTree, FirstTree, SinceTree, SumTree

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ALL: CellIndex = (...,)


class SignalBlock:
    """One signal in one block: ``values`` float32 (days, components), NaN where ``days`` has no report."""

    def __init__(self, values: Floats, days: ReportedDays) -> None:
        self._values = values
        self._days = days
        self._layout = days.layout

    def compute(self, spec: FeatureSpec, out: Floats) -> None:
        """Write the feature's value for each cell of the layout, NaN = unknown.

        Percentiles are not of one component alone: the kernel looks them up.
        """
        days = spec.window_days or MAX_WINDOW_DAYS
        match spec.aggregate:
            case "level":
                out[...] = self.level
            case "delta":
                np.subtract(self.level, self._layout.days_ago(self._carried, days), out=out)
            case "dayssincechange":
                self._write_days_since_change(out)
            case "dayssincefirst":
                self._write_days_since_first(out)
            case "increase" | "changes" | "maxstep":
                self._write_from_steps(spec.aggregate, days, out)
            case "min" | "max" | "mean" | "std" | "slope":
                self._write_statistic(spec.aggregate, days, out)
            case _:
                raise AssertionError(f"{spec.aggregate} is not computed from one signal's values")

    @cached_property
    def level(self) -> Floats:
        """The value on the day itself, per cell."""
        return self._layout.days_ago(self._values, 0)

    def has_changed(self, days: int) -> Bools | None:
        """Return the cells with a step that is not zero in the window, None if there are none at all."""
        if self._moving is None:
            return None
        changed = np.zeros(self._layout.shape, dtype=np.bool_)
        changed[self._moving.where] = self._moving.changes.window(days) > 0
        return changed

    def without_step(self, days: int) -> Bools | None:
        """Return the cells without a known step in the window, None if there are none."""
        return self._days.without_step(days)

    # What was last known.

    @cached_property
    def _carried(self) -> Floats:
        """The last known value at or before each day, at most ``MAX_GAP_DAYS`` days old."""
        return self._days.carry(self._values)

    @cached_property
    def _before(self) -> Floats:
        before = np.empty_like(self._values)
        before[:1] = np.nan
        before[1:] = self._carried[:-1]
        return before

    # Steps: value minus the last known value of the days before.

    @cached_property
    def _moved(self) -> Bools:
        moved: Bools
        if self._days.has_gap:
            moved = (self._values != self._before) & self._days.has_step
            return moved
        moved = np.zeros(self._values.shape, dtype=np.bool_)
        np.not_equal(self._values[1:], self._values[:-1], out=moved[1:])
        return moved

    @cached_property
    def _moving(self) -> "_Steps | None":
        columns = _active(self._moved)
        if columns is None:
            return _Steps(self._values, self._before, self._moved, self._layout, _ALL)
        if not len(columns):
            return None
        layout, where = self._layout.narrow(columns)
        return _Steps(
            self._values[:, columns], self._before[:, columns], self._moved[:, columns], layout, where
        )

    def _write_from_steps(self, aggregate: str, days: int, out: Floats) -> None:
        out.fill(0.0)
        if self._moving is not None:
            out[self._moving.where] = self._moving.over_window(aggregate, days)
        unknown = self.without_step(days)
        if unknown is not None:
            np.copyto(out, np.nan, where=unknown)

    def _write_days_since_change(self, out: Floats) -> None:
        out.fill(MAX_WINDOW_DAYS)
        if self._moving is not None:
            out[self._moving.where] = self._moving.since.window(MAX_WINDOW_DAYS)
        if self._days.has_gap:
            np.copyto(out, np.nan, where=self._days.is_unseen(MAX_WINDOW_DAYS))

    def _write_days_since_first(self, out: Floats) -> None:
        out.fill(-1.0)
        above = self._values > 0
        columns = _active(above)
        if columns is None:
            out[...] = FirstTree(self._layout, above).window(MAX_WINDOW_DAYS)
        elif len(columns):
            layout, where = self._layout.narrow(columns)
            out[where] = FirstTree(layout, above[:, columns]).window(MAX_WINDOW_DAYS)
        if self._days.has_gap:
            np.copyto(out, np.nan, where=self._days.is_unseen(MAX_WINDOW_DAYS))

    # Statistics of the reported values.

    @cached_property
    def _varying(self) -> tuple[WindowStatistics, CellIndex] | None:
        """The columns with more than one value, and where their cells lie."""
        if self._days.has_gap:
            columns = _active(np.fmin.reduce(self._values, axis=0) < np.fmax.reduce(self._values, axis=0))
        else:
            columns = _active(self._moved)
        reported = self._days.reported if self._days.has_gap else None
        if columns is None:
            return WindowStatistics(self._values, reported, self._layout), _ALL
        if not len(columns):
            return None
        layout, where = self._layout.narrow(columns)
        reported = None if reported is None else reported[:, columns]
        return WindowStatistics(self._values[:, columns], reported, layout), where

    def _write_statistic(self, aggregate: str, days: int, out: Floats) -> None:
        varying = self._varying
        if varying is None or varying[1] is not _ALL:
            self._write_constant(aggregate, days, out)
        if varying is not None:
            statistics, where = varying
            out[where] = statistics.over_window(aggregate, days)

    def _write_constant(self, aggregate: str, days: int, out: Floats) -> None:
        """Write what a column with a single value has: that value, and no spread or slope."""
        if aggregate in ("std", "slope"):
            out.fill(0.0)
        else:
            values = np.fmax.reduce(self._values, axis=0) if self._days.has_gap else self._values[-1]
            out[...] = self._layout.spread(values)
        at_least = 2 if aggregate == "slope" else 1
        if self._days.has_gap:
            np.copyto(out, np.nan, where=self._days.count(days) < at_least)
        elif at_least == 2:
            np.copyto(out, np.nan, where=(self._layout.cell_rows == 0) | (days == 1))


class _Steps:
    """The columns of a block in which the signal changed at all, and where their cells belong."""

    def __init__(
        self, values: Floats, before: Floats, moved: Bools, layout: Layout, where: CellIndex
    ) -> None:
        self._values = values
        self._before = before
        self._moved = moved
        self._layout = layout
        self.where = where

    def over_window(self, aggregate: str, days: int) -> Plane:
        """Return one of increase, changes, maxstep for each cell."""
        if aggregate == "increase":
            return self.increases.window(days)
        return (self.changes if aggregate == "changes" else self.largest).window(days)

    @cached_property
    def _positive(self) -> Doubles:
        steps: Doubles = self._values.astype(np.float64)
        steps -= self._before
        # A negative step is a new life, not a repair. fmax also turns unknown into 0.
        return np.fmax(steps, 0.0, out=steps)

    @cached_property
    def increases(self) -> SumTree:
        """Positive steps."""
        return SumTree(self._layout, self._positive)

    @cached_property
    def changes(self) -> SumTree:
        """One for each step that is not zero."""
        return SumTree(self._layout, self._moved.view(np.uint8))

    @cached_property
    def largest(self) -> ExtremeTree:
        """Largest positive step."""
        return ExtremeTree(self._layout, self._positive.astype(np.float32), np.maximum)

    @cached_property
    def since(self) -> SinceTree:
        """Days since the last step that is not zero."""
        return SinceTree(self._layout, self._moved, MAX_WINDOW_DAYS)


def _active(is_active: Bools) -> Indices | None:
    """Return the columns with any active cell; None if they are so many that all are as cheap."""
    if not is_active.any():
        return np.empty(0, dtype=np.intp)
    of_columns: Bools = np.logical_or.reduce(np.atleast_2d(is_active), axis=0)
    columns = np.flatnonzero(of_columns)
    return None if 2 * len(columns) >= len(of_columns) else columns
