"""The local desk: tickets in one SQLite file, for fleets without a ticketing system, and for the demo."""

import datetime as dt
import sqlite3
from collections.abc import Collection

from pipelines.errors import PermanentError
from pipelines.settings import Settings
from pipelines.tickets.desk_database import DeskDatabase
from pipelines.tickets.record import read_record
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Draft, Outcome, Ticket

# The desk's own index refuses a second open ticket under one key: no claim in the lake is needed.
HAS_UNIQUE_KEYS = True
# SQLite takes 32,766 parameters a statement; fewer keep the statement cache small.
_KEYS_PER_QUERY = 500


def open_tracker(settings: Settings) -> "Desk":
    """Return the desk at ``tickets.desk_path``; the file is made at first use."""
    return Desk(settings.resolve_path(settings.tickets.desk_path))


def open_reader(settings: Settings) -> "Desk":
    """Return the desk for looking only: a file that is not there yet reads as empty, and is not made."""
    return Desk(settings.resolve_path(settings.tickets.desk_path), is_read_only=True)


class Desk:
    """A tracker in a file. Each method is one transaction: it happens whole, once, or not at all."""

    def __init__(self, path: str, *, is_read_only: bool = False) -> None:
        self._database = DeskDatabase(path, is_read_only=is_read_only)

    def find(self, keys: Collection[str]) -> list[Ticket]:
        wanted = sorted(set(keys))
        found: list[Ticket] = []
        with self._database.transaction() as connection:
            for start in range(0, len(wanted), _KEYS_PER_QUERY):
                part = wanted[start : start + _KEYS_PER_QUERY]
                found += _select(connection, f"key IN ({','.join('?' * len(part))})", *part)
        return sorted(found, key=lambda ticket: int(ticket.ticket_id))

    def list_open(self, environment: str) -> list[Ticket]:
        with self._database.transaction() as connection:
            return _select(connection, "environment = ? AND is_open = 1", environment)

    def list_all(self, environment: str) -> list[Ticket]:
        with self._database.transaction() as connection:
            return _select(connection, "environment = ?", environment)

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]:
        with self._database.transaction() as connection:
            return _select(connection, "environment = ? AND opened_day = ?", environment, day.isoformat())

    def get(self, ticket_id: str) -> Ticket:
        with self._database.transaction() as connection:
            return _get(connection, ticket_id)

    def create(self, draft: Draft) -> Ticket:
        with self._database.transaction() as connection:
            if existing := _find_open(connection, draft.key):
                return existing
            number = connection.execute(
                "INSERT INTO tickets (key, environment, opened_day, title, body, is_open) VALUES (?, ?, ?, ?, ?, 1)",
                (
                    draft.key,
                    draft.record.environment,
                    draft.record.opened_day.isoformat(),
                    draft.title,
                    draft.body,
                ),
            ).lastrowid
            ticket = _get(connection, str(number))
            _note(connection, ticket, draft.record.opened_day, "Opened.")
            return ticket

    def comment(self, ticket_id: str, comment: Comment) -> None:
        with self._database.transaction() as connection:
            _say(connection, _get(connection, ticket_id), comment)

    def update(self, ticket_id: str, draft: Draft) -> None:
        with self._database.transaction() as connection:
            ticket = _get(connection, ticket_id)
            connection.execute(
                "UPDATE tickets SET title = ?, body = ? WHERE number = ?",
                (draft.title, draft.body, int(ticket.ticket_id)),
            )

    def close(self, ticket_id: str, *, outcome: Outcome, day: dt.date, note: str) -> Ticket:
        with self._database.transaction() as connection:
            ticket = _get(connection, ticket_id)
            if not ticket.is_open and (outcome not in TECHNICIAN_OUTCOMES or outcome is ticket.outcome):
                return ticket
            connection.execute(
                "UPDATE tickets SET is_open = 0, closed_day = ?, outcome = ? WHERE number = ?",
                (day.isoformat(), outcome, int(ticket.ticket_id)),
            )
            _note(connection, ticket, day, f"Closed as {outcome}." + (f" {note}" if note else ""))
            return _get(connection, ticket_id)

    def reopen(self, ticket_id: str, *, day: dt.date) -> Ticket:
        with self._database.transaction() as connection:
            ticket = _get(connection, ticket_id)
            if existing := _find_open(connection, ticket.key):
                return existing
            connection.execute(
                "UPDATE tickets SET is_open = 1, closed_day = NULL, outcome = NULL WHERE number = ?",
                (int(ticket.ticket_id),),
            )
            _note(connection, ticket, day, "Opened again.")
            return _get(connection, ticket_id)

    def snooze(self, ticket_id: str, *, until: dt.date | None, day: dt.date) -> Ticket:
        with self._database.transaction() as connection:
            ticket = _get(connection, ticket_id)
            if ticket.snoozed_until == until:
                return ticket
            connection.execute(
                "UPDATE tickets SET snoozed_until = ? WHERE number = ?",
                (None if until is None else until.isoformat(), int(ticket.ticket_id)),
            )
            _note(connection, ticket, day, "Woken." if until is None else f"Snoozed until {until}.")
            return _get(connection, ticket_id)

    def read_history(self, ticket_id: str) -> list[Comment]:
        with self._database.transaction() as connection:
            ticket = _get(connection, ticket_id)
            rows = connection.execute(
                "SELECT comment_id, day, text FROM history WHERE ticket_number = ? ORDER BY position",
                (int(ticket.ticket_id),),
            ).fetchall()
        return [
            Comment(comment_id=row["comment_id"], day=dt.date.fromisoformat(row["day"]), text=row["text"])
            for row in rows
        ]


def _select(connection: sqlite3.Connection, condition: str, *values: str | int) -> list[Ticket]:
    # The condition is one of the constants above; values only ever travel as parameters.
    rows = connection.execute(f"SELECT * FROM tickets WHERE {condition} ORDER BY number", values)  # noqa: S608  as said above
    return [_read_ticket(row) for row in rows]


def _find_open(connection: sqlite3.Connection, key: str) -> Ticket | None:
    return next(iter(_select(connection, "key = ? AND is_open = 1", key)), None)


def _get(connection: sqlite3.Connection, ticket_id: str) -> Ticket:
    # isdecimal alone takes digits of other scripts, and a number above 64 bits can't be bound.
    if ticket_id.isascii() and ticket_id.isdecimal() and len(ticket_id) < 19:
        for ticket in _select(connection, "number = ?", int(ticket_id)):
            return ticket
    raise PermanentError(
        f"The desk has no ticket {ticket_id!r}. Nothing was changed. See them: prefail tickets list --all",
        ticket_id=ticket_id,
    )


def _read_ticket(row: sqlite3.Row) -> Ticket:
    ticket_id = str(row["number"])
    return Ticket(
        ticket_id=ticket_id,
        is_open=bool(row["is_open"]),
        title=row["title"],
        body=row["body"],
        record=read_record(row["body"], ticket_id),
        closed_day=_read_day(row["closed_day"]),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        snoozed_until=_read_day(row["snoozed_until"]),
    )


def _read_day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def _say(connection: sqlite3.Connection, ticket: Ticket, comment: Comment) -> None:
    connection.execute(
        "INSERT INTO history (ticket_number, comment_id, day, text) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (ticket_number, comment_id) DO NOTHING",
        (int(ticket.ticket_id), comment.comment_id, comment.day.isoformat(), comment.text),
    )


def _note(connection: sqlite3.Connection, ticket: Ticket, day: dt.date, text: str) -> None:
    """Write down a change of state; it happened, so each gets its own id."""
    position = connection.execute(
        "SELECT count(*) FROM history WHERE ticket_number = ?", (int(ticket.ticket_id),)
    ).fetchone()[0]
    _say(connection, ticket, Comment(comment_id=f"state-{position}", day=day, text=text))
