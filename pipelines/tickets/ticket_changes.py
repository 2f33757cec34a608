"""The change that one entry needs: a new ticket, an old one opened again, or an open one brought up to date."""

import datetime as dt
from dataclasses import dataclass

from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Create, Keep, Reopen, Update
from pipelines.tickets.plan_notes import PlanNotes
from pipelines.tickets.playbook import load_playbook
from pipelines.tickets.policy import Candidate, Policy, list_news, may_reopen
from pipelines.tickets.policy_rules import find_silence
from pipelines.tickets.record import TicketRecord, replace_record
from pipelines.tickets.ticket_text import write_draft, write_news_comment, write_reopen_comment
from pipelines.tickets.tracker import Draft, Ticket


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What every text of a day's plan has in common."""

    policy: Policy
    day: dt.date
    list_manifest: str | None
    notes: PlanNotes


def follow_ticket(entry: Entry, ticket: Ticket, writing: Writing, spare: str | None) -> Update | Keep:
    """Bring an open ticket up to date: aloud where there is news, else only its record, or not at all."""
    record, day = ticket.record, writing.day
    listed = record.model_copy(update={"last_listed_day": max(day, record.last_listed_day)})
    is_quiet = ticket.is_snoozed(day) or find_silence(entry, writing.policy.document, day) is not None
    news = [] if is_quiet else list_news(entry, record, writing.policy)
    if news:
        draft = write_draft(entry, _retell(entry, listed, writing), writing.notes, spare)
        comment = write_news_comment(entry, record, day, news)
        reason = " and ".join(news)
        return Update(ticket_id=ticket.ticket_id, draft=draft, comment=comment, reason=reason)
    return refresh_record(ticket, listed, "still listed")


def open_ticket(candidate: Candidate, writing: Writing, spare: str | None) -> Create | Reopen:
    """Open a candidate's ticket: a new one, or its old one again."""
    entry, previous = candidate.entry, candidate.previous
    if previous is None or not may_reopen(candidate):
        record = _first_record(entry, writing)
        draft = write_draft(entry, record, writing.notes, spare)
        return Create(draft=draft, reason=f"rank {entry.rank}")
    # The old due day has passed or belonged to the old alert.
    listed = previous.record.model_copy(update={"last_listed_day": writing.day, "due_day": entry.due_day})
    return Reopen(
        ticket_id=previous.ticket_id,
        draft=write_draft(entry, _retell(entry, listed, writing), writing.notes, spare),
        comment=write_reopen_comment(entry, writing.day, previous.outcome, previous.closed_day),
        reason=f"closed on {previous.closed_day} and listed again",
    )


def refresh_record(ticket: Ticket, record: TicketRecord, reason: str) -> Update | Keep:
    """Bring only the record up to date, without a word; not at all where it is."""
    if record == ticket.record:
        return keep_ticket(ticket, "up to date")
    # Title and text stay as they are: a person may have added to them.
    draft = Draft(title=ticket.title, body=replace_record(ticket.body, record), record=record)
    return Update(ticket_id=ticket.ticket_id, draft=draft, comment=None, reason=reason)


def keep_ticket(ticket: Ticket, reason: str) -> Keep:
    """Leave a ticket as it is."""
    return Keep(ticket_id=ticket.ticket_id, key=ticket.key, reason=reason)


def _first_record(entry: Entry, writing: Writing) -> TicketRecord:
    return TicketRecord(
        environment=entry.key.environment,
        host_id=entry.host_id,
        component_id=entry.component_id,
        component_kind=entry.component_kind,
        target=entry.target,
        slot=entry.slot,
        opened_day=writing.day,
        opened_model_id=entry.model_id,
        opened_list_manifest=writing.list_manifest,
        list_day=writing.day,
        list_manifest=writing.list_manifest,
        model_id=entry.model_id,
        last_listed_day=writing.day,
        due_day=entry.due_day,
        told_risk=entry.risk,
        told_signals=tuple(sorted({reason.signal for reason in entry.evidence})),
        hardware_model=entry.model,
        site=entry.site,
        rack=entry.rack,
        playbook_rule=load_playbook().name_of(entry.check_first),
        policy=writing.policy.document.label,
    )


def _retell(entry: Entry, record: TicketRecord, writing: Writing) -> TicketRecord:
    """Return the record of a ticket whose text is written anew from the list of the day."""
    signals = set(record.told_signals) | {reason.signal for reason in entry.evidence}
    return record.model_copy(
        update={
            "list_day": writing.day,
            "list_manifest": writing.list_manifest,
            "model_id": entry.model_id,
            "slot": entry.slot,
            # Each new list names a later day; the promise made first is the one that counts.
            "due_day": min(entry.due_day, record.due_day),
            "told_risk": entry.risk,
            "told_signals": tuple(sorted(signals)),
            "hardware_model": entry.model,
            "site": entry.site,
            "rack": entry.rack,
            "playbook_rule": load_playbook().name_of(entry.check_first),
            "policy": writing.policy.document.label,
        }
    )
