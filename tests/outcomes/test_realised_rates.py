"""Realised rates: counted by model, site and playbook entry, and read point-in-time."""

import datetime as dt

import pytest
from closed_tickets import Floor
from hand_made_fleet import DAY, day_after

from features.proportions import wilson_interval
from pipelines.lake import Lake
from pipelines.realised_rates import RateScope, RealisedRate, read_realised_rates
from pipelines.tickets.tracker import Outcome

OUTCOMES = (
    *(Outcome.CONFIRMED,) * 5,
    *(Outcome.NO_FAULT_FOUND,) * 3,
    Outcome.RESEATED,
    Outcome.FIRMWARE,
    Outcome.DECLINED,
    Outcome.STOPPED_REPORTING,
    Outcome.LEFT_LIST,
)


@pytest.fixture
def floor(lake: Lake) -> Floor:
    """Thirteen tickets, one closed a day; the first five in another site, by an older model."""
    floor = Floor(lake)
    for n, outcome in enumerate(OUTCOMES):
        fields = {"site": "ber2", "model_id": "rule:drive_fails_30d"} if n < 5 else {}
        floor.close(floor.open(f"ZA{n}", day=DAY, **fields), day_after(2 * n), outcome)
        floor.collect(day_after(2 * n))
    return floor


def overall(lake: Lake, day: dt.date) -> RealisedRate:
    rate = read_realised_rates(lake, day).find(RateScope.ALL)
    assert rate is not None
    return rate


def test_each_way_to_end_is_counted_and_only_no_fault_found_is_a_false_alarm(floor: Floor) -> None:
    rate = overall(floor.lake, day_after(25))
    assert rate.n_closed == len(OUTCOMES)
    assert (rate.n_confirmed, rate.n_no_fault_found, rate.n_fixed, rate.n_declined) == (5, 3, 2, 1)
    assert (rate.n_uncertain, rate.n_unknown) == (1, 1)
    assert (rate.n_judged, rate.precision) == (8, 5 / 8)
    assert (rate.n_recent, rate.n_recent_confirmed) == (8, 5)
    assert rate.median_lead_days == 4


def test_rates_are_told_apart_by_model_site_and_playbook_entry(floor: Floor) -> None:
    rates = read_realised_rates(floor.lake, day_after(25))
    assert {each.name: each.n_closed for each in rates.list_scope(RateScope.MODEL)} == {
        "drive_fails_30d-0a1b2c3d": 8,
        "rule:drive_fails_30d": 5,
    }
    (hardware,) = rates.list_scope(RateScope.HARDWARE_MODEL)
    assert (hardware.name, hardware.n_closed) == ("ST4000DM000", 13)
    sites = {each.name: each.precision for each in rates.list_scope(RateScope.SITE)}
    assert sites == {"fra1": 0.0, "ber2": 1.0}
    assert rates.list_scope(RateScope.PLAYBOOK_ENTRY) == ()
    assert rates.find(RateScope.SITE, "nowhere") is None


def test_a_list_sees_the_rates_of_the_day_before_never_of_its_own_day(floor: Floor) -> None:
    assert read_realised_rates(floor.lake, DAY).rates == ()
    assert read_realised_rates(floor.lake, DAY).day is None
    assert overall(floor.lake, day_after(1)).n_closed == 1
    assert overall(floor.lake, day_after(2)).n_closed == 1
    assert overall(floor.lake, day_after(3)).n_closed == 2


def test_only_the_last_twenty_judged_tickets_are_recent(lake: Lake) -> None:
    floor = Floor(lake)
    for n in range(25):
        outcome = Outcome.NO_FAULT_FOUND if n < 10 else Outcome.CONFIRMED
        floor.close(floor.open(f"ZA{n:02}"), day_after(n), outcome)
    floor.collect(day_after(24))
    rate = overall(lake, day_after(25))
    assert (rate.n_recent, rate.n_recent_confirmed, rate.precision) == (20, 15, 15 / 25)


def test_tickets_closed_more_than_400_days_ago_are_not_counted(lake: Lake) -> None:
    floor = Floor(lake)
    floor.close(floor.open(), day_after(0), Outcome.CONFIRMED)
    floor.collect(day_after(0))
    floor.collect(day_after(400))
    assert overall(lake, day_after(401)).n_closed == 1
    floor.collect(day_after(401))
    assert read_realised_rates(lake, day_after(402)).rates == ()


@pytest.mark.parametrize(
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
    ("n_hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(n_hits: int, n: int, low: float, high: float) -> None:
    interval = wilson_interval(n_hits, n)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_of_no_case_there_is_no_interval() -> None:
    assert wilson_interval(0, 0) is None
