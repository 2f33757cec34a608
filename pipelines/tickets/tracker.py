"""What reconciliation needs of a ticketing system, and the words both use.

A tracker of your own is one module in ``pipelines/tickets/trackers`` with ``open_tracker(settings)``
that returns an object with these methods. Each method may be called again after a failure or a
time-out that hid its success: it must then change nothing more. Over HTTP, ``pipelines.tickets.remote``
does most of it; docs/writing-a-tracker.md shows how.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pipelines.tickets.record import TicketRecord


class Outcome(StrEnum):
    """How a ticket ended. The first five are a technician's, the others ours."""

    CONFIRMED = "confirmed"
    NO_FAULT_FOUND = "no_fault_found"
    RESEATED = "reseated"
    FIRMWARE = "firmware"
    DECLINED = "declined"
    LEFT_LIST = "left_list"
    REPLACED = "replaced"
    STOPPED_REPORTING = "stopped_reporting"


TECHNICIAN_OUTCOMES = (
    Outcome.CONFIRMED,
    Outcome.NO_FAULT_FOUND,
    Outcome.RESEATED,
    Outcome.FIRMWARE,
    Outcome.DECLINED,
)
OUR_OUTCOMES = (Outcome.LEFT_LIST, Outcome.REPLACED, Outcome.STOPPED_REPORTING)


PERSON_COMMENT = "remark-"
"""How the ids of comments begin that are not ours."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a ticket shall say. ``body`` ends with the written form of ``record``."""

    title: str
    body: str
    record: TicketRecord

    @property
    def key(self) -> str:
        """The digest of the ticket's key."""
        return self.record.key.digest


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket as the tracker has it. ``closed_day`` and ``outcome`` are null while it is open.

    A closed ticket without outcome was closed by a person who did not say what they found.
    ``snoozed_until`` is the first day on which it may be spoken of again.
    """

    ticket_id: str
    is_open: bool
    title: str
    body: str
    record: TicketRecord
    closed_day: dt.date | None = None
    outcome: Outcome | None = None
    snoozed_until: dt.date | None = None

    @property
    def key(self) -> str:
        """The digest of the ticket's key."""
        return self.record.key.digest

    def is_snoozed(self, day: dt.date) -> bool:
        """Return whether ``day`` is before the day the ticket wakes."""
        return self.snoozed_until is not None and day < self.snoozed_until


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A remark on a ticket. The same ``comment_id`` twice on one ticket is one comment."""

    comment_id: str
    day: dt.date
    text: str

    @property
    def is_from_person(self) -> bool:
        """Whether a person wrote it in the tracker; ours are named by day and words."""
        return self.comment_id.startswith(PERSON_COMMENT)


class TicketReader(Protocol):
    """What a plan needs of a ticketing system: to look, no more."""

    def find(self, keys: Collection[str]) -> list[Ticket]: ...

    def list_open(self, environment: str) -> list[Ticket]: ...

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]: ...


class Tracker(Protocol):
    """The door to a ticketing system.

    Every method raises ``TrackerError`` where trying again may help, and ``PermanentError`` where a
    person must act. ``day`` is the day of the list that caused the change, or of the technician's word.
    """

    def find(self, keys: Collection[str]) -> list[Ticket]:
        """Return all tickets, open and closed, with one of these key digests, the oldest first."""
        ...

    def list_open(self, environment: str) -> list[Ticket]:
        """Return the open tickets of an environment, the oldest first."""
        ...

    def list_all(self, environment: str) -> list[Ticket]:
        """Return the open and closed tickets of an environment, the oldest first."""
        ...

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]:
        """Return the tickets, open or not, whose ``opened_day`` is ``day``."""
        ...

    def get(self, ticket_id: str) -> Ticket:
        """Return one ticket; ``PermanentError`` if there is none, ``TicketDeletedError`` if there was one."""
        ...

    def create(self, draft: Draft) -> Ticket:
        """Open a ticket, or return the one that is open under the same key."""
        ...

    def comment(self, ticket_id: str, comment: Comment) -> None:
        """Add a remark, unless one with its id is there."""
        ...

    def update(self, ticket_id: str, draft: Draft) -> None:
        """Replace title and body without notifying anybody."""
        ...

    def close(self, ticket_id: str, *, outcome: Outcome, day: dt.date, note: str) -> Ticket:
        """Close with an outcome.

        On a closed ticket a technician's outcome replaces the one before; ours changes nothing.
        """
        ...

    def reopen(self, ticket_id: str, *, day: dt.date) -> Ticket:
        """Open a closed ticket again, or return the one that is open under the same key."""
        ...

    def snooze(self, ticket_id: str, *, until: dt.date | None, day: dt.date) -> Ticket:
        """Keep quiet about a ticket before ``until``; null wakes it."""
        ...

    def read_history(self, ticket_id: str) -> list[Comment]:
        """Return what happened to a ticket and was said on it, the oldest first."""
        ...
