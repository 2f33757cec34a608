"""Lives are cut at failures, and a signal of a day holds what was known that evening and nothing later."""

import datetime as dt

import numpy as np
import pytest

from tests.recorded_fleets.intervals import N_DRAWS, draw_average_precisions, summarise
from tests.recorded_fleets.lanl import read_month
from tests.recorded_fleets.recording import Lives, Outage, Service, make_lives, number_of
from tests.recorded_fleets.signals import CountSoFar, DaysSince, Events, GroupRate, LastValue

EVENTS = Events(
    component_index=np.array([0, 0, 1, 0]),
    known_on=np.array([12, 14, 13, 5]),
    amount=np.array([1.0, 2.0, 1.0, 1.0]),
)


def lives_of(*outages: tuple[int, int, int], service: tuple[int, int] = (10, 100)) -> Lives:
    """Return the lives of one component; an outage is (day, known_on, back_on)."""
    return make_lives(
        np.array(["a"]),
        [Service(component="a", first_day=service[0], last_day=service[1])],
        [Outage(component="a", day=day, known_on=known, back_on=back) for day, known, back in outages],
    )


def spans_of(lives: Lives) -> list[tuple[int, int, bool]]:
    return list(
        zip(lives.first_day.tolist(), lives.last_day.tolist(), lives.has_failed.tolist(), strict=True)
    )


def test_a_life_ends_with_a_failure_and_the_next_begins_with_the_repair() -> None:
    assert spans_of(lives_of((20, 22, 22), (50, 50, 50))) == [
        (10, 20, True),
        (22, 50, True),
        (50, 100, False),
    ]


def test_what_fails_while_it_is_down_is_the_same_outage() -> None:
    assert spans_of(lives_of((20, 30, 30), (25, 26, 26), (20, 21, 21))) == [(10, 20, True), (30, 100, False)]


def test_service_that_ends_is_no_failure_and_a_failure_on_the_first_day_is_no_life() -> None:
    assert spans_of(lives_of(service=(10, 40))) == [(10, 40, False)]
    assert spans_of(lives_of((10, 10, 10))) == [(10, 100, False)]


def test_a_failure_counts_from_when_it_was_known() -> None:
    lives = lives_of((20, 25, 25))
    before, after = lives.as_known_by(24), lives.as_known_by(25)
    assert not before.has_failed.any()
    assert before.last_day.max() == 24
    assert after.has_failed.tolist() == [True, False]
    assert after.last_day.tolist() == [20, 25]


def test_counters_hold_what_was_known_that_evening() -> None:
    counted = CountSoFar(EVENTS).read(10, 6, slice(0, 2))
    # What was known before the first day counts on it.
    assert counted.T.tolist() == [[1, 1, 2, 2, 4, 4], [0, 0, 0, 1, 1, 1]]


def test_days_since_an_event_are_unknown_before_the_first() -> None:
    since = DaysSince(EVENTS).read(10, 6, slice(1, 2))[:, 0]
    assert np.isnan(since[:3]).all()
    assert since[3:].tolist() == [0, 1, 2]


def test_the_last_value_is_carried_forward() -> None:
    last = LastValue(EVENTS).read(10, 6, slice(0, 2))
    assert last[:, 0].tolist() == [1, 1, 1, 1, 2, 2]
    assert np.isnan(last[:3, 1]).all()
    assert last[3:, 1].tolist() == [1, 1, 1]


def test_a_groups_rate_counts_all_of_its_members() -> None:
    rate = GroupRate(EVENTS, np.array([0, 0, 1])).read(10, 6, slice(1, 3))
    assert rate[:, 0].tolist() == [0.5, 0.5, 1, 1.5, 2.5, 2.5]
    assert rate[:, 1].tolist() == [0] * 6


@pytest.mark.parametrize(
    ("text", "month"),
    [("3-Aug", (2003, 8)), ("Oct-96", (1996, 10)), ("current", None), ("before tracking", None)],
)
def test_months_that_a_spreadsheet_has_turned_round(text: str, month: tuple[int, int] | None) -> None:
    assert read_month(text) == (None if month is None else number_of(dt.date(*month, 1)))


def test_average_precision_is_drawn_by_component_and_equal_draws_cancel() -> None:
    risk = np.array([0.9, 0.8, 0.8, 0.1])
    fails = np.array([True, False, True, False])
    component = np.array([0, 0, 1, 1])
    values = draw_average_precisions(risk, fails, component, seed=3)
    assert len(values) == 1 + N_DRAWS
    # 1 of 1, then 2 of 3 with the tie counted together.
    assert summarise(values).estimate == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    again = draw_average_precisions(risk, fails, component, seed=3)
    assert summarise(values - again).high == 0
    # Without component 1 only two rows are left: the hit comes first.
    assert values.max() == pytest.approx(1.0)
