"""What ``prefail tickets list|show|resolve`` do: they return data, the command line prints it."""

import datetime as dt
from dataclasses import dataclass

from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake
from pipelines.published_list import ContractVersion, InputPartition, UsedModel, read_manifest
from pipelines.settings import Settings
from pipelines.tickets.claim import read_last_day
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Outcome, Ticket
from pipelines.tickets.trackers import open_tracker


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """From what a ticket was made: model, list, and the data and rules that the list's manifest names.

    ``manifest_key`` is null if the list was not published in an edition; then, or if the edition is
    no longer in the lake, ``inputs``, ``models`` and ``contracts`` are empty and ``gap`` says why.
    """

    key: str
    opened_day: dt.date
    model_id: str
    manifest_key: str | None
    code_version: str | None
    models: tuple[UsedModel, ...]
    contracts: tuple[ContractVersion, ...]
    inputs: tuple[InputPartition, ...]
    gap: str | None


@dataclass(frozen=True, kw_only=True)
class TicketView:
    """All that there is to say about one ticket."""

    ticket: Ticket
    history: tuple[Comment, ...]
    explanation: Explanation


def list_tickets(settings: Settings, *, include_closed: bool = False) -> list[Ticket]:
    """Return the environment's tickets, open ones first, then by due day, then the oldest first."""
    tracker = open_tracker(settings)
    found = (
        tracker.list_all(settings.environment) if include_closed else tracker.list_open(settings.environment)
    )
    return sorted(found, key=lambda ticket: (not ticket.is_open, ticket.record.due_day))


def show_ticket(ticket_id: str, settings: Settings, lake: Lake) -> TicketView:
    """Return a ticket, its history, and what it is made of."""
    tracker = open_tracker(settings)
    ticket = tracker.get(ticket_id)
    return TicketView(
        ticket=ticket,
        history=tuple(tracker.read_history(ticket_id)),
        explanation=explain_ticket(ticket, lake),
    )


def explain_ticket(ticket: Ticket, lake: Lake) -> Explanation:
    """Return which model, list and data opened a ticket, as the list's manifest has it."""
    record = ticket.record
    manifest, gap = None, None
    if record.opened_list_manifest is None:
        gap = f"the list of {record.opened_day} was not published in an edition"
    else:
        try:
            manifest = read_manifest(record.opened_list_manifest, lake)
        except MissingInputError as missing:
            gap = missing.message
    return Explanation(
        key=record.key.text,
        opened_day=record.opened_day,
        model_id=record.opened_model_id,
        manifest_key=record.opened_list_manifest,
        code_version=manifest.code_version if manifest else None,
        models=manifest.models if manifest else (),
        contracts=manifest.contracts if manifest else (),
        inputs=(*manifest.inputs, manifest.predictions) if manifest else (),
        gap=gap,
    )


def resolve_ticket(
    ticket_id: str, outcome: str, note: str, settings: Settings, lake: Lake, today: dt.date
) -> Ticket:
    """Close a ticket with what the technician found; on a closed ticket, correct it.

    The day of the visit is ``today`` (UTC), or under a simulated clock the day that the tickets follow.
    """
    if outcome not in TECHNICIAN_OUTCOMES:
        raise PermanentError(
            f"{outcome!r} is no outcome of a visit; valid: {', '.join(TECHNICIAN_OUTCOMES)}. "
            f"Ticket {ticket_id} was not changed.",
            ticket_id=ticket_id,
            outcome=outcome,
        )
    day = _visit_day(settings, lake, today)
    return open_tracker(settings).close(ticket_id, outcome=Outcome(outcome), day=day, note=note)


def snooze_ticket(
    ticket_id: str, until: dt.date | None, settings: Settings, lake: Lake, today: dt.date
) -> Ticket:
    """Keep quiet about a ticket, and don't open its key again, before ``until``; null wakes it."""
    return open_tracker(settings).snooze(ticket_id, until=until, day=_visit_day(settings, lake, today))


def _visit_day(settings: Settings, lake: Lake, today: dt.date) -> dt.date:
    if settings.tickets.is_simulated_clock:
        return read_last_day(lake, settings.environment) or today
    return today
