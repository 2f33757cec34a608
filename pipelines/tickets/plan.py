"""The changes that make a tracker match a list, as data: what to do, to which ticket, and why."""

from dataclasses import dataclass
from enum import StrEnum

from pipelines.tickets.entries import Entry
from pipelines.tickets.tracker import Comment, Draft, Outcome


@dataclass(frozen=True, kw_only=True)
class Create:
    """Open a new ticket."""

    draft: Draft
    reason: str

    @property
    def key(self) -> str:
        """The digest of the ticket's key."""
        return self.draft.key


@dataclass(frozen=True, kw_only=True)
class Update:
    """Bring a ticket up to date; silently where ``comment`` is null."""

    ticket_id: str
    draft: Draft
    comment: Comment | None
    reason: str

    @property
    def key(self) -> str:
        """The digest of the ticket's key."""
        return self.draft.key


@dataclass(frozen=True, kw_only=True)
class Reopen:
    """Open a closed ticket again and say why."""

    ticket_id: str
    draft: Draft
    comment: Comment
    reason: str

    @property
    def key(self) -> str:
        """The digest of the ticket's key."""
        return self.draft.key


@dataclass(frozen=True, kw_only=True)
class Close:
    """Close a ticket that has no more purpose."""

    ticket_id: str
    key: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Leave a ticket as it is."""

    ticket_id: str
    key: str
    reason: str


Change = Create | Update | Reopen | Close | Keep


class Hold(StrEnum):
    """Why an entry without an open ticket gets none today."""

    GONE = "gone"
    DECLINED = "declined"
    SNOOZED = "snoozed"
    LIST_OLDER_THAN_VISIT = "list_older_than_visit"
    NOTHING_NEW = "nothing_new"
    LOW_RISK = "low_risk"
    NOT_WORTH_IT = "not_worth_it"
    FROZEN = "frozen"
    STORM = "storm"
    NO_SPARE = "no_spare"
    GROUP_FULL = "group_full"
    SITE_BUDGET = "site_budget"
    COLD_START = "cold_start"
    BUDGET = "budget"
    NOT_APPROVED = "not_approved"


@dataclass(frozen=True, kw_only=True)
class NotOpened:
    """An entry that gets no ticket today. ``reason`` is one sentence for the person who asks."""

    entry: Entry
    hold: Hold
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All changes of one day, and each entry that waits. Every entry is in exactly one of the two."""

    changes: tuple[Change, ...]
    not_opened: tuple[NotOpened, ...]
