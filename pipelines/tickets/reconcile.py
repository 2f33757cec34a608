"""What must change so that the tickets match the day's list: a pure function, no tracker, no clock."""

import datetime as dt
from collections.abc import Iterable, Sequence

from pipelines.tickets.departures import FleetDay, find_departure
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Change, Create, Hold, Keep, NotOpened, Plan, Reopen, Update
from pipelines.tickets.policy import Candidate, Policy, find_hold, list_news, may_reopen
from pipelines.tickets.record import TicketRecord, replace_record
from pipelines.tickets.ticket_text import write_draft, write_news_comment, write_reopen_comment
from pipelines.tickets.tracker import Draft, Ticket


def plan_changes(
    entries: Sequence[Entry],
    tickets: Iterable[Ticket],
    fleet: FleetDay,
    policy: Policy,
    *,
    day: dt.date,
    list_manifest: str | None,
) -> Plan:
    """Plan one day: every entry gets, keeps or waits for a ticket; every open ticket stays or is closed.

    ``entries`` are the list of ``day`` in rank order, each key once. ``tickets`` must hold every open
    ticket of the environment, every ticket of the entries' keys, and every ticket opened for ``day``.
    ``list_manifest`` names the published edition, null if there is none.

    The same input gives the same plan, and a plan made after it was carried out holds no work.
    """
    known = {ticket.ticket_id: ticket for ticket in tickets}
    open_tickets = {ticket.key: ticket for ticket in known.values() if ticket.is_open}
    closed_tickets = _latest_closed(known.values())
    n_opened = sum(ticket.record.opened_day == day for ticket in known.values())
    listed = {entry.key.digest for entry in entries}

    changes: list[Change] = []
    not_opened: list[NotOpened] = []
    departed: set[str] = set()
    for key, ticket in open_tickets.items():
        departure = find_departure(
            ticket, fleet, day=day, is_listed=key in listed, close_after_days=policy.close_after_days
        )
        if departure is not None:
            departed.add(key)
            changes.append(departure)
        elif key not in listed:
            since = fleet.off_list_since.get(key)
            changes.append(
                _keep(ticket, "not listed today" if since is None else f"off the list since {since}")
            )
    for entry in entries:
        key = entry.key.digest
        if key in departed or _is_gone(entry, fleet, day):
            not_opened.append(
                NotOpened(entry=entry, hold=Hold.GONE, reason="the part failed or left this host")
            )
        elif key in open_tickets:
            changes.append(_follow(entry, open_tickets[key], policy, day, list_manifest))
        else:
            candidate = Candidate(
                entry=entry,
                policy=policy,
                day=day,
                previous=closed_tickets.get(key),
                has_returned=key in fleet.returned,
                n_opened=n_opened,
            )
            planned = _open(candidate, list_manifest)
            if isinstance(planned, NotOpened):
                not_opened.append(planned)
            else:
                changes.append(planned)
                n_opened += isinstance(planned, Create)
    return Plan(changes=tuple(changes), not_opened=tuple(not_opened))


def _latest_closed(tickets: Iterable[Ticket]) -> dict[str, Ticket]:
    """Return each key's last closed ticket; trackers list the oldest first, so a tie goes to the newer."""
    latest: dict[str, Ticket] = {}
    for ticket in tickets:
        if not ticket.is_open and ticket.record.opened_day >= _opened_day(latest.get(ticket.key)):
            latest[ticket.key] = ticket
    return latest


def _opened_day(ticket: Ticket | None) -> dt.date:
    return dt.date.min if ticket is None else ticket.record.opened_day


def _is_gone(entry: Entry, fleet: FleetDay, day: dt.date) -> bool:
    """Return whether the list's own day, or a later one, already knows that the part failed."""
    failed_on = fleet.failed_on.get(entry.component_id)
    return failed_on is not None and failed_on >= day


def _follow(
    entry: Entry, ticket: Ticket, policy: Policy, day: dt.date, list_manifest: str | None
) -> Update | Keep:
    """Bring an open ticket up to date: aloud where there is news, else only its record, or not at all."""
    record = ticket.record
    listed = record.model_copy(update={"last_listed_day": max(day, record.last_listed_day)})
    news = [] if ticket.is_snoozed(day) else list_news(entry, record, policy)
    if news:
        draft = write_draft(entry, _retell(entry, listed, day, list_manifest))
        comment = write_news_comment(entry, record, day, news)
        reason = " and ".join(news)
        return Update(ticket_id=ticket.ticket_id, draft=draft, comment=comment, reason=reason)
    if listed == record:
        return _keep(ticket, "up to date")
    # Title and text stay as they are: a person may have added to them.
    body = replace_record(ticket.body, listed)
    draft = Draft(title=ticket.title, body=body, record=listed)
    return Update(ticket_id=ticket.ticket_id, draft=draft, comment=None, reason="still listed")


def _open(candidate: Candidate, list_manifest: str | None) -> Create | Reopen | NotOpened:
    entry, day, previous = candidate.entry, candidate.day, candidate.previous
    if hold := find_hold(candidate):
        return NotOpened(entry=entry, hold=hold[0], reason=hold[1])
    if previous is None or not may_reopen(candidate):
        record = _first_record(entry, day, list_manifest)
        return Create(draft=write_draft(entry, record), reason=f"rank {entry.rank}")
    # The old due day has passed or belonged to the old alert.
    listed = previous.record.model_copy(update={"last_listed_day": day, "due_day": entry.due_day})
    return Reopen(
        ticket_id=previous.ticket_id,
        draft=write_draft(entry, _retell(entry, listed, day, list_manifest)),
        comment=write_reopen_comment(entry, day, previous.outcome, previous.closed_day),
        reason=f"closed on {previous.closed_day} and listed again",
    )


def _first_record(entry: Entry, day: dt.date, list_manifest: str | None) -> TicketRecord:
    return TicketRecord(
        environment=entry.key.environment,
        host_id=entry.host_id,
        component_id=entry.component_id,
        component_kind=entry.component_kind,
        target=entry.target,
        slot=entry.slot,
        opened_day=day,
        opened_model_id=entry.model_id,
        opened_list_manifest=list_manifest,
        list_day=day,
        list_manifest=list_manifest,
        model_id=entry.model_id,
        last_listed_day=day,
        due_day=entry.due_day,
        told_risk=entry.risk,
        told_signals=tuple(sorted({reason.signal for reason in entry.evidence})),
    )


def _retell(entry: Entry, record: TicketRecord, day: dt.date, list_manifest: str | None) -> TicketRecord:
    """Return the record of a ticket whose text is written anew from the list of ``day``."""
    signals = set(record.told_signals) | {reason.signal for reason in entry.evidence}
    return record.model_copy(
        update={
            "list_day": day,
            "list_manifest": list_manifest,
            "model_id": entry.model_id,
            "slot": entry.slot,
            # Each new list names a later day; the promise made first is the one that counts.
            "due_day": min(entry.due_day, record.due_day),
            "told_risk": entry.risk,
            "told_signals": tuple(sorted(signals)),
        }
    )


def _keep(ticket: Ticket, reason: str) -> Keep:
    return Keep(ticket_id=ticket.ticket_id, key=ticket.key, reason=reason)
