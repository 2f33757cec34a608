"""When an open ticket ends by itself, and when nobody can know."""

import datetime as dt
from dataclasses import replace

import pytest
from hand_made_fleet import DAY, TARGET, day_after, make_entry
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tickets.absence import find_absent_since, was_long_absent
from pipelines.tickets.departures import FleetDay, Slot, find_departure
from pipelines.tickets.plan import Close, Create
from pipelines.tickets.policy import Policy
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.tracker import Outcome, Ticket

HERE = {"ZA1": frozenset({"host-0421"})}
SLOT = Slot(host_id="host-0421", slot="7", component_kind="drive")


@pytest.fixture
def ticket() -> Ticket:
    """Return an open ticket, opened and last listed on ``DAY``."""
    policy = Policy(k_per_day=1, close_after_days=14, reopen_within_days=30, update_risk_step=0.1)
    (change,) = plan_changes([make_entry()], [], FleetDay(), policy, day=DAY, list_manifest=None).changes
    assert isinstance(change, Create)
    draft = change.draft
    return Ticket(ticket_id="1", is_open=True, title=draft.title, body=draft.body, record=draft.record)


def departure(ticket: Ticket, fleet: FleetDay, day: dt.date, *, is_listed: bool = False) -> Outcome | None:
    found: Close | None = find_departure(ticket, fleet, day=day, is_listed=is_listed, close_after_days=14)
    return None if found is None else found.outcome


def test_a_part_scored_and_off_every_list_for_the_whole_span_has_left(ticket: Ticket) -> None:
    fleet = FleetDay(hosts_of=HERE, off_list_since={ticket.key: day_after(1)})
    assert departure(ticket, fleet, day_after(13)) is None
    assert departure(ticket, fleet, day_after(14)) is Outcome.LEFT_LIST


def test_the_span_starts_after_the_last_day_the_ticket_saw_it_listed(ticket: Ticket) -> None:
    later = replace(ticket, record=ticket.record.model_copy(update={"last_listed_day": day_after(5)}))
    fleet = FleetDay(hosts_of=HERE, off_list_since={ticket.key: day_after(1)})
    assert departure(later, fleet, day_after(18)) is None
    assert departure(later, fleet, day_after(19)) is Outcome.LEFT_LIST


def test_an_abstained_part_has_not_left_the_list(ticket: Ticket) -> None:
    fleet = FleetDay(
        hosts_of=HERE,
        off_list_since={ticket.key: day_after(1)},
        abstained=frozenset({("ZA1", TARGET)}),
    )
    assert departure(ticket, fleet, day_after(60)) is None


def test_a_silent_part_has_not_left_the_list_but_its_ticket_ends_after_the_span(ticket: Ticket) -> None:
    fleet = FleetDay(silent_since={"ZA1": day_after(3)}, off_list_since={ticket.key: day_after(1)})
    assert departure(ticket, fleet, day_after(15)) is None
    assert departure(ticket, fleet, day_after(16)) is Outcome.STOPPED_REPORTING


def test_another_part_in_the_slot_of_a_silent_one_replaced_it(ticket: Ticket) -> None:
    assert departure(ticket, FleetDay(occupants={SLOT: "ZB7"}), day_after(1)) is Outcome.REPLACED


def test_another_part_in_the_slot_of_one_that_still_reports_from_its_host_is_a_swap_of_slots(
    ticket: Ticket,
) -> None:
    fleet = FleetDay(hosts_of=HERE, occupants={SLOT: "ZB7"})
    assert departure(ticket, fleet, day_after(1)) is None


def test_a_part_that_reports_from_another_host_was_moved(ticket: Ticket) -> None:
    fleet = FleetDay(hosts_of={"ZA1": frozenset({"host-0007"})})
    assert departure(ticket, fleet, day_after(1)) is Outcome.REPLACED


def test_a_failure_since_the_last_listing_ends_the_ticket_and_an_older_one_does_not(ticket: Ticket) -> None:
    for failed_on, outcome in ((DAY, Outcome.REPLACED), (day_after(-1), None)):
        fleet = FleetDay(hosts_of=HERE, failed_on={"ZA1": failed_on})
        assert departure(ticket, fleet, day_after(1), is_listed=True) is outcome


def test_days_without_a_list_neither_end_nor_break_an_absence() -> None:
    days = {day_after(5): {"a"}, day_after(6): set(), day_after(9): {"b"}}

    def read(day: dt.date) -> frozenset[str] | None:
        return frozenset(days[day]) if day in days else None

    assert find_absent_since({"a", "b"}, day_after(12), 30, read) == {
        "a": day_after(6),
        "b": day_after(12),
    }


@given(known=st.dictionaries(st.integers(0, 40), st.booleans(), max_size=41), span_days=st.integers(1, 15))
def test_an_absence_that_covers_the_span_is_found_exactly_when_a_dumb_loop_finds_it(
    known: dict[int, bool], span_days: int
) -> None:
    """``known[n]``: whether the name was there on day n; no entry: nothing is known. Today is day 41."""

    def read(day: dt.date) -> frozenset[str] | None:
        is_there = known.get((day - DAY).days)
        return None if is_there is None else frozenset({"a"} if is_there else ())

    # Weekly lists at the least: a longer hole ends the search early, on purpose.
    known |= {n: known.get(n, False) for n in range(0, 41, 7) if span_days >= 7}
    since = find_absent_since({"a"}, day_after(41), span_days, read)["a"]
    run = [41]
    for n in range(40, -1, -1):
        if known.get(n):
            break
        if n in known:
            run.append(n)
    covers = (day_after(41) - since).days + 1 >= span_days
    dumb_covers = 41 - min(n for n in run if 41 - n < span_days * 3) + 1 >= span_days
    assert covers == dumb_covers


def test_long_absent_means_the_whole_span_without_a_break() -> None:
    there = {day_after(0), day_after(3), day_after(20)}

    def read(day: dt.date) -> frozenset[str] | None:
        return frozenset({"a"} if day in there else ())

    assert was_long_absent("a", DAY, day_after(20), 16, read)
    assert not was_long_absent("a", DAY, day_after(20), 17, read)
    assert not was_long_absent("a", DAY, day_after(3), 3, read)
