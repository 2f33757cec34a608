"""Bring the rows of raw_outcomes in line with the tracker's closed tickets, reading no more of it than needed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake
from pipelines.tickets.outcomes.decide import decide_finding
from pipelines.tickets.outcomes.finding import FINDING_OF_OUTCOME, Finding
from pipelines.tickets.outcomes.opened_list import OpenedLists
from pipelines.tickets.outcomes.outcome_row import OutcomeRow, start_of
from pipelines.tickets.outcomes.part_lives import PartLife, read_part_lives
from pipelines.tickets.outcomes.remarks import list_person_remarks, write_remarks
from pipelines.tickets.outcomes.text_rules import read_remarks
from pipelines.tickets.tracker import Comment, Ticket, Tracker

RECHECK_DAYS = 30
"""So long after closing, what is written and what becomes of the part may still change the outcome."""


@dataclass(frozen=True, kw_only=True)
class CollectedRows:
    """All rows of the span, and how many tickets were looked at anew."""

    rows: tuple[OutcomeRow, ...]
    n_looked_at: int


def collect_rows(
    tracker: Tracker,
    former: Sequence[OutcomeRow],
    environment: str,
    source: str,
    day: dt.date,
    first_day: dt.date,
    lake: Lake,
) -> CollectedRows:
    """Return what is known of the tickets closed in ``[first_day, day]``, and the former rows that stay.

    A former row stays if its ticket is not shown any more (trackers are cleared, the lake is the
    archive) or was closed again after ``day``; it goes if the ticket is open again. Of a ticket closed
    more than ``RECHECK_DAYS`` before ``day`` the former row stays unless the tracker's field or the day
    of closing changed.
    """
    known = {row.ticket_id: row for row in former}
    tickets = [ticket for ticket in tracker.list_all(environment) if not ticket.record.is_storm]
    looked_at = [
        ticket
        for ticket in tickets
        if ticket.closed_day is not None
        and first_day <= ticket.closed_day <= day
        and _needs_a_look(ticket, known.get(ticket.ticket_id), day)
    ]
    lives = read_part_lives(lake, looked_at, day)
    lists = OpenedLists(lake)
    for ticket in looked_at:
        before = known.get(ticket.ticket_id)
        row = _make_row(tracker, ticket, lives[ticket.ticket_id], before, source, day, lists)
        known[ticket.ticket_id] = _keep_known_at(row, before)
    for ticket in tickets:
        if ticket.is_open:
            known.pop(ticket.ticket_id, None)
    return CollectedRows(rows=tuple(known.values()), n_looked_at=len(looked_at))


def _needs_a_look(ticket: Ticket, before: OutcomeRow | None, day: dt.date) -> bool:
    if before is None or before.closed_day != ticket.closed_day or _says_otherwise(ticket, before):
        return True
    return (day - before.closed_day).days <= RECHECK_DAYS


def _says_otherwise(ticket: Ticket, before: OutcomeRow) -> bool:
    """Return whether the technician's word in the tracker's field is not what the row says."""
    return ticket.outcome in FINDING_OF_OUTCOME and FINDING_OF_OUTCOME[ticket.outcome] is not before.outcome


def _make_row(
    tracker: Tracker,
    ticket: Ticket,
    life: PartLife,
    before: OutcomeRow | None,
    source: str,
    day: dt.date,
    lists: OpenedLists,
) -> OutcomeRow:
    record = ticket.record
    assert ticket.closed_day is not None, "only closed tickets are collected"
    # What is written costs a request a ticket; where the field has said all, it is read once.
    is_settled = before is not None and before.decided_by == "field" and not _says_otherwise(ticket, before)
    history: Sequence[Comment] = () if is_settled else tracker.read_history(ticket.ticket_id)
    remarks = before.remarks if is_settled and before is not None else write_remarks(history, day)
    decision = decide_finding(ticket, read_remarks(list_person_remarks(history, day)), life)
    failed_on = life.failed_on or (decision.changed_on if decision.finding is Finding.CONFIRMED else None)
    opening = lists.find(record)
    return OutcomeRow(
        ticket_id=ticket.ticket_id,
        environment=record.environment,
        host_id=record.host_id,
        component_id=record.component_id,
        component_kind=record.component_kind,
        target=record.target,
        opened_at=start_of(record.opened_day),
        closed_at=start_of(ticket.closed_day),
        outcome=decision.finding,
        decided_by=decision.decided_by,
        remarks=remarks,
        changed_at=None if decision.changed_on is None else start_of(decision.changed_on),
        is_in_failure_record=life.failed_on is not None,
        lead_days=None if failed_on is None else max(0, (failed_on - record.opened_day).days),
        risk_at_opening=opening.risk,
        rank_at_opening=opening.rank,
        model_id=record.opened_model_id,
        model=record.hardware_model or opening.model,
        site=record.site or opening.site,
        playbook_rule=record.playbook_rule or opening.playbook_rule,
        source=source,
        known_at=end_of_day(day),
    )


def _keep_known_at(row: OutcomeRow, before: OutcomeRow | None) -> OutcomeRow:
    """A fact reached us when it was first collected; what is new in it, not before what we knew already."""
    if before is None:
        return row
    if row.says_the_same(before):
        return replace(row, known_at=before.known_at)
    return replace(row, known_at=max(row.known_at, before.known_at))
