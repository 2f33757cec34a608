"""Which tickets have lost their purpose: the part was replaced, fell silent, or left the list for good."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.tickets.gone_tickets import GoneTicket
from pipelines.tickets.plan import Close
from pipelines.tickets.record import TicketRecord
from pipelines.tickets.storms import FleetShares
from pipelines.tickets.tracker import Outcome, Ticket


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place that holds one part of a kind."""

    host_id: str
    slot: str
    component_kind: str


@dataclass(frozen=True, kw_only=True)
class FleetDay:
    """What is known on a day about the parts that have tickets or are listed.

    ``failed_on``: last day of failure per component id. ``hosts_of``: the hosts in which a component
    is in service (none: it has not reported for a week). ``abstained``: (component id, target) without
    a risk that day. ``occupants``: component id per slot. ``silent_since``: first day of the unbroken
    run of scored days without the component. ``off_list_since``: per key digest, first day of the
    unbroken run of lists without it. ``returned``: digests of listed keys that had left the list
    for good since their last ticket was closed. ``redundancy_groups``: group per host that is in one.
    ``gone_tickets``: tickets that people deleted, by key digest. ``first_day``: of the lists that the tickets
    followed, null where nobody knows.
    """

    failed_on: Mapping[str, dt.date] = field(default_factory=dict)
    hosts_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    abstained: frozenset[tuple[str, str]] = frozenset()
    occupants: Mapping[Slot, str] = field(default_factory=dict)
    silent_since: Mapping[str, dt.date] = field(default_factory=dict)
    off_list_since: Mapping[str, dt.date] = field(default_factory=dict)
    returned: frozenset[str] = frozenset()
    redundancy_groups: Mapping[str, str] = field(default_factory=dict)
    shares: FleetShares = field(default_factory=FleetShares)
    gone_tickets: Mapping[str, GoneTicket] = field(default_factory=dict)
    first_day: dt.date | None = None


def find_departure(
    ticket: Ticket, fleet: FleetDay, *, day: dt.date, is_listed: bool, close_after_days: int
) -> Close | None:
    """Return how an open ticket ends on ``day``, null if it stays.

    A component without a risk that day (abstained or silent) never counts as having left the list:
    nobody knows that it is well.
    """
    record = ticket.record
    if reason := _find_replacement(record, fleet):
        return _close(ticket, Outcome.REPLACED, reason)
    if record.component_id not in fleet.hosts_of:
        since = fleet.silent_since.get(record.component_id, day)
        if _days_since(since, day) >= close_after_days:
            return _close(ticket, Outcome.STOPPED_REPORTING, f"no report from the part since {since}")
        return None
    if is_listed or (record.component_id, record.target) in fleet.abstained:
        return None
    # A past list may have been published again without the part; what the ticket saw still counts.
    since = max(fleet.off_list_since.get(ticket.key, day), record.last_listed_day + dt.timedelta(days=1))
    if _days_since(since, day) >= close_after_days:
        return _close(ticket, Outcome.LEFT_LIST, f"not on any list since {since}")
    return None


def _find_replacement(record: TicketRecord, fleet: FleetDay) -> str | None:
    failed_on = fleet.failed_on.get(record.component_id)
    # Listed after it failed: another life of the part, repaired and back in service.
    if failed_on is not None and failed_on >= record.last_listed_day:
        return f"the part failed on {failed_on}"
    hosts = fleet.hosts_of.get(record.component_id)
    if hosts is not None:
        return None if record.host_id in hosts else f"the part is now in {min(hosts)}"
    if record.slot is None:
        return None
    slot = Slot(host_id=record.host_id, slot=record.slot, component_kind=record.component_kind)
    occupant = fleet.occupants.get(slot)
    return None if occupant is None else f"its slot now holds {occupant}"


def _days_since(first: dt.date, day: dt.date) -> int:
    """Return how many days the closed interval [first, day] has."""
    return (day - first).days + 1


def _close(ticket: Ticket, outcome: Outcome, reason: str) -> Close:
    return Close(ticket_id=ticket.ticket_id, key=ticket.key, outcome=outcome, reason=reason)
