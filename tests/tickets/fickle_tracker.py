"""A tracker as bad as they come: no unique constraint, a search that lags, replies that lie, kills anywhere."""

import datetime as dt
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from memory_store import MemoryStore
from memory_tracker import MUTATING, MemoryTracker

from pipelines.errors import TrackerError
from pipelines.tickets.ticket_errors import TicketDeletedError
from pipelines.tickets.tracker import Draft, Ticket

SEARCHES = frozenset({"find", "list_open", "list_all", "list_opened_on"})


class KilledError(BaseException):
    """The process is gone; no code of ours may catch this."""


@dataclass
class SimulatedClock:
    """A clock that only the test moves."""

    now: dt.datetime = dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += dt.timedelta(**span)


class KeylessTracker(MemoryTracker):
    """Looks before it opens a ticket, but sees what was, as most trackers would; ``get`` is up to date.

    Searches show each ticket as it was ``lag`` ago. A creation may land only after its reply was lost.
    """

    def __init__(self, clock: SimulatedClock, lag: dt.timedelta) -> None:
        super().__init__()
        self._clock = clock
        self._lag = lag
        self._versions: list[tuple[dt.datetime, Ticket]] = []
        self._late: list[tuple[dt.datetime, Draft]] = []
        self._deleted: set[str] = set()

    def land_late_creations(self) -> None:
        """Open what was asked for in requests whose time has come."""
        now = self._clock.now
        due = [pair for pair in self._late if pair[0] <= now]
        self._late = [pair for pair in self._late if pair[0] > now]
        for lands_at, draft in due:
            # It landed then, and searches show it from then on; we only hear of it now.
            self._clock.now = lands_at
            self.create(draft)
        self._clock.now = now

    def create_later(self, draft: Draft, delay: dt.timedelta) -> None:
        self._late.append((self._clock() + delay, draft))

    def delete(self, ticket_id: str) -> None:
        """Do as a person does: the ticket is gone, from searches, too."""
        del self.tickets[ticket_id]
        self._versions = [pair for pair in self._versions if pair[1].ticket_id != ticket_id]
        self._deleted.add(ticket_id)

    def get(self, ticket_id: str) -> Ticket:
        if ticket_id in self._deleted:
            raise TicketDeletedError(f"Ticket {ticket_id} was deleted.")
        return super().get(ticket_id)

    def find(self, keys: Collection[str]) -> list[Ticket]:
        return [ticket for ticket in self._shown().values() if ticket.key in set(keys)]

    def list_all(self, environment: str) -> list[Ticket]:
        return [ticket for ticket in self._shown().values() if ticket.record.environment == environment]

    def _shown(self) -> dict[str, Ticket]:
        horizon = self._clock() - self._lag
        return {ticket.ticket_id: ticket for written_at, ticket in self._versions if written_at <= horizon}

    def _put(self, ticket: Ticket) -> Ticket:
        self._versions.append((self._clock(), ticket))
        return super()._put(ticket)


@dataclass
class Fate:
    """What happens to one run: decided call by call, from a seed. ``interlude`` may run another run."""

    random: random.Random
    trouble: float
    interlude: Callable[[], None]
    n_troubles: int = field(default=0)

    def strikes(self, share: float = 1.0) -> bool:
        struck = self.random.random() < self.trouble * share
        self.n_troubles += struck
        return struck


class FickleTracker:
    """What one run sees of a tracker."""

    def __init__(self, inner: KeylessTracker, clock: SimulatedClock, fate: Fate) -> None:
        self._inner, self._clock, self._fate = inner, clock, fate

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)

        def call(*arguments: object, **named: object) -> object:
            self._clock.move(seconds=0.4)
            self._inner.land_late_creations()
            if self._fate.strikes(0.3):
                raise KilledError(f"before {name}")
            if self._fate.strikes():
                self._fate.interlude()
            if name == "create" and self._fate.strikes():
                delay = dt.timedelta(seconds=self._fate.random.uniform(0, 200))
                self._inner.create_later(*arguments, delay)
                raise TrackerError("timed out; it lands later")
            if name in MUTATING and self._fate.strikes():
                raise TrackerError("refused with 503", had_no_effect=True)
            result = method(*arguments, **named)
            if name in MUTATING and self._fate.strikes():
                raise TrackerError("timed out after it was done")
            if self._fate.strikes(0.3):
                raise KilledError(f"after {name}")
            return result

        return call


class FickleStore(MemoryStore):
    """Objects shared with another store, in which writes are killed before or after."""

    def __init__(self, shared: MemoryStore, fate: Fate) -> None:
        self.objects = shared.objects
        self._fate = fate

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        if self._fate.strikes(0.5):
            raise KilledError("before a claim")
        if self._fate.strikes():
            self._fate.interlude()
        etag = super().write(key, data, if_absent=if_absent, if_match=if_match)
        if self._fate.strikes(0.5):
            raise KilledError("after a claim")
        return etag
