"""A tracker in memory, and one that fails before or after a call has had its effect."""

import datetime as dt
from collections.abc import Collection
from dataclasses import replace

from pipelines.errors import TrackerError
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Draft, Outcome, Ticket, Tracker

MUTATING = frozenset({"create", "comment", "update", "close", "reopen", "snooze"})


class MemoryTracker:
    """Does what the protocol says, and refuses what no tracker may allow."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.history: dict[str, list[Comment]] = {}
        self.n_changes = 0
        self._n_created = 0

    def find(self, keys: Collection[str]) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.key in set(keys)]

    def list_open(self, environment: str) -> list[Ticket]:
        return [ticket for ticket in self.list_all(environment) if ticket.is_open]

    def list_all(self, environment: str) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.record.environment == environment]

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]:
        return [ticket for ticket in self.list_all(environment) if ticket.record.opened_day == day]

    def get(self, ticket_id: str) -> Ticket:
        return self.tickets[ticket_id]

    def create(self, draft: Draft) -> Ticket:
        if existing := self._find_open(draft.key):
            return existing
        self._n_created += 1
        ticket_id = str(self._n_created)
        self.history[ticket_id] = []
        return self._put(
            Ticket(ticket_id=ticket_id, is_open=True, title=draft.title, body=draft.body, record=draft.record)
        )

    def comment(self, ticket_id: str, comment: Comment) -> None:
        self.n_changes += 1
        if comment.comment_id not in [said.comment_id for said in self.history[ticket_id]]:
            self.history[ticket_id].append(comment)

    def update(self, ticket_id: str, draft: Draft) -> None:
        ticket = self.tickets[ticket_id]
        assert draft.key == ticket.key, "an update may not move a ticket to another key"
        self._put(replace(ticket, title=draft.title, body=draft.body, record=draft.record))

    def close(self, ticket_id: str, *, outcome: Outcome, day: dt.date, note: str) -> Ticket:
        ticket = self.tickets[ticket_id]
        if not ticket.is_open and outcome not in TECHNICIAN_OUTCOMES:
            return ticket
        return self._put(replace(ticket, is_open=False, closed_day=day, outcome=outcome))

    def reopen(self, ticket_id: str, *, day: dt.date) -> Ticket:
        ticket = self.tickets[ticket_id]
        if existing := self._find_open(ticket.key):
            return existing
        return self._put(replace(ticket, is_open=True, closed_day=None, outcome=None))

    def snooze(self, ticket_id: str, *, until: dt.date | None, day: dt.date) -> Ticket:
        return self._put(replace(self.tickets[ticket_id], snoozed_until=until))

    def read_history(self, ticket_id: str) -> list[Comment]:
        return list(self.history[ticket_id])

    def _find_open(self, key: str) -> Ticket | None:
        return next((ticket for ticket in self.find([key]) if ticket.is_open), None)

    def _put(self, ticket: Ticket) -> Ticket:
        self.n_changes += 1
        self.tickets[ticket.ticket_id] = ticket
        return ticket


class KilledTracker:
    """Another tracker, up to one call: that one fails, before its effect or after it."""

    def __init__(self, inner: Tracker, *, fails_at: int, has_effect: bool) -> None:
        self._inner = inner
        self._calls_left = fails_at
        self._has_effect = has_effect

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)

        def call(*arguments: object, **named: object) -> object:
            self._calls_left -= 1
            if self._calls_left != 0:
                return method(*arguments, **named)
            if self._has_effect:
                method(*arguments, **named)
            raise TrackerError(f"the run was killed at {name}")

        return call
