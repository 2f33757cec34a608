"""On which days a signal was reported, in one block: what follows from that alone, whatever the values.

Most signals of a component are missing on the same days, those on which it did not report at all. So
signals with the same pattern share one object, and what it has computed.
"""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.feature_names import MAX_GAP_DAYS
from features.layouts import Layout, Plane
from features.windows import ExtremeTree, SumTree

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


class ReportedDays:
    """``reported`` bool (days, components) of one block. Never written to."""

    def __init__(self, reported: Bools, layout: Layout) -> None:
        self.reported = reported
        self.layout = layout
        self._without_step: dict[int, Bools | None] = {}
        self._unseen: dict[int, Bools] = {}

    def is_of(self, reported: Bools) -> bool:
        """Return whether another signal of the same block was reported on the very same days."""
        return reported.shape == self.reported.shape and np.array_equal(reported, self.reported)

    @cached_property
    def has_gap(self) -> bool:
        """Whether any cell is missing."""
        return not self.reported.all()

    def carry(self, values: Floats) -> Floats:
        """Return the last known value at or before each day, at most ``MAX_GAP_DAYS`` days old."""
        if not self.has_gap:
            return values
        carried = values.copy()
        to, of = self._carries
        carried.ravel()[to] = values.ravel()[of]
        return carried

    @cached_property
    def _carries(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Which missing cells have a last known value, and which cell holds it."""
        n_columns = self.reported.shape[1]
        missing = np.flatnonzero(~self.reported)
        flat = self.reported.ravel()
        to, of = [], []
        for days in range(1, MAX_GAP_DAYS):
            source = missing - days * n_columns
            missing, source = missing[source >= 0], source[source >= 0]
            is_known = flat[source]
            to.append(missing[is_known])
            of.append(source[is_known])
            missing = missing[~is_known]
        return np.concatenate(to), np.concatenate(of)

    @cached_property
    def has_step(self) -> Bools:
        """Whether a value and a last known one before it are there: (days, components)."""
        known = self.reported.copy()
        known.ravel()[self._carries[0]] = True
        has_step = np.zeros_like(known)
        np.logical_and(self.reported[1:], known[:-1], out=has_step[1:])
        return has_step

    @cached_property
    def _steps(self) -> ExtremeTree:
        return ExtremeTree(self.layout, self.has_step, np.logical_or)

    def without_step(self, days: int) -> Bools | None:
        """Return the cells without a known step in the window, None if there are none."""
        if days not in self._without_step:
            if self.has_gap:
                unknown = ~self._steps.window(days)
            else:
                unknown = np.broadcast_to(self.layout.cell_rows == 0, self.layout.shape)
            self._without_step[days] = unknown if unknown.any() else None
        return self._without_step[days]

    def is_unseen(self, days: int) -> Bools:
        """Return the cells with no report in the window; shared, not to be written to."""
        if days not in self._unseen:
            self._unseen[days] = ~ExtremeTree(self.layout, self.reported, np.logical_or).window(days)
        return self._unseen[days]

    def count(self, days: int) -> Plane:
        """Return on how many days of the window it was reported, per cell; shared, not to be written to."""
        return self._counts.window(days)

    @cached_property
    def _counts(self) -> SumTree:
        return SumTree(self.layout, self.reported.view(np.uint8))
