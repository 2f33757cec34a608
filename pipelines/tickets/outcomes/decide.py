"""Decide what a closed ticket says about its part: a pure function of the ticket, words and the part's life."""

import datetime as dt
from dataclasses import dataclass

from pipelines.tickets.outcomes.finding import CHANGED_UNCONFIRMED, FINDING_OF_OUTCOME, Finding
from pipelines.tickets.outcomes.part_lives import PartLife
from pipelines.tickets.outcomes.text_rules import TextReading
from pipelines.tickets.record import TicketRecord
from pipelines.tickets.tracker import Outcome, Ticket

# A day or two without a report are a reboot.
_SILENT_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was found, how we know, and on which day the part was changed, null if it was not."""

    finding: Finding
    decided_by: str
    changed_on: dt.date | None


def decide_finding(ticket: Ticket, said: TextReading, life: PartLife) -> Decision:
    """Return the outcome of a closed ticket. What comes first decides:

    1. the technician's own word in the tracker's field,
    2. what people wrote, if it says one thing; of a part that was only said to be replaced, a source's
       failure record says that it was bad,
    3. a failure record of a source between opening and closing,
    4. the part was gone when we closed the ticket, or was never heard of again after a person did.

    Otherwise nobody knows. Then a part whose name is its place (a host, a DIMM by its slot) may have
    been replaced without a trace: its change on the day of closing is taken into account.
    """
    if ticket.outcome in FINDING_OF_OUTCOME:
        return _decide(ticket, life, FINDING_OF_OUTCOME[ticket.outcome], "field")
    rules = ",".join(rule.id for rule in said.rules)
    has_failed = life.failed_on is not None and life.failed_on <= _closed_day(ticket)
    if said.finding is not None and not (has_failed and said.finding is Finding.REPLACED_UNCONFIRMED):
        return _decide(ticket, life, said.finding, f"rule:{rules}")
    if has_failed:
        return _decide(ticket, life, Finding.CONFIRMED, "failure_record")
    if _was_gone(ticket, life):
        return _decide(ticket, life, Finding.REPLACED_UNCONFIRMED, "departure")
    is_by_person = ticket.outcome is None
    if is_by_person and _fell_silent(ticket, life):
        return _decide(ticket, life, Finding.REPLACED_UNCONFIRMED, "silence")
    may_have_changed = is_by_person and _is_named_by_place(ticket.record)
    return Decision(
        finding=Finding.UNKNOWN,
        decided_by=f"contradiction:{rules}" if said.is_contradictory else _name_silence(ticket, said),
        changed_on=_closed_day(ticket) if may_have_changed else None,
    )


def _decide(ticket: Ticket, life: PartLife, finding: Finding, decided_by: str) -> Decision:
    is_changed = finding is Finding.CONFIRMED or finding in CHANGED_UNCONFIRMED
    return Decision(
        finding=finding,
        decided_by=decided_by,
        changed_on=_date_change(ticket, life, finding) if is_changed else None,
    )


def _date_change(ticket: Ticket, life: PartLife, finding: Finding) -> dt.date:
    """Return the day of the failure, else the first day without a report, else the day of closing.

    People close tickets days after the work; a part that fell silent before had left by then.
    """
    if finding is Finding.CONFIRMED and life.failed_on is not None:
        return life.failed_on
    closed = _closed_day(ticket)
    if life.last_heard is None or life.n_silent_days == 0:
        return closed
    return min(closed, life.last_heard + dt.timedelta(days=1))


def _name_silence(ticket: Ticket, said: TextReading) -> str:
    """Return how we closed a ticket on which nobody wrote anything; a person who did must be asked."""
    return "none" if ticket.outcome is None or said.n_remarks else ticket.outcome.value


def _was_gone(ticket: Ticket, life: PartLife) -> bool:
    """Return whether we closed it because the part had left; one that moved to another host still reports."""
    if ticket.outcome is Outcome.STOPPED_REPORTING:
        return True
    is_heard = life.last_heard is not None and life.last_heard >= _closed_day(ticket)
    return ticket.outcome is Outcome.REPLACED and not is_heard


def _fell_silent(ticket: Ticket, life: PartLife) -> bool:
    """Return whether the last report is from the day of closing or before, and the fleet's are not."""
    is_last = life.last_heard is not None and life.last_heard <= _closed_day(ticket)
    return is_last and life.n_silent_days >= _SILENT_DAYS


def _is_named_by_place(record: TicketRecord) -> bool:
    """Return whether a new part in the same place would have the same id."""
    return record.component_id == record.host_id or record.component_id.startswith(f"{record.host_id}/")


def _closed_day(ticket: Ticket) -> dt.date:
    assert ticket.closed_day is not None, "only closed tickets have an outcome"
    return ticket.closed_day
