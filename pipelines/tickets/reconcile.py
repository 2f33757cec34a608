"""What must change so that the tickets match the day's list: a pure function, no tracker, no clock."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.tickets.departures import FleetDay, find_departure
from pipelines.tickets.entries import Entry, name_rack
from pipelines.tickets.holds import OWN_RULES, ROOM_RULES, find_hold
from pipelines.tickets.maintenance import fit_to_window
from pipelines.tickets.plan import Change, Close, Create, Hold, NotOpened, Plan
from pipelines.tickets.plan_notes import PlanNotes
from pipelines.tickets.policy import Candidate, Policy
from pipelines.tickets.spare_parts import describe_spare
from pipelines.tickets.standing import Standing
from pipelines.tickets.storm_plan import StormDay, plan_storms
from pipelines.tickets.storms import Cause, find_cause, find_suspects, list_causes
from pipelines.tickets.ticket_changes import Writing, follow_ticket, keep_ticket, open_ticket
from pipelines.tickets.tracker import Ticket
from pipelines.tickets.visits import order_by_visit


@dataclass(frozen=True, kw_only=True)
class _Known:
    """The tickets of the day: open ones by key, each key's last closed one, those opened for the day."""

    open: Mapping[str, Ticket]
    closed: Mapping[str, Ticket]
    opened_today: Sequence[Ticket]


def plan_changes(
    entries: Sequence[Entry],
    tickets: Iterable[Ticket],
    fleet: FleetDay,
    policy: Policy,
    *,
    day: dt.date,
    list_manifest: str | None,
    notes: PlanNotes | None = None,
) -> Plan:
    """Plan one day: every entry gets, keeps or waits for a ticket; every open ticket stays or is closed.

    ``entries`` are the list of ``day``, each key once. ``tickets`` must hold every open ticket of the
    environment, every ticket of the entries' keys and of the keys of causes that they share often, and every
    ticket opened for ``day``. ``list_manifest`` names the published edition, null if there is none.

    The same input in any order gives the same plan, and a plan made after it was carried out holds no work.
    """
    ranked = sorted(entries, key=lambda entry: (entry.rank, entry.component_id))
    ranked = [fit_to_window(entry, policy.document.maintenance, day) for entry in ranked]
    known = _sort_tickets(tickets, day)
    writing = Writing(policy=policy, day=day, list_manifest=list_manifest, notes=notes or PlanNotes())

    changes, departed = _plan_open_tickets(ranked, known, fleet, policy, day)
    not_opened: list[NotOpened] = []
    standing = Standing.of_tickets(
        [ticket for key, ticket in known.open.items() if key not in departed],
        known.opened_today,
        fleet.redundancy_groups,
    )
    candidates = []
    for entry in ranked:
        key = entry.key.digest
        if key in departed or _is_gone(entry, fleet, day):
            reason = "the part failed or left this host"
            not_opened.append(NotOpened(entry=entry, hold=Hold.GONE, reason=reason))
        elif key in known.open:
            spare = describe_spare(entry.model, policy.document.spares, standing)
            changes.append(follow_ticket(entry, known.open[key], writing, spare))
        else:
            candidates.append(
                Candidate(
                    entry=entry,
                    policy=policy,
                    day=day,
                    previous=known.closed.get(key),
                    has_returned=key in fleet.returned,
                    standing=standing,
                    gone=fleet.gone_tickets.get(key),
                    first_day=fleet.first_day,
                )
            )

    eligible = _hold_back(candidates, not_opened)
    storms = _view_storms(ranked, known, fleet, writing)
    storm_plan = plan_storms(eligible, storms, policy, day)
    changes += storm_plan.changes
    not_opened += storm_plan.not_opened

    singles = {candidate.entry.key: candidate for candidate in storm_plan.singles}
    visited = {
        name_rack(ticket.record.site, ticket.record.rack)
        for key, ticket in known.open.items()
        if key not in departed
    }
    visit = policy.document.rack_visit
    for entry in order_by_visit(
        [candidate.entry for candidate in storm_plan.singles],
        {rack for rack in visited if rack is not None},
        None if visit is None else visit.at_least_risk_share,
    ):
        candidate = singles[entry.key]
        if held := find_hold(candidate, ROOM_RULES):
            not_opened.append(NotOpened(entry=entry, hold=held[0], reason=held[1]))
            continue
        standing.hold(entry.host_id, entry.model)
        spare = describe_spare(entry.model, policy.document.spares, standing)
        change = open_ticket(candidate, writing, spare)
        changes.append(change)
        if isinstance(change, Create):
            standing.count_new(entry.site)
    return Plan(changes=tuple(changes), not_opened=tuple(not_opened))


def _sort_tickets(tickets: Iterable[Ticket], day: dt.date) -> _Known:
    known = {ticket.ticket_id: ticket for ticket in tickets}
    closed: dict[str, Ticket] = {}
    for ticket in known.values():
        # Trackers list the oldest first, so a tie goes to the newer.
        former = closed.get(ticket.key)
        if not ticket.is_open and (former is None or ticket.record.opened_day >= former.record.opened_day):
            closed[ticket.key] = ticket
    return _Known(
        open={ticket.key: ticket for ticket in known.values() if ticket.is_open},
        closed=closed,
        opened_today=[ticket for ticket in known.values() if ticket.record.opened_day == day],
    )


def _plan_open_tickets(
    entries: Sequence[Entry], known: _Known, fleet: FleetDay, policy: Policy, day: dt.date
) -> tuple[list[Change], set[str]]:
    """Plan the open tickets of parts that end or are not listed; return the keys of those that end, too."""
    listed = {entry.key.digest for entry in entries}
    changes: list[Change] = []
    departed: set[str] = set()
    for key, ticket in known.open.items():
        if ticket.record.is_storm:
            continue
        departure: Close | None = find_departure(
            ticket, fleet, day=day, is_listed=key in listed, close_after_days=policy.close_after_days
        )
        if departure is not None:
            departed.add(key)
            changes.append(departure)
        elif key not in listed:
            since = fleet.off_list_since.get(key)
            reason = "not listed today" if since is None else f"off the list since {since}"
            changes.append(keep_ticket(ticket, reason))
    return changes, departed


def _hold_back(candidates: Sequence[Candidate], not_opened: list[NotOpened]) -> list[Candidate]:
    """Return the candidates that nothing of their own speaks against; say of the others why."""
    eligible = []
    for candidate in candidates:
        if held := find_hold(candidate, OWN_RULES):
            not_opened.append(NotOpened(entry=candidate.entry, hold=held[0], reason=held[1]))
        else:
            eligible.append(candidate)
    return eligible


def _view_storms(entries: Sequence[Entry], known: _Known, fleet: FleetDay, writing: Writing) -> StormDay:
    siblings: dict[Cause, list[str]] = {}
    for entry in entries:
        if ticket := known.open.get(entry.key.digest):
            for cause in list_causes(entry):
                siblings.setdefault(cause, []).append(ticket.ticket_id)
    reopen_days = writing.policy.reopen_within_days
    return StormDay(
        suspects=find_suspects(entries, fleet.shares, writing.policy.document.storm),
        tickets={
            find_cause(ticket.record): ticket
            for ticket in (*known.closed.values(), *known.open.values())
            if ticket.record.is_storm
        },
        siblings=siblings,
        deleted=frozenset(
            key for key, gone in fleet.gone_tickets.items() if writing.day < gone.declined_until(reopen_days)
        ),
        list_manifest=writing.list_manifest,
        notes=writing.notes,
    )


def _is_gone(entry: Entry, fleet: FleetDay, day: dt.date) -> bool:
    """Return whether the list's own day, or a later one, already knows that the part failed."""
    failed_on = fleet.failed_on.get(entry.component_id)
    return failed_on is not None and failed_on >= day
