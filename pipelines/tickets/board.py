"""The planning board of a day: open tickets by place and due day, spare parts, and what waits and why."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.words import name_kind
from pipelines.tickets.day_plan import DayPlan
from pipelines.tickets.entries import strip_height_unit
from pipelines.tickets.plan import Close, Create, Hold, Keep
from pipelines.tickets.policy_document import Spares
from pipelines.tickets.record import TicketRecord
from pipelines.tickets.storms import find_cause


@dataclass(frozen=True, kw_only=True)
class BoardTicket:
    """A ticket that is open after the plan. ``ticket_id`` is null as long as the tracker has not given one.

    ``part`` is the part, or the shared cause with its number of parts. ``risk`` is what the ticket says.
    """

    ticket_id: str | None
    part: str
    model: str | None
    host_id: str | None
    slot: str | None
    site: str | None
    rack: str | None
    risk: float
    due_day: dt.date
    is_new: bool
    is_overdue: bool
    waits_for_spare: bool


@dataclass(frozen=True, kw_only=True)
class BoardRack:
    """The tickets of one rack, the first due on top; null where the site or the rack is not known."""

    site: str | None
    rack: str | None
    tickets: tuple[BoardTicket, ...]


@dataclass(frozen=True, kw_only=True)
class DueDay:
    """How many tickets are due on a day, by site."""

    day: dt.date
    is_past: bool
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class SpareNeed:
    """Parts of a hardware model that open tickets may need. ``n_in_stock`` is null where nobody counts."""

    model: str
    n_needed: int
    n_in_stock: int | None

    @property
    def n_short(self) -> int:
        """Parts to order."""
        return 0 if self.n_in_stock is None else max(0, self.n_needed - self.n_in_stock)


@dataclass(frozen=True, kw_only=True)
class WaitingEntry:
    """An entry of the list that has no ticket, and why."""

    rank: int
    part: str
    model: str
    host_id: str
    site: str | None
    rack: str | None
    risk: float
    hold: Hold
    reason: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """All that is on the page; the same plan gives the same board, before and after it was carried out."""

    environment: str
    day: dt.date
    policy: str
    n_listed: int
    racks: tuple[BoardRack, ...]
    due_days: tuple[DueDay, ...]
    spares: tuple[SpareNeed, ...]
    waiting: tuple[WaitingEntry, ...]

    @property
    def tickets(self) -> tuple[BoardTicket, ...]:
        """Every open ticket, by place."""
        return tuple(ticket for rack in self.racks for ticket in rack.tickets)

    @property
    def hold_counts(self) -> tuple[tuple[Hold, int], ...]:
        """How many entries wait for what, the most common first."""
        return tuple(Counter(entry.hold for entry in self.waiting).most_common())


def make_board(planned: DayPlan, ticket_ids: Mapping[str, str]) -> Board:
    """Return the board of a plan. ``ticket_ids``: of tickets that were opened for it, by key digest."""
    open_records = _list_open_records(planned, ticket_ids)
    policy = planned.policy.document
    tickets = _show_tickets(open_records, planned.view.day, policy.spares)
    return Board(
        environment=planned.view.environment,
        day=planned.view.day,
        policy=policy.label,
        n_listed=len(planned.view.entries),
        racks=_group_by_rack(tickets),
        due_days=_count_by_due_day(tickets, planned.view.day),
        spares=_count_spares([record for record, _ in open_records], policy.spares),
        waiting=_list_waiting(planned),
    )


def _list_open_records(
    planned: DayPlan, ticket_ids: Mapping[str, str]
) -> list[tuple[TicketRecord, str | None]]:
    found: dict[str, tuple[TicketRecord, str | None]] = {
        ticket.key: (ticket.record, ticket.ticket_id) for ticket in planned.view.tickets if ticket.is_open
    }
    for change in planned.plan.changes:
        if isinstance(change, Close):
            found.pop(change.key, None)
        elif isinstance(change, Create):
            found[change.key] = (change.draft.record, ticket_ids.get(change.key))
        elif not isinstance(change, Keep):
            found[change.key] = (change.draft.record, change.ticket_id)
    # By due day, then risk: who is first in the queue for a spare part.
    return sorted(found.values(), key=lambda one: (one[0].due_day, -one[0].told_risk, one[0].key.digest))


def _show_tickets(
    records: Sequence[tuple[TicketRecord, str | None]], day: dt.date, spares: Spares | None
) -> list[BoardTicket]:
    left = Counter(spares.in_stock if spares is not None else {})
    shown = []
    for record, ticket_id in records:
        model = record.hardware_model
        is_counted = spares is not None and model in spares.in_stock
        waits = is_counted and left[model or ""] <= 0
        left[model or ""] -= 1
        part = f"{name_kind(record.component_kind)} {record.component_id}"
        if record.is_storm:
            part = f"shared cause: {find_cause(record).text} ({record.n_members} parts)"
        shown.append(
            BoardTicket(
                ticket_id=ticket_id,
                part=part,
                model=model,
                host_id=None if record.is_storm else record.host_id,
                slot=record.slot,
                site=record.site,
                rack=record.rack,
                risk=record.told_risk,
                due_day=record.due_day,
                is_new=record.opened_day == day,
                is_overdue=record.due_day < day,
                waits_for_spare=waits,
            )
        )
    return shown


def _group_by_rack(tickets: Sequence[BoardTicket]) -> tuple[BoardRack, ...]:
    racks: dict[tuple[str, str], list[BoardTicket]] = {}
    for ticket in tickets:
        racks.setdefault((ticket.site or "", strip_height_unit(ticket.rack) or ""), []).append(ticket)
    return tuple(
        BoardRack(site=site or None, rack=rack or None, tickets=tuple(racks[site, rack]))
        for site, rack in sorted(racks)
    )


def _count_by_due_day(tickets: Sequence[BoardTicket], day: dt.date) -> tuple[DueDay, ...]:
    days: dict[dt.date, Counter[str]] = {}
    for ticket in tickets:
        days.setdefault(ticket.due_day, Counter())[ticket.site or "site not known"] += 1
    return tuple(
        DueDay(day=due, is_past=due < day, counts=tuple(sorted(days[due].items()))) for due in sorted(days)
    )


def _count_spares(records: Sequence[TicketRecord], spares: Spares | None) -> tuple[SpareNeed, ...]:
    needed = Counter(record.hardware_model for record in records if record.hardware_model is not None)
    stock = {} if spares is None else spares.in_stock
    return tuple(
        SpareNeed(model=model, n_needed=n, n_in_stock=stock.get(model)) for model, n in sorted(needed.items())
    )


def _list_waiting(planned: DayPlan) -> tuple[WaitingEntry, ...]:
    held = sorted(planned.plan.not_opened, key=lambda one: (one.entry.rank, one.entry.component_id))
    return tuple(
        WaitingEntry(
            rank=one.entry.rank,
            part=f"{name_kind(one.entry.component_kind)} {one.entry.component_id}",
            model=one.entry.model,
            host_id=one.entry.host_id,
            site=one.entry.site,
            rack=one.entry.rack,
            risk=one.entry.risk,
            hold=one.hold,
            reason=planned.policy.document.shorten(one.reason),
        )
        for one in held
    )
