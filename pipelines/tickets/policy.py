"""When an entry becomes a ticket, waits, or wakes an old one. One function a rule; the order is the policy."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from pipelines.settings import Settings
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Hold
from pipelines.tickets.record import TicketRecord
from pipelines.tickets.tracker import OUR_OUTCOMES, Outcome, Ticket

# 0.62 − 0.52 is 0.09999999999999998; a step of 0.10 must still count as reached.
_RISK_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The numbers of the policy, as the settings have them."""

    k_per_day: int
    close_after_days: int
    reopen_within_days: int
    update_risk_step: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read the policy out of the settings."""
        return cls(
            k_per_day=settings.list.k_per_day,
            close_after_days=settings.tickets.close_after_days,
            reopen_within_days=settings.tickets.reopen_within_days,
            update_risk_step=settings.tickets.update_risk_step,
        )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A listed entry without an open ticket.

    ``previous`` is the last ticket of its key, null if it never had one. ``has_returned``: since
    that ticket was closed the component had left the list for good. ``n_opened`` counts the tickets opened
    for this day so far, whoever opened them.
    """

    entry: Entry
    policy: Policy
    day: dt.date
    previous: Ticket | None
    has_returned: bool
    n_opened: int


Rule = Callable[[Candidate], tuple[Hold, str] | None]


def find_hold(candidate: Candidate) -> tuple[Hold, str] | None:
    """Return the first rule's reason why the candidate gets no ticket today, null if it gets one."""
    for rule in RULES:
        if hold := rule(candidate):
            return hold
    return None


def may_reopen(candidate: Candidate) -> bool:
    """Return whether the key's old ticket is opened again instead of a new one.

    That is so within ``reopen_within_days`` of its closing, and always after "confirmed": a part that
    was replaced can't be listed again, so the old ticket did not end as it says.
    """
    previous = candidate.previous
    if previous is None or previous.closed_day is None:
        return False
    if previous.outcome is Outcome.CONFIRMED:
        return True
    # A declined key only comes this far if somebody changed its outcome: then it starts afresh.
    return (candidate.day - previous.closed_day).days <= candidate.policy.reopen_within_days


def list_news(entry: Entry, record: TicketRecord, policy: Policy) -> list[str]:
    """Return what a reader of the ticket does not know yet: the risk moved, or a new signal speaks."""
    news = []
    if abs(entry.risk - record.told_risk) >= policy.update_risk_step - _RISK_TOLERANCE:
        news.append("risk rose" if entry.risk > record.told_risk else "risk fell")
    if {reason.signal for reason in entry.evidence} - set(record.told_signals):
        news.append("new evidence")
    return news


def hold_declined(candidate: Candidate) -> tuple[Hold, str] | None:
    """Won't fix holds for the key until a person gives the ticket another outcome."""
    previous = candidate.previous
    if previous is None or previous.outcome is not Outcome.DECLINED:
        return None
    return Hold.DECLINED, f"declined in ticket {previous.ticket_id}"


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


def hold_over_budget(candidate: Candidate) -> tuple[Hold, str] | None:
    """At most k new tickets a day; a ticket that is opened again is no new one."""
    if candidate.n_opened < candidate.policy.k_per_day or may_reopen(candidate):
        return None
    return Hold.BUDGET, f"{candidate.policy.k_per_day} new tickets a day, and those above it came first"


RULES: tuple[Rule, ...] = (
    hold_declined,
    hold_snoozed,
    hold_older_than_visit,
    hold_nothing_new,
    hold_over_budget,
)
