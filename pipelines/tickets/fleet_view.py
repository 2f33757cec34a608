"""What the lake knows about parts with tickets: failures, whereabouts, silence, and earlier lists."""

import datetime as dt
from collections.abc import Collection, Sequence
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import Lake
from pipelines.tickets.absence import find_absent_since, was_long_absent
from pipelines.tickets.departures import FleetDay, Slot
from pipelines.tickets.entries import Entry
from pipelines.tickets.policy import Policy
from pipelines.tickets.ticket_key import TicketKey
from pipelines.tickets.tracker import OUR_OUTCOMES, Ticket

LIST_DATASET = "out_at_risk_hosts"
_PREDICTION_COLUMNS = ("component_id", "component_kind", "host_id", "slot", "target", "risk")


def read_fleet_day(
    lake: Lake,
    day: dt.date,
    *,
    environment: str,
    entries: Sequence[Entry],
    tickets: Sequence[Ticket],
    policy: Policy,
) -> FleetDay:
    """Read what decides about ``entries`` and ``tickets`` on ``day``; only parts that they name.

    Needs out_predictions of ``day``. Failures are read for ``close_after_days`` up to ``day``: a part
    that failed earlier has been silent that long. Earlier lists and predictions are read only where a
    ticket's part is unlisted, silent or just resolved. Tickets about causes have no part.
    """
    open_tickets = [ticket for ticket in tickets if ticket.is_open and not ticket.record.is_storm]
    components = {entry.component_id for entry in entries}
    components |= {ticket.record.component_id for ticket in open_tickets}
    rows = _select_predictions(lake, day, components, {ticket.record.host_id for ticket in open_tickets})
    hosts_of: dict[str, frozenset[str]] = {}
    for row in rows:
        component_id = str(row["component_id"])
        hosts_of[component_id] = hosts_of.get(component_id, frozenset()) | {str(row["host_id"])}

    @cache
    def read_listed(past: dt.date) -> frozenset[str] | None:
        return _read_listed_keys(lake, past, environment)

    listed = {entry.key.digest for entry in entries}
    return FleetDay(
        failed_on=_read_failures(lake, components, policy.close_after_days, day),
        hosts_of=hosts_of,
        abstained=frozenset(
            (str(row["component_id"]), str(row["target"])) for row in rows if row["risk"] is None
        ),
        occupants={
            Slot(
                host_id=str(row["host_id"]), slot=str(row["slot"]), component_kind=str(row["component_kind"])
            ): str(row["component_id"])
            for row in rows
            if row["slot"] is not None
        },
        silent_since=find_absent_since(
            {ticket.record.component_id for ticket in open_tickets} - hosts_of.keys(),
            day,
            policy.close_after_days,
            lambda past: _read_components(lake, "out_predictions", past),
        ),
        off_list_since=find_absent_since(
            {ticket.key for ticket in open_tickets} - listed, day, policy.close_after_days, read_listed
        ),
        returned=frozenset(
            ticket.key
            for ticket in tickets
            if ticket.key in listed
            and _may_wake(ticket, policy, day)
            and ticket.closed_day is not None
            and was_long_absent(ticket.key, ticket.closed_day, day, policy.close_after_days, read_listed)
        ),
    )


def _may_wake(ticket: Ticket, policy: Policy, day: dt.date) -> bool:
    """Return whether it matters that the part had left the list; later the key starts afresh anyway."""
    return (
        ticket.closed_day is not None
        and ticket.outcome not in OUR_OUTCOMES
        and 0 < (day - ticket.closed_day).days <= policy.reopen_within_days
    )


def _select_predictions(
    lake: Lake, day: dt.date, components: Collection[str], hosts: Collection[str]
) -> list[dict[str, object]]:
    predictions = lake.read_day("out_predictions", day, columns=_PREDICTION_COLUMNS)
    wanted = pc.or_(
        pc.is_in(predictions["component_id"], pa.array(sorted(components), pa.string())),
        pc.is_in(predictions["host_id"], pa.array(sorted(hosts), pa.string())),
    )
    rows: list[dict[str, object]] = predictions.filter(wanted).to_pylist()
    return rows


def _read_failures(
    lake: Lake, components: Collection[str], span_days: int, day: dt.date
) -> dict[str, dt.date]:
    failed_on: dict[str, dt.date] = {}
    for days_ago in range(span_days, -1, -1):
        past = day - dt.timedelta(days=days_ago)
        failed = _read_components(lake, "core_failures", past) or frozenset()
        failed_on.update((component, past) for component in failed.intersection(components))
    return failed_on


def _read_components(lake: Lake, dataset: str, day: dt.date) -> frozenset[str] | None:
    if not lake.has_day(dataset, day):
        return None
    return frozenset(lake.read_day(dataset, day, columns=["component_id"])["component_id"].to_pylist())


def _read_listed_keys(lake: Lake, day: dt.date, environment: str) -> frozenset[str] | None:
    if not lake.has_day(LIST_DATASET, day):
        return None
    rows = lake.read_day(LIST_DATASET, day, columns=["host_id", "component_id", "target"]).to_pylist()
    return frozenset(TicketKey(environment=environment, **row).digest for row in rows)
