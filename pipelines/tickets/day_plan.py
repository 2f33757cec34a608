"""The plan of a day, made by looking only: the list, the lake, and a tracker of which nothing but reading is asked."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.published_list import MANIFEST_FILE, read_day_manifest
from pipelines.realised_rates import read_realised_rates
from pipelines.settings import Settings
from pipelines.tickets.claim import read_first_day
from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.fleet_facts import read_fleet_facts, read_fleet_shares, with_inventory
from pipelines.tickets.fleet_view import read_fleet_day
from pipelines.tickets.gone_tickets import read_gone_tickets
from pipelines.tickets.plan import Plan
from pipelines.tickets.plan_notes import PlanNotes, write_notes
from pipelines.tickets.policy import Policy
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.storms import find_frequent
from pipelines.tickets.tracker import Ticket, TicketReader


@dataclass(frozen=True, kw_only=True)
class DayView:
    """What a plan is made of: the list's entries in rank order, the tickets as they are, what the lake knows."""

    day: dt.date
    environment: str
    entries: tuple[Entry, ...]
    tickets: tuple[Ticket, ...]
    fleet: FleetDay
    list_manifest: str | None
    notes: PlanNotes


@dataclass(frozen=True, kw_only=True)
class DayPlan:
    """A plan, what was seen when it was made, and the policy that made it."""

    view: DayView
    policy: Policy
    plan: Plan


def view_day(
    day: dt.date,
    listed: Sequence[Entry],
    policy: Policy,
    settings: Settings,
    lake: Lake,
    tracker: TicketReader,
) -> DayView:
    """Look at all that ``policy`` needs to plan the tickets of ``day`` for the entries ``listed``; writes nothing.

    ``MissingInputError`` without predictions of the day.
    """
    environment = settings.environment
    open_tickets = tracker.list_open(environment)
    hosts = {entry.host_id for entry in listed}
    hosts |= {host for ticket in open_tickets if (host := ticket.record.busy_host) is not None}
    facts = read_fleet_facts(lake, day, settings, {entry.component_id for entry in listed}, hosts)
    entries = with_inventory(listed, facts)
    causes = find_frequent(entries, policy.document.storm)
    keys = {
        *(entry.key.digest for entry in entries),
        *(cause.key(environment).digest for cause in causes),
    }
    # A key whose ticket is open needs no search: its former tickets decide nothing.
    others = sorted(keys - {ticket.key for ticket in open_tickets})
    found = [*open_tickets, *tracker.list_opened_on(environment, day), *tracker.find(others)]
    tickets = tuple({ticket.ticket_id: ticket for ticket in found}.values())
    fleet = read_fleet_day(
        lake, day, environment=environment, entries=entries, tickets=tickets, policy=policy
    )
    fleet = replace(
        fleet,
        redundancy_groups=facts.redundancy_groups,
        shares=read_fleet_shares(lake, day, settings, entries, policy.document.storm),
        gone_tickets=read_gone_tickets(lake, environment, keys),
        first_day=read_first_day(lake, environment, day),
    )
    return DayView(
        day=day,
        environment=environment,
        entries=entries,
        tickets=tickets,
        fleet=fleet,
        list_manifest=_find_list_manifest(lake, day),
        notes=write_notes(day, settings, entries, read_realised_rates(lake, day)),
    )


def plan_view(view: DayView, policy: Policy) -> DayPlan:
    """Plan what was seen by a policy with the rules of the one that it was seen for."""
    plan = plan_changes(
        view.entries,
        view.tickets,
        view.fleet,
        policy,
        day=view.day,
        list_manifest=view.list_manifest,
        notes=view.notes,
    )
    return DayPlan(view=view, policy=policy, plan=plan)


def _find_list_manifest(lake: Lake, day: dt.date) -> str | None:
    """Return the key of the edition's manifest, which never changes; null for a list that was not published."""
    try:
        return read_day_manifest(day, lake).folder + MANIFEST_FILE
    except MissingInputError:
        return None
