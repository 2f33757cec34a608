"""Rules of the cohort: who is in on a day, and the one reason why another is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cubes import FIRST_DAY, drawn_cubes, make_cube

from features.cohort import CohortReason, in_cohort
from features.cube import Cube
from features.labels import NO_FAILURE

EPOCH_DAY = (np.datetime64(FIRST_DAY, "D") - np.datetime64(0, "D")).astype(int)


def reason(
    *reported: bool, failed_days_ago: int | None = None, has_signals: bool = True, days_out: int = 90
) -> CohortReason:
    """Return the reason on the last of the days given."""
    is_reported = np.array(reported)[:, np.newaxis]
    cube = make_cube(np.full((2, len(reported), 1), 1.0 if has_signals else np.nan, np.float32), is_reported)
    day = len(reported) - 1
    failure = -NO_FAILURE if failed_days_ago is None else EPOCH_DAY + day - failed_days_ago
    found = in_cohort(
        cube, np.array([day]), np.array([0]), last_failure_days=np.array([failure]), days_out=days_out
    )
    return CohortReason(found[0])


def test_a_component_that_reports_with_history_is_in() -> None:
    assert reason(True, False, True) is CohortReason.IN_COHORT


def test_a_component_that_reported_lately_but_not_today_is_abstained_on() -> None:
    assert reason(True, True, *[False] * 6) is CohortReason.NO_DATA_TODAY
    assert CohortReason.NO_DATA_TODAY.is_abstention


@pytest.mark.parametrize("days_out", [0, 1, 7])
def test_a_repaired_component_is_back_after_the_days_its_kind_says(days_out: int) -> None:
    still_out = reason(*[True] * 20, failed_days_ago=days_out, days_out=days_out)
    assert still_out is CohortReason.REPORTED_AFTER_FAILURE
    back = reason(*[True] * 20, failed_days_ago=days_out + 1, days_out=days_out)
    assert back is CohortReason.IN_COHORT


def test_a_component_silent_for_seven_days_is_out_of_service_and_not_abstained_on() -> None:
    assert reason(True, True, *[False] * 7) is CohortReason.NOT_IN_SERVICE
    assert not CohortReason.NOT_IN_SERVICE.is_abstention


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [(0, CohortReason.REPORTED_AFTER_FAILURE), (90, CohortReason.REPORTED_AFTER_FAILURE),
     (91, CohortReason.IN_COHORT)],
)  # fmt: skip
def test_rows_after_a_failure_are_dirt_until_the_lookback_is_over(
    days_ago: int, expected: CohortReason
) -> None:
    assert reason(True, True, failed_days_ago=days_ago) is expected


def test_a_component_with_a_single_day_has_not_enough_history() -> None:
    assert reason(False, False, True) is CohortReason.NOT_ENOUGH_HISTORY


def test_a_row_without_any_signal_is_abstained_on() -> None:
    assert reason(True, True, has_signals=False) is CohortReason.NO_SIGNALS


def test_history_older_than_the_lookback_does_not_count() -> None:
    assert reason(True, *[False] * 89, True) is CohortReason.NOT_ENOUGH_HISTORY
    assert reason(True, *[False] * 88, True) is CohortReason.IN_COHORT


@settings(max_examples=40, deadline=None)
@given(drawn_cubes(), st.data())
def test_no_future_row_changes_who_is_in_on_a_day(cube: Cube, data: st.DataObject) -> None:
    day = data.draw(st.integers(0, cube.n_days - 1))
    cells = np.full(cube.n_components, day), np.arange(cube.n_components)
    never = np.full(cube.n_components, -NO_FAILURE)
    before = in_cohort(cube, *cells, last_failure_days=never)
    cube.is_reported[day + 1 :] = data.draw(st.booleans())
    cube.values[:, day + 1 :] = data.draw(st.sampled_from([np.nan, 1.0]))
    assert in_cohort(cube, *cells, last_failure_days=never).tolist() == before.tolist()
