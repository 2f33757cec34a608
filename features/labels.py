"""Which component-days fail within the horizon, as far as is known on a given day.

Days are int64 numbers, days since 1970-01-01 (UTC).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NO_FAILURE = 1 << 30
"""Stands for "no failure at or after the day"; ``-NO_FAILURE`` for "none before". Later than any day."""

_DAY_RANGE = 1 << 31


@dataclass(frozen=True, kw_only=True)
class ComponentFailures:
    """Failures, one entry each, in any order; a component may have several.

    ``component_index`` (M,) are positions in the cube, ``day_numbers`` (M,) the days of the failures
    and ``known_on`` (M,) the days on whose evening we knew. Administrative removals do not belong here.
    Changes of parts on our advice, of which nobody confirmed a fault, are kept in another such list.
    """

    component_index: Days
    day_numbers: Days
    known_on: Days

    def __post_init__(self) -> None:
        if not len(self.component_index) == len(self.day_numbers) == len(self.known_on):
            raise ValueError("component_index, day_numbers and known_on have one entry per failure.")

    def next_failure_days(self, component_index: Days, day_numbers: Days, *, known_until: int) -> Days:
        """Return for each component-day (N,) its first failure on or after that day, or ``NO_FAILURE``.

        Failures that became known after ``known_until`` do not count.
        """
        is_known = self.known_on <= known_until
        events = np.sort(_key(self.component_index[is_known], self.day_numbers[is_known]))
        wanted = _key(component_index, day_numbers)
        found = np.append(events, np.iinfo(np.int64).max)[np.searchsorted(events, wanted)]
        is_same = found // _DAY_RANGE == np.asarray(component_index)
        return np.where(is_same, found % _DAY_RANGE, NO_FAILURE)

    def last_failure_days(self, component_index: Days, day_numbers: Days) -> Days:
        """Return for each component-day (N,) the latest failure known by its evening, or ``-NO_FAILURE``."""
        counts_from = np.maximum(self.day_numbers, self.known_on)
        order = np.lexsort((counts_from, self.component_index))
        events = _key(self.component_index[order], counts_from[order])
        # A failure reported late may be older than one that was already known.
        latest = np.maximum.accumulate(_key(self.component_index[order], self.day_numbers[order]))
        place = np.searchsorted(events, _key(component_index, day_numbers), side="right")
        found = np.append(np.int64(-1), latest)[place]
        is_same = found // _DAY_RANGE == np.asarray(component_index)
        return np.where(is_same, found % _DAY_RANGE, -NO_FAILURE)


def find_uncertain_days(
    *, day_numbers: Days, next_failure_days: Days, next_change_days: Days, horizon_days: int
) -> Bools:
    """Mark the component-days (N,) in whose horizon the part was changed on our advice, before it failed.

    ``next_change_days`` is the first unconfirmed change (replaced, reseated, flashed) on or after the
    day, ``NO_FAILURE`` if there is none. Nobody can know how such a day would have ended: counted as
    healthy, it teaches that our own alerts are false; counted as a failure, that they are always right.
    """
    is_in_horizon = next_change_days <= day_numbers + horizon_days
    return np.asarray(is_in_horizon & (next_change_days < next_failure_days))


def label_component_days(
    *,
    day_numbers: Days,
    next_failure_days: Days,
    last_reported_days: Days,
    lead_days: int,
    horizon_days: int,
    known_until: int,
    is_uncertain: Bools | None = None,
) -> npt.NDArray[np.float32]:
    """Label each component-day with whether it fails in ``(day + lead, day + horizon]``: 1, 0 or NaN.

    All arrays (N,) are aligned with the component-days. ``next_failure_days`` is the first failure on
    or after the day (``ComponentFailures.next_failure_days``), ``last_reported_days`` the last day the
    component reported, both as known by the evening of ``known_until``. NaN, so that training drops
    the row, where

    - ``day + horizon > known_until``: immature. Also if it has already failed: keeping such positives
      without the survivors of the same days would teach that recent days are dangerous.
    - it fails on the day or inside the lead time: too late to act on, neither a hit nor a miss.
    - it left service unfailed before ``day + horizon``: censored.
    - ``is_uncertain`` (``find_uncertain_days``): it was changed on our advice and nobody confirmed a fault.
    """
    if not 0 <= lead_days < horizon_days:
        raise ValueError(
            f"a lead of {lead_days} and a horizon of {horizon_days} days leave no day to fail on."
        )
    end = day_numbers + horizon_days
    fails_in_horizon = (next_failure_days > day_numbers + lead_days) & (next_failure_days <= end)
    is_too_late = (next_failure_days >= day_numbers) & (next_failure_days <= day_numbers + lead_days)
    # What fails after the horizon was in service until then, reported or not.
    is_survivor = (last_reported_days >= end) | ((next_failure_days > end) & (next_failure_days < NO_FAILURE))
    labels = np.where(fails_in_horizon, np.float32(1), np.float32(0))
    is_unknown = (end > known_until) | is_too_late | ~(fails_in_horizon | is_survivor)
    if is_uncertain is not None:
        is_unknown |= is_uncertain
    labels[is_unknown] = np.nan
    return labels


def _key(component_index: Days, day_numbers: Days) -> Days:
    """Order by component, then day, in one number; days lie in 0..2**31."""
    return np.asarray(component_index, dtype=np.int64) * _DAY_RANGE + np.asarray(day_numbers, dtype=np.int64)
