"""What a ticketing system must offer: plain issues with a text, a mark to search by, and remarks.

A tracker of your own is a class with these eight methods; ``IssueTracker`` makes a ``Tracker`` of it.
``docs/writing-a-tracker.md`` walks through one.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Draft, Outcome

MARK = "prefail"


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue as the ticketing system has it.

    ``issue_id`` is what people call it. ``handle`` is what requests need where that is something else.
    ``key`` is the digest in the field or label that we search by, null where a person took it off.
    ``outcome`` is what a person set, in the field or label for it. ``closed_on`` is the system's own UTC
    day of closing. ``version`` is for a write that must not overwrite somebody else's.
    """

    issue_id: str
    is_open: bool
    title: str
    text: str
    key: str | None
    outcome: Outcome | None = None
    closed_on: dt.date | None = None
    handle: str = ""
    labels: tuple[str, ...] = ()
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an issue shall be. ``outcome`` is null while it is open."""

    title: str
    text: str
    is_open: bool
    outcome: Outcome | None


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something said on an issue, by us or by a person."""

    day: dt.date
    text: str


class Issues(Protocol):
    """The door to one ticketing system. Every method raises the errors of ``HttpDoor``.

    ``longest_title`` is the system's limit in characters; longer ones are cut before they reach it.
    """

    longest_title: int

    def search_keys(self, keys: Sequence[str]) -> Iterable[Issue]:
        """Yield open and closed issues that carry one of these key digests."""
        ...

    def search_environment(
        self, environment: str, *, opened_day: dt.date | None = None, is_open_only: bool = False
    ) -> Iterable[Issue]:
        """Yield the issues that carry the environment's mark, and the day's, if one is given."""
        ...

    def read(self, issue_id: str) -> Issue:
        """Return one issue as it is now; ``TicketDeletedError`` if it was deleted, merged or moved."""
        ...

    def open(self, draft: Draft) -> str:
        """Open an issue that can be found by key, environment and day; return its id."""
        ...

    def write(self, issue: Issue, change: Change) -> None:
        """Bring an issue, as it was just read, to what ``change`` says, without telling anybody."""
        ...

    def read_remarks(self, issue_id: str) -> list[Remark]:
        """Return what was said on an issue, the oldest first."""
        ...

    def add_remark(self, issue_id: str, text: str) -> None:
        """Say something on an issue."""
        ...

    def show(self, text: str) -> str:
        """Return our text in the system's markup, so that nothing in it is active; a second time the same."""
        ...


def list_labels(draft: Draft) -> list[str]:
    """Return the labels by which systems that have labels find a ticket."""
    record = draft.record
    return [
        MARK,
        label_environment(record.environment),
        label_opened_day(record.environment, record.opened_day),
        label_key(draft.key),
    ]


def label_key(key: str) -> str:
    """Return the label that carries a key's digest."""
    return f"{MARK}-key-{key}"


def label_environment(environment: str) -> str:
    """Return the label of an environment."""
    return f"{MARK}-env-{environment}"


def label_opened_day(environment: str, day: dt.date) -> str:
    """Return the label of the day on whose list a ticket was opened."""
    return f"{MARK}-opened-{environment}-{day.isoformat()}"


def label_outcome(outcome: Outcome) -> str:
    """Return the label by which people and we say how a ticket ended."""
    return f"{MARK}-outcome-{outcome.value.replace('_', '-')}"


_OUTCOME_OF_LABEL = {label_outcome(outcome): outcome for outcome in Outcome}


def read_key(labels: Iterable[str]) -> str | None:
    """Return the key digest among an issue's labels, null if there is none."""
    prefix = label_key("")
    return next((label.removeprefix(prefix) for label in sorted(labels) if label.startswith(prefix)), None)


def read_outcome(labels: Iterable[str]) -> Outcome | None:
    """Return the outcome among an issue's labels; a technician's word goes before ours."""
    said = [_OUTCOME_OF_LABEL[label] for label in sorted(labels) if label in _OUTCOME_OF_LABEL]
    return next((outcome for outcome in said if outcome in TECHNICIAN_OUTCOMES), said[0] if said else None)


def relabel(labels: Iterable[str], outcome: Outcome | None) -> list[str]:
    """Return labels with this outcome and no other; what people stuck on stays."""
    kept = [label for label in labels if label not in _OUTCOME_OF_LABEL]
    return kept if outcome is None else [*kept, label_outcome(outcome)]
