"""Rules of the labels: what is known to fail in time, what is known to survive, and all else is null."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.labels import NO_FAILURE, ComponentFailures, find_uncertain_days, label_component_days

NULL = None
DAY, LEAD, HORIZON = 100, 1, 30


def label(
    *,
    failure: int = NO_FAILURE,
    last_reported: int = 200,
    known_until: int = 500,
    is_uncertain: bool = False,
    lead: int = LEAD,
    horizon: int = HORIZON,
) -> float | None:
    """Return the label of day 100."""
    found = label_component_days(
        day_numbers=np.array([DAY]),
        next_failure_days=np.array([failure]),
        last_reported_days=np.array([last_reported]),
        lead_days=lead,
        horizon_days=horizon,
        known_until=known_until,
        is_uncertain=np.array([is_uncertain]),
    )
    return None if np.isnan(found[0]) else float(found[0])


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(100, NULL), (101, NULL), (102, 1.0), (130, 1.0), (131, 0.0), (NO_FAILURE, 0.0)],
)
def test_a_failure_counts_after_the_lead_and_up_to_the_horizon(failure: int, expected: float | None) -> None:
    assert label(failure=failure, last_reported=min(failure, 200)) == expected


def test_without_lead_the_next_day_counts() -> None:
    assert label(failure=101, lead=0) == 1.0
    assert label(failure=100, lead=0) is NULL


@pytest.mark.parametrize("failure", [110, NO_FAILURE])
def test_an_immature_day_has_no_label_even_if_it_has_failed(failure: int) -> None:
    assert label(failure=failure, known_until=129) is NULL
    assert label(failure=failure, known_until=130) is not NULL


@pytest.mark.parametrize(("last_reported", "expected"), [(129, NULL), (130, 0.0)])
def test_leaving_service_before_the_horizon_is_censored(last_reported: int, expected: float | None) -> None:
    assert label(last_reported=last_reported) == expected


def test_a_failure_after_the_horizon_proves_survival_until_then() -> None:
    assert label(failure=150, last_reported=110) == 0.0


@pytest.mark.parametrize("failure", [110, NO_FAILURE])
def test_a_part_replaced_on_our_advice_and_unconfirmed_has_no_label(failure: int) -> None:
    assert label(failure=failure, is_uncertain=True) is NULL


def test_a_lead_that_leaves_no_day_to_fail_on_is_refused() -> None:
    with pytest.raises(ValueError, match="leave no day"):
        label(lead=30)


def failures(*entries: tuple[int, int, int]) -> ComponentFailures:
    """Return failures from (component, day, known on)."""
    component, day, known_on = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    return ComponentFailures(component_index=component, day_numbers=day, known_on=known_on)


@dataclass(frozen=True, kw_only=True)
class History:
    entries: tuple[tuple[int, int, int], ...]
    rows: tuple[tuple[int, int], ...]


entries = st.builds(
    lambda c, d, late: (c, d, d + late), st.integers(0, 2), st.integers(0, 60), st.integers(0, 20)
)
histories = st.builds(
    lambda e, r: History(entries=tuple(e), rows=tuple(r)),
    st.lists(entries, max_size=6),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=20),
)


@given(histories, st.integers(0, 90))
def test_the_next_failure_is_the_first_known_one_on_or_after_the_day(
    history: History, known_until: int
) -> None:
    component, day = np.array(history.rows).T
    found = failures(*history.entries).next_failure_days(component, day, known_until=known_until)
    for row, (c, d) in enumerate(history.rows):
        later = [f for own, f, known in history.entries if own == c and f >= d and known <= known_until]
        assert found[row] == min(later, default=NO_FAILURE)


@given(histories)
def test_the_last_failure_is_the_latest_known_by_the_evening_of_the_day(history: History) -> None:
    component, day = np.array(history.rows).T
    found = failures(*history.entries).last_failure_days(component, day)
    for row, (c, d) in enumerate(history.rows):
        earlier = [f for own, f, known in history.entries if own == c and f <= d and known <= d]
        assert found[row] == max(earlier, default=-NO_FAILURE)


def labels_of(history: History, known: ComponentFailures, known_until: int) -> np.ndarray:
    component, day = np.array(history.rows).T
    return label_component_days(
        day_numbers=day,
        next_failure_days=known.next_failure_days(component, day, known_until=known_until),
        last_reported_days=np.array([40, 55, 70])[component],
        lead_days=2,
        horizon_days=10,
        known_until=known_until,
    )


@given(histories, st.integers(0, 90), st.integers(0, 60))
def test_failures_already_past_never_change_a_label(history: History, known_until: int, day: int) -> None:
    later = History(entries=history.entries, rows=tuple((c, day) for c, _ in history.rows))
    past = [(c, day - 1 - age, day - 1) for age, (c, _) in enumerate(history.rows[:3]) if day > age]
    before = labels_of(later, failures(*history.entries), known_until)
    after = labels_of(later, failures(*history.entries, *past), known_until)
    np.testing.assert_array_equal(after, before)


@given(histories, st.integers(0, 90))
def test_no_immature_day_has_a_label(history: History, known_until: int) -> None:
    day = np.array(history.rows)[:, 1]
    labels = labels_of(history, failures(*history.entries), known_until)
    assert np.isnan(labels[day + 10 > known_until]).all()


@given(histories, st.integers(0, 90), st.integers(0, 60), st.integers(1, 20))
def test_what_becomes_known_later_never_changes_a_label(
    history: History, known_until: int, day: int, late: int
) -> None:
    before = labels_of(history, failures(*history.entries), known_until)
    news = [(component, day, known_until + late) for component in range(3)]
    after = labels_of(history, failures(*history.entries, *news), known_until)
    np.testing.assert_array_equal(after, before)


@given(histories, st.integers(0, 90), st.randoms(use_true_random=False))
def test_the_order_of_failures_and_rows_never_matters(
    history: History, known_until: int, random: Random
) -> None:
    expected = dict(
        zip(history.rows, labels_of(history, failures(*history.entries), known_until), strict=True)
    )
    entries_, rows = list(history.entries), list(history.rows)
    random.shuffle(entries_)
    random.shuffle(rows)
    shuffled = History(entries=tuple(entries_), rows=tuple(rows))
    found = labels_of(shuffled, failures(*entries_), known_until)
    np.testing.assert_array_equal(found, [expected[row] for row in rows])


@pytest.mark.parametrize(
    ("change", "failure", "is_uncertain"),
    [
        (100, NO_FAILURE, True),
        (101, NO_FAILURE, True),
        (130, NO_FAILURE, True),
        (131, NO_FAILURE, False),
        (110, 120, True),
        (110, 110, False),
        (120, 110, False),
        (NO_FAILURE, NO_FAILURE, False),
    ],
)
def test_a_day_is_uncertain_if_the_part_was_changed_on_our_advice_within_the_horizon_before_it_failed(
    change: int, failure: int, is_uncertain: bool
) -> None:
    found = find_uncertain_days(
        day_numbers=np.array([100]),
        next_failure_days=np.array([failure]),
        next_change_days=np.array([change]),
        horizon_days=30,
    )
    assert found.tolist() == [is_uncertain]
