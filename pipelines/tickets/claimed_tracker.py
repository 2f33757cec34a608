"""At most one open ticket per key, for trackers that would open a second one if asked twice.

Search-then-create is not atomic anywhere: two runs at once both find nothing. So a run first claims the
key by a conditional write in the lake, then creates, then records the ticket's number in the claim.

    killed before the claim        nothing happened
    killed before create           the claim is held for ``CLAIM_WAIT``, then another run looks and creates
    killed before the record,      the next run finds the ticket by its key; where the tracker's search
    or the reply was lost          lags, it waits out ``CLAIM_WAIT`` first, then finds and records it
    search no longer shows it      the claim names it, and the next run reads it by its number
    a person deleted or merged it  that run says so and notes it (``gone_tickets``); the plan takes it as declined

What remains is a run that stops for longer than ``CLAIM_WAIT`` between its claim and its request and
then goes on; ``apply_plan`` reads back and names two open tickets of one key.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress

from pipelines.errors import PrefailError, WriteLostError
from pipelines.lake import Lake
from pipelines.tickets.gone_tickets import GoneTicket, read_gone_ticket, write_gone_ticket
from pipelines.tickets.ticket_claim import TicketClaim, TicketClaims
from pipelines.tickets.ticket_errors import (
    ClaimHeldError,
    TicketDeletedError,
    TicketGoneError,
    is_without_effect,
)
from pipelines.tickets.tracker import Comment, Draft, Outcome, Ticket, Tracker

# Longer than a run can take from its claim to the end of its request (one search and one creation, each with all
# of its time-outs and repetitions), and longer than any tracker's search lags.
CLAIM_WAIT = dt.timedelta(minutes=30)
_ATTEMPTS = 5


def read_clock() -> dt.datetime:
    """Return the time: claims are about runs that are alive now, not about the day of a list."""
    return dt.datetime.now(dt.UTC)


class ClaimedTracker:
    """Another tracker that opens, and opens again, only under a claim. All else passes through."""

    def __init__(
        self,
        inner: Tracker,
        lake: Lake,
        environment: str,
        *,
        clock: Callable[[], dt.datetime] = read_clock,
    ) -> None:
        self._inner = inner
        self._lake = lake
        self._environment = environment
        self._claims = TicketClaims(lake, environment)
        self._clock = clock
        self._opened: dict[str, str] = {}

    def create(self, draft: Draft) -> Ticket:
        return self._open(draft.key, draft.record.opened_day, lambda: self._inner.create(draft))

    def reopen(self, ticket_id: str, *, day: dt.date) -> Ticket:
        ticket = self._inner.get(ticket_id)
        return self._open(ticket.key, day, lambda: self._inner.reopen(ticket_id, day=day))

    def find(self, keys: Collection[str]) -> list[Ticket]:
        found = self._inner.find(keys)
        known = {ticket.ticket_id for ticket in found}
        # A search index may lag behind what this very run has opened.
        for key in sorted(set(keys) & self._opened.keys()):
            if self._opened[key] not in known:
                with suppress(TicketGoneError):  # said where somebody wants to open it again
                    found.append(self._inner.get(self._opened[key]))
        return found

    def list_open(self, environment: str) -> list[Ticket]:
        return self._inner.list_open(environment)

    def list_all(self, environment: str) -> list[Ticket]:
        return self._inner.list_all(environment)

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]:
        return self._inner.list_opened_on(environment, day)

    def get(self, ticket_id: str) -> Ticket:
        return self._inner.get(ticket_id)

    def comment(self, ticket_id: str, comment: Comment) -> None:
        self._inner.comment(ticket_id, comment)

    def update(self, ticket_id: str, draft: Draft) -> None:
        self._inner.update(ticket_id, draft)

    def close(self, ticket_id: str, *, outcome: Outcome, day: dt.date, note: str) -> Ticket:
        return self._inner.close(ticket_id, outcome=outcome, day=day, note=note)

    def snooze(self, ticket_id: str, *, until: dt.date | None, day: dt.date) -> Ticket:
        return self._inner.snooze(ticket_id, until=until, day=day)

    def read_history(self, ticket_id: str) -> list[Comment]:
        return self._inner.read_history(ticket_id)

    def _open(self, key: str, day: dt.date, act: Callable[[], Ticket]) -> Ticket:
        for _ in range(_ATTEMPTS):
            # The claim is read before the tracker is asked: if another run opens a ticket after this
            # look, it has replaced the claim, and writing ours fails. ``act`` searches by key itself.
            claim, etag = self._claims.read(key)
            now = self._clock()
            try:
                existing = self._find_claimed(key, claim)
            except TicketDeletedError as deleted:
                assert claim is not None, "only a claim names a ticket"
                news = self._note_deleted(key, claim, day, deleted)
                if not claim.is_held(now, CLAIM_WAIT):
                    self._settle(key, claim, etag, None)
                if news is not None:
                    raise news from deleted
                if not claim.is_held(now, CLAIM_WAIT):
                    continue
                existing = None
            if existing is not None:
                return existing
            if claim is not None and claim.is_held(now, CLAIM_WAIT):
                for ticket in self._inner.find([key]):
                    # Never settle another's claim: its request may still be on the way. Read again, because
                    # an index may show as open what was closed a moment ago.
                    if ticket.is_open and self._inner.get(ticket.ticket_id).is_open:
                        return ticket
                raise self._refuse(key, claim)
            mine = TicketClaim(
                run=uuid.uuid4().hex,
                claimed_at=now,
                is_opening=True,
                ticket_id=None if claim is None else claim.ticket_id,
            )
            try:
                etag = self._claims.write(key, mine, etag)
            except WriteLostError:
                continue
            return self._act(key, mine, etag, act)
        raise ClaimHeldError(
            f"{self._claims.uri(key)} was changed by other runs {_ATTEMPTS} times in a row. No ticket was "
            f"opened for key {key} by this run. Run the same command again.",
            key=key,
        )

    def _act(self, key: str, mine: TicketClaim, etag: str, act: Callable[[], Ticket]) -> Ticket:
        try:
            ticket = act()
        except PrefailError as error:
            if is_without_effect(error):
                self._settle(key, mine, etag, mine.ticket_id)
            raise
        self._opened[key] = ticket.ticket_id
        self._settle(key, mine, etag, ticket.ticket_id)
        return ticket

    def _find_claimed(self, key: str, claim: TicketClaim | None) -> Ticket | None:
        """Return the ticket that a settled claim names, if it is open."""
        if claim is None or claim.ticket_id is None:
            return None
        # By its number, even where the search shows it closed: an index may not know yet that it was re-opened.
        try:
            ticket = self._inner.get(claim.ticket_id)
        except TicketDeletedError:
            raise
        except TicketGoneError as damaged:
            raise self._explain(key, claim.ticket_id, damaged.message) from damaged
        if ticket.key != key:
            raise self._explain(key, claim.ticket_id, f"Ticket {claim.ticket_id} now has key {ticket.key}.")
        return ticket if ticket.is_open else None

    def _note_deleted(
        self, key: str, claim: TicketClaim, day: dt.date, deleted: TicketDeletedError
    ) -> TicketDeletedError | None:
        """Remember that a person took the ticket away; return what to say of it, null if it was said before."""
        assert claim.ticket_id is not None, "a claim without a number names no ticket"
        known = read_gone_ticket(self._lake, self._environment, key)
        if known is not None and known.ticket_id == claim.ticket_id:
            return None
        gone = GoneTicket(ticket_id=claim.ticket_id, missed_on=day, reason=deleted.message)
        note = write_gone_ticket(self._lake, self._environment, key, gone)
        return TicketDeletedError(
            f"{deleted.message.rstrip()} It was opened for key {key}, whose part is still listed. It is taken as "
            "declined: no other is opened in its place for tickets.reopen_within_days, and the next run says no "
            f"more of it. To have a new one opened sooner, delete {note}, then run the same command again.",
            key=key,
            ticket_id=claim.ticket_id,
        )

    def _settle(self, key: str, claim: TicketClaim, etag: str | None, ticket_id: str | None) -> None:
        settled = claim.model_copy(update={"is_opening": False, "ticket_id": ticket_id})
        try:
            self._claims.write(key, settled, etag)
        except WriteLostError:
            return  # Another run found the ticket first and wrote the same.

    def _refuse(self, key: str, claim: TicketClaim) -> ClaimHeldError:
        free_at = (claim.claimed_at + CLAIM_WAIT).strftime("%Y-%m-%d %H:%M:%S")
        return ClaimHeldError(
            f"Another run claimed key {key} at {claim.claimed_at:%Y-%m-%d %H:%M:%S} UTC to open its ticket and "
            "has not said how that ended. None was opened by this run, so there can't be two. "
            f"Run the same command again after {free_at} UTC. The claim: {self._claims.uri(key)}",
            key=key,
            run=claim.run,
        )

    def _explain(self, key: str, ticket_id: str, reason: str) -> TicketGoneError:
        return TicketGoneError(
            f"{reason.rstrip()} It was opened for key {key}, whose part is still listed; no other was opened in its "
            f"place. Restore it in the tracker, or delete {self._claims.uri(key)} to have a new one opened, "
            "then run the same command again.",
            key=key,
            ticket_id=ticket_id,
        )
