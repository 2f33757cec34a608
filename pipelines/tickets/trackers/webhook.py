"""A generic webhook: each change of a ticket is posted, signed, to an address of yours.

A webhook can't be searched, so the tickets themselves live in the local desk (``tickets.desk_path``). A change
is posted before the desk keeps it: what was posted and not kept is posted again, under the same
``Idempotency-Key``. The receiver must answer below 300 and take each key once.

``Prefail-Signature: t=<unix time>,v1=<hex>`` is the HMAC-SHA256, under ``PREFAIL_TRACKER_TOKEN``, of the time,
a full stop and the body. Refuse times older than some minutes, and compare in constant time.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Collection

from pipelines.settings import Settings
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.options import HttpOptions
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Draft, Outcome, Ticket
from pipelines.tickets.trackers import desk
from pipelines.tickets.trackers.desk import Desk

HAS_UNIQUE_KEYS = True


class Options(HttpOptions):
    """Settings of a webhook."""


def open_tracker(settings: Settings) -> "Webhook":
    """Return the webhook of ``[tickets.options]`` over the desk at ``tickets.desk_path``."""
    options = Options.model_validate(settings.tickets.options)
    secret = TrackerCredentials.from_environment().require_token()
    door = HttpDoor(options=options, headers={}, secrets=(secret,), is_reply_read=False)
    return Webhook(Desk(settings.resolve_path(settings.tickets.desk_path)), door, secret)


def open_reader(settings: Settings) -> Desk:
    """Return the desk that the tickets live in, for looking only: nothing is posted and no file is made."""
    return desk.open_reader(settings)


class Webhook:
    """A desk that tells somebody first. Reading asks the desk alone."""

    def __init__(self, desk: Desk, door: HttpDoor, secret: str) -> None:
        self._desk = desk
        self._door = door
        self._secret = secret.encode()

    def find(self, keys: Collection[str]) -> list[Ticket]:
        return self._desk.find(keys)

    def list_open(self, environment: str) -> list[Ticket]:
        return self._desk.list_open(environment)

    def list_all(self, environment: str) -> list[Ticket]:
        return self._desk.list_all(environment)

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]:
        return self._desk.list_opened_on(environment, day)

    def get(self, ticket_id: str) -> Ticket:
        return self._desk.get(ticket_id)

    def read_history(self, ticket_id: str) -> list[Comment]:
        return self._desk.read_history(ticket_id)

    def create(self, draft: Draft) -> Ticket:
        for ticket in self._desk.find([draft.key]):
            if ticket.is_open:
                return ticket
        self._post("opened", draft.key, draft.record.opened_day, title=draft.title, body=draft.body)
        return self._desk.create(draft)

    def comment(self, ticket_id: str, comment: Comment) -> None:
        ticket = self._desk.get(ticket_id)
        if comment.comment_id not in {said.comment_id for said in self._desk.read_history(ticket_id)}:
            self._post("commented", ticket.key, comment.day, comment_id=comment.comment_id, text=comment.text)
        self._desk.comment(ticket_id, comment)

    def update(self, ticket_id: str, draft: Draft) -> None:
        ticket = self._desk.get(ticket_id)
        if (ticket.title, ticket.body) != (draft.title, draft.body):
            day = draft.record.last_listed_day
            self._post("updated", draft.key, day, title=draft.title, body=draft.body)
        self._desk.update(ticket_id, draft)

    def close(self, ticket_id: str, *, outcome: Outcome, day: dt.date, note: str) -> Ticket:
        ticket = self._desk.get(ticket_id)
        if ticket.is_open or (outcome in TECHNICIAN_OUTCOMES and outcome is not ticket.outcome):
            self._post("closed", ticket.key, day, outcome=outcome.value, note=note)
        return self._desk.close(ticket_id, outcome=outcome, day=day, note=note)

    def reopen(self, ticket_id: str, *, day: dt.date) -> Ticket:
        ticket = self._desk.get(ticket_id)
        if not any(other.is_open for other in self._desk.find([ticket.key])):
            self._post("reopened", ticket.key, day)
        return self._desk.reopen(ticket_id, day=day)

    def snooze(self, ticket_id: str, *, until: dt.date | None, day: dt.date) -> Ticket:
        ticket = self._desk.get(ticket_id)
        if ticket.snoozed_until != until:
            self._post("snoozed", ticket.key, day, until="" if until is None else until.isoformat())
        return self._desk.snooze(ticket_id, until=until, day=day)

    def _post(self, event: str, key: str, day: dt.date, **facts: str) -> None:
        # How much the desk has kept under the key: the same for a second try, another for the next change.
        kept = self._desk.find([key])
        sequence = sum(len(self._desk.read_history(ticket.ticket_id)) for ticket in kept)
        document = {"event": event, "key": key, "day": day.isoformat(), "sequence": sequence, **facts}
        body = json.dumps(document, sort_keys=True).encode()
        idempotency_key = hashlib.sha256(body).hexdigest()[:32]
        time = str(int(self._door.clock().timestamp()))
        signature = hmac.new(self._secret, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
            "Prefail-Signature": f"t={time},v1={signature}",
        }
        self._door.send("POST", "", body=body, headers=headers, is_repeatable=True)
