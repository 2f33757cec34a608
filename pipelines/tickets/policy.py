"""What the rules decide by: the policy's numbers, and an entry without an open ticket with all that is known of it."""

import datetime as dt
from dataclasses import dataclass
from typing import Self

from pipelines.settings import Settings
from pipelines.tickets.batch_decision import BatchDecision
from pipelines.tickets.entries import Entry
from pipelines.tickets.gone_tickets import GoneTicket
from pipelines.tickets.policy_document import NO_RULES, PolicyDocument
from pipelines.tickets.policy_file import read_policy
from pipelines.tickets.record import TicketRecord
from pipelines.tickets.standing import Standing
from pipelines.tickets.tracker import Outcome, Ticket

# 0.62 − 0.52 is 0.09999999999999998; a step of 0.10 must still count as reached.
_RISK_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The numbers of the settings, and the rules of the policy file.

    ``needs_approval``: new tickets of a day beyond ``k_per_day`` wait for a person; ``decision`` is what
    that person has said about the day, null as long as nobody has.
    """

    k_per_day: int
    close_after_days: int
    reopen_within_days: int
    update_risk_step: float
    document: PolicyDocument = NO_RULES
    needs_approval: bool = False
    decision: BatchDecision | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read the policy that the settings name; ``ConfigError`` if it is wrong."""
        return cls(
            k_per_day=settings.list.k_per_day,
            close_after_days=settings.tickets.close_after_days,
            reopen_within_days=settings.tickets.reopen_within_days,
            update_risk_step=settings.tickets.update_risk_step,
            document=read_policy(settings),
            needs_approval=settings.approval.tickets,
        )

    @property
    def new_per_day(self) -> int | None:
        """New tickets a day at most; null is no limit but the price of a visit."""
        said = self.document.budget.new_per_day
        if said == "while_it_pays":
            return None
        return self.k_per_day if said is None else said

    @property
    def approved_per_day(self) -> int | None:
        """New tickets a day that need no person, or that one has approved; null where nobody has to."""
        if not self.needs_approval:
            return None
        return max(self.k_per_day, self.decision.n_approved if self.decision else 0)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A listed entry without an open ticket.

    ``previous`` is the last ticket of its key, null if it never had one; ``gone`` one that was deleted in
    the tracker. ``has_returned``: since ``previous`` was closed the component had left the list for good.
    ``standing`` tells what tickets use up so far. ``first_day`` is the first day whose list the tickets
    of the environment followed, null where nobody knows.
    """

    entry: Entry
    policy: Policy
    day: dt.date
    previous: Ticket | None
    has_returned: bool
    standing: Standing
    gone: GoneTicket | None = None
    first_day: dt.date | None = None


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
