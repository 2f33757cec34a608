"""Each rule of the plan: what is opened, kept, told, closed, opened again, and why the rest waits."""

import datetime as dt
from dataclasses import replace

from hand_made_fleet import DAY, POLICY, day_after, make_entry, make_reason

from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Close, Create, Hold, Keep, Plan, Reopen, Update
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.tracker import Outcome, Ticket


def plan(
    entries: list[Entry], tickets: list[Ticket], day: dt.date = DAY, fleet: FleetDay | None = None
) -> Plan:
    if fleet is None:
        names = [entry.component_id for entry in entries]
        names += [ticket.record.component_id for ticket in tickets]
        fleet = FleetDay(hosts_of={name: frozenset({"host-0421"}) for name in names})
    return plan_changes(entries, tickets, fleet, POLICY, day=day, list_manifest="manifest.json")


def open_ticket(entry: Entry, day: dt.date = DAY, ticket_id: str = "1") -> Ticket:
    (change,) = plan([entry], [], day).changes
    assert isinstance(change, Create)
    draft = change.draft
    return Ticket(ticket_id=ticket_id, is_open=True, title=draft.title, body=draft.body, record=draft.record)


def closed_ticket(entry: Entry, outcome: Outcome | None, closed_day: dt.date) -> Ticket:
    return replace(open_ticket(entry), is_open=False, outcome=outcome, closed_day=closed_day)


def test_the_first_k_entries_are_opened_and_the_rest_waits_for_the_budget() -> None:
    entries = [make_entry(f"ZA{rank}", rank=rank) for rank in (1, 2, 3)]
    made = plan(entries, [])
    assert [change.draft.record.component_id for change in made.changes if isinstance(change, Create)] == [
        "ZA1",
        "ZA2",
    ]
    assert [(held.entry.component_id, held.hold) for held in made.not_opened] == [("ZA3", Hold.BUDGET)]


def test_an_entry_with_an_open_ticket_uses_none_of_the_budget() -> None:
    entries = [make_entry(f"ZA{rank}", rank=rank) for rank in (1, 2, 3)]
    made = plan(entries, [open_ticket(entries[0])], day_after(1))
    assert [type(change) for change in made.changes] == [Update, Create, Create]


def test_tickets_opened_for_the_day_by_an_earlier_run_use_the_budget_even_if_closed() -> None:
    earlier = replace(open_ticket(make_entry("ZA8"), ticket_id="8"), is_open=False, closed_day=day_after(1))
    made = plan([make_entry("ZA1", rank=1), make_entry("ZA2", rank=2)], [earlier])
    assert [change.key for change in made.changes] == [make_entry("ZA1").key.digest]
    assert [held.hold for held in made.not_opened] == [Hold.BUDGET]


def test_a_plan_made_after_it_was_carried_out_holds_no_work() -> None:
    entry = make_entry()
    made = plan([entry], [open_ticket(entry)])
    assert [type(change) for change in made.changes] == [Keep]


def test_a_listed_ticket_without_news_is_refreshed_silently_and_keeps_what_people_wrote() -> None:
    ticket = open_ticket(make_entry())
    ticket = replace(ticket, title="Mine now", body="Ask Kim for the key.\n\n" + ticket.body)
    (change,) = plan([make_entry(risk=0.71)], [ticket], day_after(1)).changes
    assert isinstance(change, Update)
    assert change.comment is None
    assert change.draft.title == "Mine now"
    assert change.draft.body.startswith("Ask Kim for the key.")
    assert change.draft.record.last_listed_day == day_after(1)
    assert change.draft.record.told_risk == 0.62


def test_a_risk_that_moved_by_exactly_one_step_is_told() -> None:
    for risk, words in ((0.72, "risk rose"), (0.52, "risk fell")):
        (change,) = plan([make_entry(risk=risk)], [open_ticket(make_entry())], day_after(1)).changes
        assert isinstance(change, Update)
        assert change.comment is not None
        assert words in change.comment.text
        assert change.draft.record.told_risk == risk


def test_a_new_signal_is_told_once_even_if_it_comes_and_goes() -> None:
    ticket = open_ticket(make_entry())
    both = make_entry(evidence=(make_reason(), make_reason("pending_sectors")))
    (told,) = plan([both], [ticket], day_after(1)).changes
    assert isinstance(told, Update)
    assert told.comment is not None
    assert "Pending sectors" in told.comment.text
    assert "Reallocated" not in told.comment.text
    told_ticket = replace(ticket, body=told.draft.body, record=told.draft.record)
    (gone,) = plan([make_entry()], [told_ticket], day_after(2)).changes
    back_ticket = replace(told_ticket, body=gone.draft.body, record=gone.draft.record)
    (back,) = plan([both], [back_ticket], day_after(3)).changes
    assert isinstance(gone, Update)
    assert isinstance(back, Update)
    assert (gone.comment, back.comment) == (None, None)


def test_the_due_day_of_a_ticket_never_moves_later() -> None:
    later = make_entry(risk=0.9, due_day=dt.date(2026, 12, 20))
    (change,) = plan([later], [open_ticket(make_entry())], day_after(1)).changes
    assert isinstance(change, Update)
    assert change.draft.record.due_day == dt.date(2026, 12, 4)
    assert "before 2026-12-04" in change.draft.title


def test_a_snoozed_open_ticket_is_not_told_of_news_until_it_wakes() -> None:
    ticket = replace(open_ticket(make_entry()), snoozed_until=day_after(3))
    worse = make_entry(risk=0.9)
    (quiet,) = plan([worse], [ticket], day_after(2)).changes
    (awake,) = plan([worse], [ticket], day_after(3)).changes
    assert isinstance(quiet, Update)
    assert isinstance(awake, Update)
    assert quiet.comment is None
    assert awake.comment is not None


def test_declined_holds_forever_and_whatever_is_new() -> None:
    ticket = closed_ticket(make_entry(), Outcome.DECLINED, DAY)
    worse = make_entry(risk=0.99, evidence=(make_reason("pending_sectors"),))
    for n_days in (1, 31, 400):
        made = plan([worse], [ticket], day_after(n_days))
        assert made.changes == ()
        assert [held.hold for held in made.not_opened] == [Hold.DECLINED]


def test_a_snoozed_closed_key_is_neither_opened_again_nor_anew() -> None:
    for outcome in (Outcome.CONFIRMED, Outcome.LEFT_LIST):
        ticket = replace(closed_ticket(make_entry(), outcome, DAY), snoozed_until=day_after(90))
        made = plan([make_entry(risk=0.9)], [ticket], day_after(89))
        assert [held.hold for held in made.not_opened] == [Hold.SNOOZED]
        assert plan([make_entry(risk=0.9)], [ticket], day_after(90)).not_opened == ()


def test_a_list_from_before_the_visit_says_nothing_against_its_result() -> None:
    for outcome in (Outcome.CONFIRMED, Outcome.RESEATED, None):
        ticket = closed_ticket(make_entry(), outcome, day_after(2))
        for n_days in (1, 2):
            made = plan([make_entry(risk=0.99)], [ticket], day_after(n_days))
            assert [held.hold for held in made.not_opened] == [Hold.LIST_OLDER_THAN_VISIT]


def test_a_part_that_was_found_in_order_is_not_visited_again_without_news() -> None:
    for outcome in (Outcome.NO_FAULT_FOUND, Outcome.RESEATED, Outcome.FIRMWARE, None):
        ticket = closed_ticket(make_entry(), outcome, DAY)
        for risk in (0.62, 0.71, 0.3):
            made = plan([make_entry(risk=risk)], [ticket], day_after(1))
            assert [held.hold for held in made.not_opened] == [Hold.NOTHING_NEW]


def test_news_within_the_window_opens_the_same_ticket_again() -> None:
    ticket = closed_ticket(make_entry(), Outcome.NO_FAULT_FOUND, DAY)
    for news in (make_entry(risk=0.72), make_entry(evidence=(make_reason("pending_sectors"),))):
        (change,) = plan([news], [ticket], day_after(30)).changes
        assert isinstance(change, Reopen)
        assert change.ticket_id == "1"
        assert "closed on 2026-12-01 as no_fault_found" in change.comment.text
        assert change.draft.record.opened_day == DAY


def test_a_part_that_had_left_the_list_for_good_and_returned_opens_its_ticket_again() -> None:
    ticket = closed_ticket(make_entry(), Outcome.RESEATED, DAY)
    fleet = FleetDay(hosts_of={"ZA1": frozenset({"host-0421"})}, returned=frozenset({ticket.key}))
    (change,) = plan([make_entry()], [ticket], day_after(20), fleet).changes
    assert isinstance(change, Reopen)


def test_what_we_closed_ourselves_opens_again_within_the_window() -> None:
    for outcome in (Outcome.LEFT_LIST, Outcome.REPLACED, Outcome.STOPPED_REPORTING):
        ticket = closed_ticket(make_entry(), outcome, DAY)
        (change,) = plan([make_entry(due_day=day_after(38))], [ticket], day_after(30)).changes
        assert isinstance(change, Reopen)
        assert change.draft.record.due_day == day_after(38)


def test_after_the_window_a_key_gets_a_new_ticket() -> None:
    for outcome in (Outcome.LEFT_LIST, Outcome.NO_FAULT_FOUND, None):
        ticket = closed_ticket(make_entry(), outcome, DAY)
        (change,) = plan([make_entry()], [ticket], day_after(31)).changes
        assert isinstance(change, Create)


def test_a_part_confirmed_bad_that_is_listed_again_opens_its_ticket_whenever_that_is() -> None:
    ticket = closed_ticket(make_entry(), Outcome.CONFIRMED, DAY)
    for n_days in (1, 90):
        (change,) = plan([make_entry()], [ticket], day_after(n_days)).changes
        assert isinstance(change, Reopen)
        assert "was it replaced" in change.comment.text


def test_opening_again_uses_none_of_the_budget() -> None:
    old = closed_ticket(make_entry("ZA9", rank=3), Outcome.LEFT_LIST, DAY)
    entries = [make_entry("ZA1", rank=1), make_entry("ZA2", rank=2), make_entry("ZA9", rank=3)]
    made = plan(entries, [old], day_after(1))
    assert [type(change) for change in made.changes] == [Create, Create, Reopen]


def test_the_newest_closed_ticket_of_a_key_decides() -> None:
    declined = closed_ticket(make_entry(), Outcome.DECLINED, day_after(1))
    newer = open_ticket(make_entry(), day_after(40), ticket_id="2")
    newer = replace(newer, is_open=False, outcome=Outcome.LEFT_LIST, closed_day=day_after(50))
    (change,) = plan([make_entry()], [declined, newer], day_after(51)).changes
    assert isinstance(change, Reopen)
    assert change.ticket_id == "2"


def test_a_part_that_failed_on_the_lists_day_gets_no_ticket_and_its_open_one_is_closed() -> None:
    fleet = FleetDay(failed_on={"ZA1": day_after(1)}, hosts_of={"ZA1": frozenset({"host-0421"})})
    made = plan([make_entry()], [], day_after(1), fleet)
    assert made.changes == ()
    assert [held.hold for held in made.not_opened] == [Hold.GONE]
    made = plan([make_entry()], [open_ticket(make_entry())], day_after(1), fleet)
    assert [(type(change), change.outcome) for change in made.changes if isinstance(change, Close)] == [
        (Close, Outcome.REPLACED)
    ]
    assert [held.hold for held in made.not_opened] == [Hold.GONE]


def test_a_part_with_an_open_ticket_on_its_old_host_gets_a_new_key_on_the_new_one() -> None:
    moved = make_entry(host_id="host-0007")
    fleet = FleetDay(hosts_of={"ZA1": frozenset({"host-0007"})})
    made = plan([moved], [open_ticket(make_entry())], day_after(1), fleet)
    closed, opened = made.changes
    assert isinstance(closed, Close)
    assert closed.reason == "the part is now in host-0007"
    assert isinstance(opened, Create)
    assert opened.key == moved.key.digest
