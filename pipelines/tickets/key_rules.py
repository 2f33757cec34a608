"""Why a key waits because of its own past: declined, deleted, asleep, just visited. One function a rule."""

from pipelines.tickets.plan import Hold
from pipelines.tickets.policy import Candidate, list_news
from pipelines.tickets.tracker import OUR_OUTCOMES, Outcome


def hold_declined(candidate: Candidate) -> tuple[Hold, str] | None:
    """Won't fix holds for the key until a person gives the ticket another outcome."""
    previous = candidate.previous
    if previous is None or previous.outcome is not Outcome.DECLINED:
        return None
    return Hold.DECLINED, f"declined in ticket {previous.ticket_id}"


def hold_deleted(candidate: Candidate) -> tuple[Hold, str] | None:
    """A ticket that somebody deleted or merged away was declined, for as long as one may be opened again."""
    gone = candidate.gone
    if gone is None:
        return None
    until = gone.declined_until(candidate.policy.reopen_within_days)
    if candidate.day >= until:
        return None
    missed = f"ticket {gone.ticket_id} is gone from the tracker (missed on {gone.missed_on})"
    return Hold.DECLINED, f"{missed}: taken as declined until {until}"


def hold_snoozed(candidate: Candidate) -> tuple[Hold, str] | None:
    """A snoozed key stays quiet even where its ticket is closed."""
    previous = candidate.previous
    if previous is None or not previous.is_snoozed(candidate.day):
        return None
    return Hold.SNOOZED, f"ticket {previous.ticket_id} is snoozed until {previous.snoozed_until}"


def hold_older_than_visit(candidate: Candidate) -> tuple[Hold, str] | None:
    """What was measured before or on the day of the visit says nothing against its result."""
    previous = candidate.previous
    if previous is None or previous.closed_day is None or previous.outcome in OUR_OUTCOMES:
        return None
    if candidate.day > previous.closed_day:
        return None
    return (
        Hold.LIST_OLDER_THAN_VISIT,
        f"ticket {previous.ticket_id} was resolved on {previous.closed_day}, after what this list knows",
    )


def hold_nothing_new(candidate: Candidate) -> tuple[Hold, str] | None:
    """Don't send somebody back for what they have just looked at.

    Windows look back 30 days, so a part that was found in order stays on the list for weeks. It wakes
    its ticket when the risk rose by a step, a new signal speaks, or it left the list for good and returned.
    """
    previous = candidate.previous
    if previous is None or previous.closed_day is None or previous.outcome in OUR_OUTCOMES:
        return None
    if previous.outcome is Outcome.CONFIRMED or candidate.has_returned:
        return None
    if previous.record.list_day > previous.closed_day:
        # Only re-opening rewrites a closed ticket; that run was killed before it opened it.
        return None
    if (candidate.day - previous.closed_day).days > candidate.policy.reopen_within_days:
        return None
    if set(list_news(candidate.entry, previous.record, candidate.policy)) - {"risk fell"}:
        return None
    found = "closed" if previous.outcome is None else f"resolved as {previous.outcome}"
    return (
        Hold.NOTHING_NEW,
        f"ticket {previous.ticket_id} was {found} on {previous.closed_day} and nothing is new since",
    )
