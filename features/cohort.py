"""Which components are in on a day, and why the others are not: only by what was known that evening."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from features.cube import Cube
from features.feature_names import MAX_GAP_DAYS, MAX_WINDOW_DAYS
from features.kernel import compute_features
from features.labels import Days

DEFAULT_MIN_DAYS_REPORTED = 2


class CohortReason(IntEnum):
    """Why a component is in the cohort or not. Where several hold, the one listed first.

    ``abstention_reason`` in out_predictions is the lower-case name.
    """

    NOT_IN_SERVICE = 1
    REPORTED_AFTER_FAILURE = 2
    NO_DATA_TODAY = 3
    NO_SIGNALS = 4
    NOT_ENOUGH_HISTORY = 5
    IN_COHORT = 0

    @property
    def is_abstention(self) -> bool:
        """Whether the component is in service, so that not scoring it must be said."""
        return self in (
            CohortReason.NO_DATA_TODAY,
            CohortReason.NO_SIGNALS,
            CohortReason.NOT_ENOUGH_HISTORY,
        )


def in_cohort(
    cube: Cube,
    day_index: npt.NDArray[np.integer],
    component_index: npt.NDArray[np.integer],
    *,
    last_failure_days: Days,
    days_out: int = MAX_WINDOW_DAYS,
    min_days_reported: int = DEFAULT_MIN_DAYS_REPORTED,
    n_threads: int = 2,
) -> npt.NDArray[np.int8]:
    """Return the ``CohortReason`` of each of N component-days, int8 (N,).

    - not in service: no row in the last 7 days, ``(d-7, d]``.
    - reported after failure: a failure known by the day, at most ``days_out`` days ago; the row is dirt,
      or the part waits for its repair. Later the component is back in service.
    - no data today: a row in the last 7 days, none on the day.
    - no signals: a row on the day, and every signal of it null.
    - not enough history: fewer than ``min_days_reported`` rows in the last 90 days.

    ``day_index`` and ``component_index`` (N,) are positions in the cube, which holds the 89 days before
    the first of them; ``last_failure_days`` (N,) is ``ComponentFailures.last_failure_days``, in days
    since 1970-01-01.
    """
    days, components = np.asarray(day_index, dtype=np.intp), np.asarray(component_index, dtype=np.intp)
    windows = [f"days_reported_{MAX_GAP_DAYS}d", f"days_reported_{MAX_WINDOW_DAYS}d"]
    recent, in_lookback = compute_features(cube, windows, days, components, n_threads=n_threads).T
    epoch_day = np.datetime64(cube.first_day, "D").astype(np.int64)
    has_signal = np.zeros(len(days), dtype=np.bool_)
    for values in cube.values:
        has_signal |= ~np.isnan(values[days, components])
    rules = [
        (CohortReason.NOT_IN_SERVICE, recent == 0),
        (CohortReason.REPORTED_AFTER_FAILURE, epoch_day + days - last_failure_days <= days_out),
        (CohortReason.NO_DATA_TODAY, ~cube.is_reported[days, components]),
        (CohortReason.NO_SIGNALS, ~has_signal),
        (CohortReason.NOT_ENOUGH_HISTORY, in_lookback < min_days_reported),
    ]
    return np.select(
        [holds for _, holds in rules],
        [np.int8(reason) for reason, _ in rules],
        np.int8(CohortReason.IN_COHORT),
    )
