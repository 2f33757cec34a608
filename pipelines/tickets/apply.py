"""Carry out a plan so that doing it again, or twice at once, or after a kill, changes nothing more."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.errors import PermanentError, TrackerError
from pipelines.tickets.plan import Change, Close, Create, Keep, Plan, Reopen, Update
from pipelines.tickets.ticket_errors import ONE_TICKET_ERRORS, ClaimHeldError, TicketGoneError
from pipelines.tickets.tracker import Ticket, Tracker


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What was done: counts by opened, reopened, commented, refreshed, closed, kept; ticket ids by key.

    ``problem`` is what is wrong with single tickets, null if nothing is; all others were followed.
    """

    counts: Mapping[str, int]
    ticket_ids: Mapping[str, str]
    problem: ClaimHeldError | TicketGoneError | None


def apply_plan(tracker: Tracker, plan: Plan, day: dt.date) -> Applied:
    """Carry out a plan, and raise what is wrong with single tickets once the others were followed."""
    applied = carry_out_plan(tracker, plan, day)
    if applied.problem is not None:
        raise applied.problem
    return applied


def carry_out_plan(tracker: Tracker, plan: Plan, day: dt.date) -> Applied:
    """Carry out every change and read back that it holds.

    ``TrackerError`` if the tracker does not show what was written, ``PermanentError`` if a key has two open
    tickets. What is wrong with one ticket does not keep the others from being followed.
    """
    counts: Counter[str] = Counter()
    done: list[Change] = []
    wrong: list[ClaimHeldError | TicketGoneError] = []
    # The plan may be older than another run's ticket: look again, as late as one call for all can.
    keys = sorted(change.key for change in plan.changes if isinstance(change, Create))
    found = tracker.find(keys) if keys else []
    ids = {ticket.key: ticket.ticket_id for ticket in found if ticket.is_open}
    for change in plan.changes:
        if isinstance(change, Create) and change.key in ids:
            counts["kept"] += 1
            continue
        try:
            if isinstance(change, Create):
                ids[change.key] = tracker.create(change.draft).ticket_id
                counts["opened"] += 1
            else:
                counts[_apply(tracker, change, day)] += 1
            done.append(change)
        except ONE_TICKET_ERRORS as error:
            wrong.append(error)
    _read_back(tracker, done, day)
    return Applied(counts=counts, ticket_ids=ids, problem=_sum_up(wrong, len(done)) if wrong else None)


def _sum_up(
    wrong: Sequence[ClaimHeldError | TicketGoneError], n_done: int
) -> ClaimHeldError | TicketGoneError:
    """Return one error that says all; trying again helps only if it helps each of them."""
    lasting = [error for error in wrong if isinstance(error, TicketGoneError)]
    first = (lasting or wrong)[0]
    message = "\n".join(error.message for error in wrong)
    return type(first)(
        f"{message}\nThe other {n_done} tickets follow the list, which is not affected.",
        **{**first.facts, "n_wrong": len(wrong), "n_done": n_done},
    )


def _apply(tracker: Tracker, change: Update | Reopen | Close | Keep, day: dt.date) -> str:
    match change:
        case Update():
            # The comment first: its id makes it safe to repeat, and the record that ends the need for
            # it comes only after.
            if change.comment is not None:
                tracker.comment(change.ticket_id, change.comment)
            tracker.update(change.ticket_id, change.draft)
            return "refreshed" if change.comment is None else "commented"
        case Reopen():
            # Open last: as long as the ticket is closed, a run after a kill plans all of this again.
            tracker.comment(change.ticket_id, change.comment)
            tracker.update(change.ticket_id, change.draft)
            tracker.reopen(change.ticket_id, day=day)
            return "reopened"
        case Close():
            tracker.close(change.ticket_id, outcome=change.outcome, day=day, note=change.reason)
            return "closed"
        case Keep():
            return "kept"


def _read_back(tracker: Tracker, changes: Sequence[Change], day: dt.date) -> None:
    worked = [change for change in changes if not isinstance(change, Keep)]
    by_key: dict[str, list[Ticket]] = {}
    if worked:
        for ticket in tracker.find(sorted({change.key for change in worked})):
            by_key.setdefault(ticket.key, []).append(ticket)
    for change in worked:
        tickets = by_key.get(change.key, [])
        open_ids = [ticket.ticket_id for ticket in tickets if ticket.is_open]
        if len(open_ids) > 1:
            # A search may still show as open what a technician has just closed; reading one does not.
            open_ids = [ticket_id for ticket_id in open_ids if tracker.get(ticket_id).is_open]
        if len(open_ids) > 1:
            raise PermanentError(
                f"Key {change.key} has {len(open_ids)} open tickets: {', '.join(open_ids)}. "
                "The published list is not affected. Merge them in the tracker, keep the oldest, "
                f"then: prefail tickets --day {day}",
                key=change.key,
                ticket_ids=tuple(open_ids),
            )
        # A technician may close a ticket a moment after it was opened: being there is enough.
        if not tickets or (isinstance(change, Close) and change.ticket_id in open_ids):
            raise TrackerError(
                f"The tracker does not show what was written for key {change.key}. "
                "The published list is not affected; nothing is opened twice. "
                f"Try again: prefail tickets --day {day}",
                key=change.key,
            )
