"""What every tracker must do, as tests to inherit: a subclass brings ``tracker``, ``people`` and ``door``."""

import datetime as dt
import logging
from dataclasses import replace
from typing import Protocol

import pytest
from hand_made_fleet import DAY, POLICY, day_after, make_entry, make_reason

from pipelines.errors import PermanentError
from pipelines.lake import Lake
from pipelines.tickets.apply import apply_plan
from pipelines.tickets.claimed_tracker import ClaimedTracker
from pipelines.tickets.departures import FleetDay
from pipelines.tickets.gone_tickets import read_gone_tickets
from pipelines.tickets.plan import Create
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.record import read_record
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.ticket_errors import TicketDeletedError, TicketGoneError
from pipelines.tickets.tracker import Comment, Draft, Outcome, Ticket, Tracker

# One of everything that is markup, a mention, a link, a reference or a command somewhere.
HOSTILE = (
    "h1\r\n@everyone <b>x</b> [a](http://evil.example) ![i](http://evil.example/i) #12 !3 ~label OPS-1 GH-1 "
    "`c` {code}x{code} {color:red} [~admin] [^f] *b* _i_ |t|t| www.evil.example mailto:a@evil.example "
    "/close\n/assign @root {{x}} ${jndi:ldap://e/} =1+1 \u202e </code></pre> ``` ~~~ :smile: (/) [code]<i>[/code]"
)


class People(Protocol):
    """What persons do in a tracker behind our back."""

    def close(self, ticket_id: str) -> None: ...

    def set_outcome(self, ticket_id: str, outcome: str) -> None: ...

    def set_key(self, ticket_id: str, key: str | None) -> None: ...

    def set_text(self, ticket_id: str, text: str) -> None: ...

    def say(self, ticket_id: str, text: str) -> None: ...

    def delete(self, ticket_id: str) -> None: ...


def make_draft(component_id: str = "ZA1", **fields: object) -> Draft:
    entry = make_entry(component_id, **fields)
    (change,) = plan_changes([entry], [], FleetDay(), POLICY, day=DAY, list_manifest=None).changes
    assert isinstance(change, Create)
    return change.draft


def retold(draft: Draft, risk: float) -> Draft:
    """Return the same ticket with another record in its text."""
    body = draft.body.replace(f'"told_risk": {draft.record.told_risk}', f'"told_risk": {risk}')
    assert body != draft.body
    return replace(draft, title="Another title", body=body, record=read_record(body, "draft"))


def reconcile(
    tracker: Tracker, components: dict[str, float], day: dt.date = DAY, *, lake: Lake | None = None
) -> None:
    entries = [
        make_entry(name, rank=rank, slot=str(rank), risk=risk)
        for rank, (name, risk) in enumerate(components.items(), start=1)
    ]
    keys = [entry.key.digest for entry in entries]
    found = [*tracker.list_open("default"), *tracker.find(keys)]
    tickets = tuple({ticket.ticket_id: ticket for ticket in found}.values())
    fleet = FleetDay(
        hosts_of={ticket.record.component_id: frozenset({"host-0421"}) for ticket in tickets},
        off_list_since={ticket.key: day - dt.timedelta(days=20) for ticket in tickets},
        gone_tickets={} if lake is None else read_gone_tickets(lake, "default", keys),
    )
    apply_plan(tracker, plan_changes(entries, tickets, fleet, POLICY, day=day, list_manifest=None), day)


def snapshot(tracker: Tracker) -> list[tuple[Ticket, tuple[str, ...]]]:
    return [
        (ticket, tuple(said.text for said in tracker.read_history(ticket.ticket_id)))
        for ticket in tracker.list_all("default")
    ]


class TrackerRules:
    """The rules. Each test starts with an empty tracker."""

    def test_a_ticket_reads_back_by_number_key_environment_and_day(self, tracker: IssueTracker) -> None:
        draft, other = make_draft("ZA1"), make_draft("ZA2")
        ticket = tracker.create(draft)
        tracker.create(other)
        assert (ticket.title, ticket.record, ticket.is_open) == (draft.title, draft.record, True)
        assert (ticket.closed_day, ticket.outcome, ticket.snoozed_until) == (None, None, None)
        assert all(line in ticket.body for line in draft.body.split("\n\n")[0].splitlines())
        assert tracker.get(ticket.ticket_id) == ticket
        assert tracker.find([draft.key, "0123456789abcdef"]) == [ticket]
        assert tracker.find([]) == []
        assert [one.key for one in tracker.list_open("default")] == [draft.key, other.key]
        assert [one.key for one in tracker.list_opened_on("default", DAY)] == [draft.key, other.key]
        assert tracker.list_opened_on("default", day_after(1)) == []
        assert tracker.list_open("elsewhere") == []

    def test_opening_a_key_again_returns_its_open_ticket(self, tracker: IssueTracker) -> None:
        assert tracker.create(make_draft()) == tracker.create(make_draft(risk=0.9))
        assert len(tracker.list_all("default")) == 1

    def test_an_update_replaces_title_and_text_and_twice_is_once(self, tracker: IssueTracker) -> None:
        draft = make_draft()
        ticket = tracker.create(draft)
        for _ in range(2):
            tracker.update(ticket.ticket_id, retold(draft, 0.9))
        updated = tracker.get(ticket.ticket_id)
        assert (updated.title, updated.record.told_risk, updated.key) == ("Another title", 0.9, ticket.key)

    def test_a_comment_said_twice_is_there_once(self, tracker: IssueTracker, people: People) -> None:
        ticket = tracker.create(make_draft())
        comment = Comment(comment_id="2026-12-02-0123456789ab", day=day_after(1), text="Risk rose.\n- now 24")
        people.say(ticket.ticket_id, "Looked at it.")
        for _ in range(2):
            tracker.comment(ticket.ticket_id, comment)
        history = tracker.read_history(ticket.ticket_id)
        assert history[0].text == "Looked at it."
        ours = [said for said in history if said.comment_id == comment.comment_id]
        assert len(ours) == 1
        assert "Risk rose." in ours[0].text
        assert "Prefail note" not in ours[0].text

    def test_closing_keeps_the_first_end_but_a_technicians_word_replaces_it(
        self, tracker: IssueTracker
    ) -> None:
        ticket_id = tracker.create(make_draft()).ticket_id
        closed = tracker.close(ticket_id, outcome=Outcome.LEFT_LIST, day=DAY, note="not on any list")
        assert (closed.is_open, closed.outcome, closed.closed_day) == (False, Outcome.LEFT_LIST, DAY)
        assert tracker.close(ticket_id, outcome=Outcome.REPLACED, day=day_after(3), note="") == closed
        theirs = tracker.close(ticket_id, outcome=Outcome.RESEATED, day=day_after(2), note="cable")
        assert (theirs.outcome, theirs.closed_day) == (Outcome.RESEATED, day_after(2))
        assert tracker.list_open("default") == []
        assert tracker.find([theirs.key]) == [theirs]
        said = "\n".join(comment.text for comment in tracker.read_history(ticket_id))
        assert "Closed as left_list. not on any list" in said
        assert "Closed as reseated. cable" in said

    def test_a_ticket_opens_again_unless_its_key_has_another(self, tracker: IssueTracker) -> None:
        old = tracker.create(make_draft())
        tracker.close(old.ticket_id, outcome=Outcome.RESEATED, day=DAY, note="")
        again = tracker.reopen(old.ticket_id, day=day_after(1))
        assert (again.is_open, again.outcome, again.closed_day) == (True, None, None)
        assert tracker.reopen(old.ticket_id, day=day_after(1)) == again
        tracker.close(old.ticket_id, outcome=Outcome.RESEATED, day=day_after(1), note="")
        new = tracker.create(make_draft())
        assert new.ticket_id != old.ticket_id
        assert tracker.reopen(old.ticket_id, day=day_after(2)) == new

    def test_a_ticket_sleeps_and_wakes_and_keeps_that_through_other_changes(
        self, tracker: IssueTracker
    ) -> None:
        draft = make_draft()
        ticket_id = tracker.create(draft).ticket_id
        assert tracker.snooze(ticket_id, until=day_after(5), day=DAY).snoozed_until == day_after(5)
        tracker.update(ticket_id, retold(draft, 0.9))
        tracker.close(ticket_id, outcome=Outcome.LEFT_LIST, day=DAY, note="")
        assert tracker.reopen(ticket_id, day=day_after(1)).snoozed_until == day_after(5)
        assert tracker.snooze(ticket_id, until=None, day=DAY).snoozed_until is None

    def test_what_a_technician_sets_in_the_tracker_is_the_outcome(
        self, tracker: IssueTracker, people: People
    ) -> None:
        ticket_id = tracker.create(make_draft()).ticket_id
        people.set_outcome(ticket_id, "no_fault_found")
        assert tracker.get(ticket_id).outcome is None, "an open ticket has not ended"
        people.close(ticket_id)
        ticket = tracker.get(ticket_id)
        assert (ticket.is_open, ticket.outcome) == (False, Outcome.NO_FAULT_FOUND)
        # The tracker's own clock says when.
        assert ticket.closed_day is not None
        assert abs((ticket.closed_day - dt.datetime.now(dt.UTC).date()).days) <= 1

    def test_a_ticket_closed_without_a_word_has_no_outcome(
        self, tracker: IssueTracker, people: People
    ) -> None:
        ticket_id = tracker.create(make_draft()).ticket_id
        people.close(ticket_id)
        assert (tracker.get(ticket_id).is_open, tracker.get(ticket_id).outcome) == (False, None)

    def test_an_edited_key_is_named_and_the_other_tickets_are_followed(
        self, tracker: IssueTracker, people: People, lake: Lake, caplog: pytest.LogCaptureFixture
    ) -> None:
        claimed = ClaimedTracker(tracker, lake, "default")
        reconcile(claimed, {"ZA1": 0.6})
        (ticket,) = tracker.list_open("default")
        for key in ("ffffffffffffffff", None):
            people.set_key(ticket.ticket_id, key)
            with pytest.raises(
                TicketGoneError, match=rf"carries {'key f+' if key else 'no key'}.*Put key {ticket.key}"
            ):
                tracker.get(ticket.ticket_id)
        with (
            pytest.raises(TicketGoneError, match=rf"Put key {ticket.key} back"),
            caplog.at_level(logging.WARNING),
        ):
            reconcile(claimed, {"ZA1": 0.6, "ZA2": 0.5})
        assert "left out damaged tickets: count=1" in caplog.text
        assert [one.record.component_id for one in tracker.list_open("default")] == ["ZA2"]
        people.set_key(ticket.ticket_id, ticket.key)
        reconcile(claimed, {"ZA1": 0.6, "ZA2": 0.5})
        assert len(tracker.list_all("default")) == 2

    def test_a_damaged_text_is_named_and_nothing_opened_in_its_place(
        self, tracker: IssueTracker, people: People
    ) -> None:
        draft = make_draft()
        ticket = tracker.create(draft)
        people.set_text(ticket.ticket_id, "somebody wrote something else")
        with pytest.raises(
            TicketGoneError, match=rf"Ticket {ticket.ticket_id} has no readable Prefail record"
        ):
            tracker.create(draft)
        with pytest.raises(TicketGoneError):
            tracker.update(ticket.ticket_id, draft)

    def test_a_deleted_ticket_is_said_once_then_taken_as_declined_and_opened_anew_after_the_window(
        self, tracker: IssueTracker, people: People, lake: Lake
    ) -> None:
        claimed = ClaimedTracker(tracker, lake, "default")
        reconcile(claimed, {"ZA1": 0.6}, lake=lake)
        (ticket,) = tracker.list_open("default")
        people.delete(ticket.ticket_id)
        with pytest.raises(
            TicketDeletedError, match=rf"Ticket {ticket.ticket_id} (was|is) .*taken as declined"
        ):
            reconcile(claimed, {"ZA1": 0.6}, day_after(1), lake=lake)
        for n_days in (1, 2, 31):
            reconcile(claimed, {"ZA1": 0.6}, day_after(n_days), lake=lake)
            assert tracker.list_all("default") == []
        reconcile(claimed, {"ZA1": 0.6}, day_after(32), lake=lake)
        assert len(tracker.list_open("default")) == 1

    def test_a_number_that_is_none_is_a_persons_mistake(self, tracker: IssueTracker) -> None:
        for ticket_id in ("../../etc/passwd", "999999"):
            with pytest.raises(PermanentError):
                tracker.get(ticket_id)

    def test_reconciliation_opens_follows_and_closes_and_a_second_run_changes_nothing(
        self, tracker: IssueTracker, lake: Lake
    ) -> None:
        claimed = ClaimedTracker(tracker, lake, "default")
        days = [(DAY, {"ZA1": 0.3, "ZA2": 0.5}), (day_after(1), {"ZA1": 0.7}), (day_after(20), {"ZA1": 0.7})]
        for day, listed in days:
            reconcile(claimed, listed, day)
            once = snapshot(tracker)
            reconcile(ClaimedTracker(tracker, lake, "default"), listed, day)
            assert snapshot(tracker) == once
        tickets = {ticket.record.component_id: ticket for ticket in tracker.list_all("default")}
        assert tickets.keys() == {"ZA1", "ZA2"}
        assert tickets["ZA1"].record.told_risk == 0.7
        assert (tickets["ZA2"].outcome, tickets["ZA2"].is_open) == (Outcome.LEFT_LIST, False)
        assert any("risk rose" in said.text for said in tracker.read_history(tickets["ZA1"].ticket_id))

    def test_text_from_machines_reaches_the_tracker_spelled_out(self, tracker: IssueTracker) -> None:
        draft = make_draft(
            HOSTILE, host_id=HOSTILE, model=HOSTILE, slot=HOSTILE, rack=HOSTILE, check_first=HOSTILE,
            evidence=(make_reason(label=HOSTILE, unit=HOSTILE),),
        )  # fmt: skip
        ticket = tracker.create(draft)
        assert ticket.record.host_id == HOSTILE
        assert "\n" not in ticket.title
        self.assert_inert(ticket.title)
        self.assert_inert(ticket.body)

    def assert_inert(self, text: str) -> None:
        """No sign with which any tracker starts markup, a mention, a link or a reference."""
        for sign in (
            "@",
            "<",
            ">",
            "[",
            "]",
            "{{",
            "*",
            "`",
            "|",
            "~",
            "#",
            "!",
            "$",
            "://",
            "www.",
            "mailto:a@",
        ):
            prose = text.split("BEGIN PREFAIL")[0]
            assert sign not in prose, sign
