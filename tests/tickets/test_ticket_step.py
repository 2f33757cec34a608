"""The step: from a published day to tickets, replays that touch nothing, and errors that say what to do."""

import datetime as dt
import logging
from dataclasses import replace

import pyarrow as pa
import pytest
from hand_made_fleet import DAY, day_after, list_table, make_entry, make_settings, write_fleet_day
from memory_tracker import KilledTracker, MemoryTracker

from pipelines.errors import MissingInputError, PermanentError, TrackerError, WriteLostError
from pipelines.lake import Lake
from pipelines.ticket_step import TicketFacts, reconcile_tickets_day
from pipelines.tickets.apply import apply_plan
from pipelines.tickets.claim import claim_day, claim_key, read_last_day
from pipelines.tickets.entries import read_entries
from pipelines.tickets.plan import Create, Hold, Plan
from pipelines.tickets.tracker import Draft, Outcome, Ticket

SETTINGS = make_settings(list={"k_per_day": 2})


@pytest.fixture
def tracker() -> MemoryTracker:
    return MemoryTracker()


def run(lake: Lake, tracker: MemoryTracker, day: dt.date = DAY, today: dt.date | None = None) -> TicketFacts:
    return reconcile_tickets_day(day, SETTINGS, lake, today or day, tracker=tracker)


def test_a_listed_component_becomes_a_ticket_and_the_facts_say_so(
    lake: Lake, tracker: MemoryTracker, caplog: pytest.LogCaptureFixture
) -> None:
    write_fleet_day(lake, DAY, [make_entry(f"ZA{rank}", rank=rank, slot=str(rank)) for rank in (1, 2, 3)])
    with caplog.at_level(logging.INFO):
        facts = run(lake, tracker)
    assert facts.summary == (
        "reconciled tickets 2026-12-01: listed=3 opened=2 reopened=0 commented=0 refreshed=0 closed=0 "
        "kept=0 waiting=1"
    )
    assert [record.message for record in caplog.records if record.levelno == logging.INFO] == [facts.summary]
    assert [(held.entry.component_id, held.hold) for held in facts.not_opened] == [("ZA3", Hold.BUDGET)]


def test_a_list_older_than_the_limit_is_a_replay_and_touches_nothing(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    facts = run(lake, tracker, today=day_after(4))
    assert facts.replay_reason == "4 days old, tickets.max_age_days is 3"
    assert (tracker.n_changes, read_last_day(lake, "default")) == (0, None)
    assert run(lake, tracker, today=day_after(3)).fact("opened") == 1


def test_a_day_before_the_last_reconciled_one_is_a_replay_even_if_its_list_changed(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, day_after(1), [make_entry()])
    run(lake, tracker, day_after(1))
    n_changes = tracker.n_changes
    write_fleet_day(lake, DAY, [make_entry("ZA2")])
    facts = run(lake, tracker, DAY, today=day_after(1))
    assert facts.replay_reason == "the tickets already follow the list of 2026-12-02"
    assert tracker.n_changes == n_changes


def test_under_a_simulated_clock_no_list_is_too_old_but_time_still_only_goes_forward(
    lake: Lake, tracker: MemoryTracker
) -> None:
    settings = make_settings(tickets={"is_simulated_clock": True})
    for n_days in (0, 1):
        write_fleet_day(lake, day_after(n_days), [make_entry()])
        facts = reconcile_tickets_day(day_after(n_days), settings, lake, day_after(900), tracker=tracker)
        assert facts.replay_reason is None
    assert (
        reconcile_tickets_day(DAY, settings, lake, day_after(900), tracker=tracker).replay_reason is not None
    )


def test_a_list_from_the_future_is_refused(lake: Lake, tracker: MemoryTracker) -> None:
    write_fleet_day(lake, day_after(1), [make_entry()])
    with pytest.raises(PermanentError, match="is from the future, today is 2026-12-01"):
        run(lake, tracker, day_after(1), today=DAY)
    assert (tracker.n_changes, read_last_day(lake, "default")) == (0, None)


def test_a_day_without_a_list_claims_nothing(lake: Lake, tracker: MemoryTracker) -> None:
    with pytest.raises(
        MissingInputError, match=r"out_at_risk_hosts has no data of 2026-12-01.*prefail publish"
    ):
        run(lake, tracker)
    assert read_last_day(lake, "default") is None


def test_an_empty_list_opens_nothing_and_closes_what_left_for_good(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    for n_days in range(1, 15):
        write_fleet_day(lake, day_after(n_days), [], risks={"ZA1": 0.01})
        facts = run(lake, tracker, day_after(n_days))
        assert facts.fact("closed") == (1 if n_days == 14 else 0)
    (ticket,) = tracker.list_all("default")
    assert ticket.outcome is Outcome.LEFT_LIST


def test_a_gap_without_lists_does_not_count_as_having_left(lake: Lake, tracker: MemoryTracker) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    write_fleet_day(lake, day_after(40), [], risks={"ZA1": 0.01})
    assert run(lake, tracker, day_after(40)).fact("closed") == 0


def test_lists_that_were_published_while_the_tracker_was_down_count(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    for n_days in range(1, 20):
        write_fleet_day(lake, day_after(n_days), [make_entry()])
    write_fleet_day(lake, day_after(20), [], risks={"ZA1": 0.01})
    assert run(lake, tracker, day_after(20)).fact("closed") == 0


def test_a_part_that_stops_reporting_ends_its_ticket_after_the_span(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    for n_days in range(1, 15):
        write_fleet_day(lake, day_after(n_days), [])
        assert run(lake, tracker, day_after(n_days)).fact("closed") == (1 if n_days == 14 else 0)
    (ticket,) = tracker.list_all("default")
    assert ticket.outcome is Outcome.STOPPED_REPORTING


def test_another_part_in_the_slot_ends_the_ticket_at_once(lake: Lake, tracker: MemoryTracker) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    write_fleet_day(lake, day_after(1), [], risks={"ZB7": 0.01}, places={"ZB7": ("host-0421", "7")})
    assert run(lake, tracker, day_after(1)).fact("closed") == 1
    assert tracker.tickets["1"].outcome is Outcome.REPLACED


def test_a_failure_of_a_day_that_was_never_reconciled_ends_the_ticket(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    write_fleet_day(lake, day_after(1), [], failed=["ZA1"])
    write_fleet_day(lake, day_after(9), [])
    assert run(lake, tracker, day_after(9)).fact("closed") == 1
    assert tracker.tickets["1"].outcome is Outcome.REPLACED


def test_a_part_that_left_for_good_after_its_visit_and_returned_opens_its_ticket_again(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    tracker.close("1", outcome=Outcome.RESEATED, day=DAY, note="")
    for n_days in range(1, 16):
        listed = [make_entry()] if n_days in (1, 15) else []
        write_fleet_day(lake, day_after(n_days), listed, risks={"ZA1": 0.5})
        facts = run(lake, tracker, day_after(n_days))
        # Off the lists of days 2 to 14 only: 13 days are not 14.
        assert facts.fact("reopened") == 0
    for n_days in range(16, 31):
        listed = [make_entry()] if n_days == 30 else []
        write_fleet_day(lake, day_after(n_days), listed, risks={"ZA1": 0.5})
        facts = run(lake, tracker, day_after(n_days))
    assert facts.fact("reopened") == 1


def test_a_list_that_is_not_what_it_should_be_is_refused_before_anything_is_touched(
    lake: Lake, tracker: MemoryTracker
) -> None:
    good = list_table([make_entry()])
    broken = {
        "evidence": ("not JSON", "rank 1 is wrong"),
        "due_day": ("soon", "rank 1 is wrong"),
        "host_id": (None, "rank 1 is wrong"),
        "component_id": (None, "an entry has no rank or no component_id"),
    }
    for column, (value, words) in broken.items():
        position = good.column_names.index(column)
        bad = good.set_column(position, column, pa.array([value], pa.string()))
        write_fleet_day(lake, DAY, [make_entry()])
        lake.write_day("out_at_risk_hosts", DAY, bad)
        with pytest.raises(PermanentError, match=words):
            run(lake, tracker)
    with pytest.raises(PermanentError, match="it has no column evidence"):
        read_entries(good.drop_columns(["evidence"]), "default", DAY)
    assert (tracker.n_changes, read_last_day(lake, "default")) == (0, None)


def test_entries_come_in_rank_order_and_each_key_once() -> None:
    rows = [make_entry("ZA2", rank=2), make_entry("ZA1", rank=1), make_entry("ZA1", rank=3)]
    entries = read_entries(list_table(rows), "default", DAY)
    assert [(entry.component_id, entry.rank) for entry in entries] == [("ZA1", 1), ("ZA2", 2)]


def test_a_claim_only_ever_moves_forward(lake: Lake) -> None:
    assert claim_day(lake, "default", DAY) == DAY
    assert claim_day(lake, "default", day_after(-1)) == DAY
    assert claim_day(lake, "default", day_after(1)) == day_after(1)
    assert claim_day(lake, "default", day_after(1)) == day_after(1)
    assert read_last_day(lake, "staging") is None


def test_a_claim_that_lost_a_race_looks_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json = lake.write_json

    def write_after_another(key: str, document: object, **conditions: object) -> str:
        monkeypatch.setattr(lake, "write_json", write_json)
        assert claim_day(lake, "default", day_after(5)) == day_after(5)
        return write_json(key, document, **conditions)

    monkeypatch.setattr(lake, "write_json", write_after_another)
    assert claim_day(lake, "default", DAY) == day_after(5)


def test_a_claim_that_always_loses_gives_up_and_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object, **__: object) -> str:
        raise WriteLostError("lost")

    monkeypatch.setattr(lake, "write_json", lose)
    with pytest.raises(WriteLostError, match=r"No ticket was touched.*prefail tickets --day 2026-12-01"):
        claim_day(lake, "default", DAY)


def test_a_claim_that_names_no_day_is_refused(lake: Lake, tracker: MemoryTracker) -> None:
    lake.store.write(claim_key("default"), b'{"day": "yesterday"}')
    write_fleet_day(lake, DAY, [make_entry()])
    with pytest.raises(PermanentError, match="does not name a day"):
        run(lake, tracker)
    assert tracker.n_changes == 0


class ForgetfulTracker(MemoryTracker):
    """Says yes to a new ticket and forgets it."""

    def create(self, draft: Draft) -> Ticket:
        ticket = super().create(draft)
        del self.tickets[ticket.ticket_id]
        return ticket


class DoublingTracker(MemoryTracker):
    """Opens every ticket twice."""

    def create(self, draft: Draft) -> Ticket:
        ticket = super().create(draft)
        self.tickets["twin"] = replace(ticket, ticket_id="twin")
        return ticket


def test_what_was_written_is_read_back(lake: Lake) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    with pytest.raises(TrackerError, match="does not show what was written"):
        run(lake, ForgetfulTracker())
    with pytest.raises(PermanentError, match="has 2 open tickets: 1, twin"):
        run(lake, DoublingTracker())


def test_a_ticket_that_another_run_opened_after_the_plan_was_made_is_not_opened_again(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    run(lake, tracker)
    ticket = tracker.tickets["1"]
    draft = Draft(title=ticket.title, body=ticket.body, record=ticket.record)
    plan = Plan(changes=(Create(draft=draft, reason="rank 1"),), not_opened=())
    assert apply_plan(tracker, plan, DAY).counts == {"kept": 1}
    assert len(tracker.tickets) == 1


def test_a_tracker_that_is_down_leaves_the_list_and_the_next_run_catches_up(
    lake: Lake, tracker: MemoryTracker
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    digest = lake.digest_day("out_at_risk_hosts", DAY)
    down = KilledTracker(tracker, fails_at=1, has_effect=False)
    with pytest.raises(TrackerError):
        reconcile_tickets_day(DAY, SETTINGS, lake, DAY, tracker=down)
    assert lake.digest_day("out_at_risk_hosts", DAY) == digest
    assert run(lake, tracker).fact("opened") == 1
