"""Storms: when many parts are listed for one cause, a ticket about the cause takes the place of theirs."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pipelines.tickets.entries import Entry
from pipelines.tickets.policy_document import CauseKind, Storm
from pipelines.tickets.record import STORM_TARGET, TicketRecord
from pipelines.tickets.ticket_key import TicketKey
from pipelines.tickets.tracker import OUR_OUTCOMES, Outcome, Ticket

# The narrowest first: what is wrong with a host is wrong with its rack, too.
_KINDS: tuple[CauseKind, ...] = ("host", "rack", "firmware", "batch", "model")
_KEY_PREFIX = "storm:"


@dataclass(frozen=True, kw_only=True, order=True)
class Cause:
    """What many listed parts may have in common. ``value`` is unique among all causes of its kind."""

    position: int
    value: str

    @property
    def kind(self) -> CauseKind:
        """What is shared: the host, the rack, the firmware or the batch of a model, or the model."""
        return _KINDS[self.position]

    @property
    def is_of_model(self) -> bool:
        """Whether it is a hardware model, or firmware or a batch of one: shared by parts of one kind."""
        return self.kind in ("firmware", "batch", "model")

    @property
    def text(self) -> str:
        """The cause in words."""
        return f"{self.kind} {self.value}"

    def key(self, environment: str) -> TicketKey:
        """Return the key of the ticket about this cause; no part's ticket can have it."""
        return TicketKey(
            environment=environment,
            host_id=f"{_KEY_PREFIX}{self.kind}",
            component_id=self.value,
            target=STORM_TARGET,
        )


@dataclass(frozen=True, kw_only=True)
class FleetShares:
    """How many components of the fleet have a cause in common, ``n_of``, and of how many, ``n_among``.

    A host and a rack are a share of the whole fleet; a model, its firmware and its batch are one of their
    component kind.
    """

    n_of: Mapping[Cause, int] = field(default_factory=dict)
    n_among: Mapping[Cause, int] = field(default_factory=dict)


def list_causes(entry: Entry) -> tuple[Cause, ...]:
    """Return what an entry may share with others, the narrowest first; what is not known is no cause."""
    firmware = None if entry.firmware is None else f"{entry.firmware} of {entry.model}"
    host = None if entry.host_id.startswith("unknown:") else entry.host_id
    batch = None if entry.batch is None else f"{entry.batch} of {entry.model}"
    values = (host, entry.place, firmware, batch, entry.model)
    return tuple(
        Cause(position=position, value=value) for position, value in enumerate(values) if value is not None
    )


def find_cause(record: TicketRecord) -> Cause:
    """Return the cause that a storm's ticket is about."""
    kinds: Sequence[str] = _KINDS
    return Cause(position=kinds.index(record.host_id.removeprefix(_KEY_PREFIX)), value=record.component_id)


def find_frequent(entries: Iterable[Entry], storm: Storm | None) -> tuple[Cause, ...]:
    """Return the causes that enough entries of the list share to make a storm, if nothing else is known."""
    if storm is None:
        return ()
    counts: dict[Cause, int] = {}
    for entry in entries:
        for cause in list_causes(entry):
            counts[cause] = counts.get(cause, 0) + 1
    least = storm.new_tickets
    return tuple(sorted(cause for cause, n in counts.items() if n >= least.get(cause.kind, n + 1)))


def find_suspects(entries: Sequence[Entry], shares: FleetShares, storm: Storm | None) -> tuple[Cause, ...]:
    """Return the frequent causes that are much more common on the list than in the fleet.

    In a fleet of one model every storm has that model in common; it explains nothing. The whole list
    counts, tickets or none, so that the answer is the same however far a run came.
    """
    if storm is None:
        return ()
    suspects = []
    for cause in find_frequent(entries, storm):
        of_kind = {entry.component_kind for entry in entries if cause in list_causes(entry)}
        among = [entry for entry in entries if not cause.is_of_model or entry.component_kind in of_kind]
        n_listed = sum(cause in list_causes(entry) for entry in among)
        n_of, n_among = shares.n_of.get(cause, n_listed), shares.n_among.get(cause, len(among))
        # n_listed / len(among) ≥ over_representation · n_of / n_among, without a division by nothing.
        if n_listed * n_among >= storm.over_representation * n_of * len(among):
            suspects.append(cause)
    return tuple(suspects)


class Verdict(StrEnum):
    """What an earlier ticket about a cause means for its members today."""

    OPEN = "open"
    REOPEN = "reopen"
    SINGLY = "singly"
    SETTLING = "settling"


def judge_previous(previous: Ticket | None, storm: Storm, day: dt.date, reopen_within_days: int) -> Verdict:
    """Return whether a cause's ticket is opened (again), its members come singly, or wait for a fix to show.

    ``declined`` and ``no_fault_found`` say that there is no common cause. Any other word of a technician
    says that it was dealt with: windows look back, so its parts rest for ``settle_days``.
    """
    if previous is None or previous.closed_day is None:
        return Verdict.OPEN
    n_days = (day - previous.closed_day).days
    if n_days > reopen_within_days:
        return Verdict.OPEN
    if previous.outcome in OUR_OUTCOMES:
        return Verdict.REOPEN
    if previous.outcome in (Outcome.DECLINED, Outcome.NO_FAULT_FOUND):
        return Verdict.SINGLY
    if previous.record.list_day > previous.closed_day:
        # Only re-opening rewrites a closed ticket; that run was killed before it opened it.
        return Verdict.REOPEN
    return Verdict.SETTLING if n_days <= storm.settle_days else Verdict.REOPEN
