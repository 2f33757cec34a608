"""What inventory and predictions say of the fleet: firmware, batches, redundancy groups, how common a cause is."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.inventory import DATASET, find_inventory_days
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.tickets.entries import Entry, name_rack
from pipelines.tickets.policy_document import Storm
from pipelines.tickets.storms import Cause, FleetShares, find_frequent, list_causes

_INVENTORY_COLUMNS = (
    *("component_id", "component_kind", "host_id", "model"),
    *("firmware", "in_service_since", "redundancy_group"),
)
_MONTH = "%Y-%m"
_POPULATION_COLUMNS = ("component_id", "component_kind", "host_id", "model", "rack", "site")


@dataclass(frozen=True, kw_only=True)
class FleetFacts:
    """Of the parts and hosts asked for.

    ``firmware`` and ``batches`` (the month of going into service, ``2024-03``) per component id,
    ``redundancy_groups`` per host id.
    """

    firmware: dict[str, str] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    redundancy_groups: dict[str, str] = field(default_factory=dict)


def read_fleet_facts(
    lake: Lake, day: dt.date, settings: Settings, components: Collection[str], hosts: Collection[str]
) -> FleetFacts:
    """Read what the inventories that speak of ``day`` say; nothing of a part that they don't name.

    Of a source that is down, the last one of the week (``find_inventory_days``): a source that is away for a day
    does not make a fleet without redundancy groups.
    """
    firmware: dict[str, str] = {}
    batches: dict[str, str] = {}
    groups: dict[str, str] = {}
    for inventory in _read_inventories(lake, day, settings):
        wanted = pc.or_(
            pc.is_in(inventory["component_id"], pa.array(sorted(components), pa.string())),
            pc.is_in(inventory["host_id"], pa.array(sorted(hosts), pa.string())),
        )
        for row in inventory.filter(wanted).to_pylist():
            if row.get("firmware"):
                firmware.setdefault(row["component_id"], row["firmware"])
            if row.get("in_service_since"):
                batches.setdefault(row["component_id"], f"{row['in_service_since']:{_MONTH}}")
            if row.get("redundancy_group"):
                groups.setdefault(row["host_id"], row["redundancy_group"])
    return FleetFacts(firmware=firmware, batches=batches, redundancy_groups=groups)


def with_inventory(entries: Sequence[Entry], facts: FleetFacts) -> tuple[Entry, ...]:
    """Return the entries with the firmware and the batch that the inventory names."""
    return tuple(
        replace(
            entry,
            firmware=facts.firmware.get(entry.component_id),
            batch=facts.batches.get(entry.component_id),
        )
        for entry in entries
    )


def read_fleet_shares(
    lake: Lake, day: dt.date, settings: Settings, entries: Sequence[Entry], storm: Storm | None
) -> FleetShares:
    """Count how many scored components have each cause that entries share often; most days there is none."""
    causes = find_frequent(entries, storm)
    if not causes:
        return FleetShares()
    fleet = lake.read_day("out_predictions", day, columns=_POPULATION_COLUMNS)
    inventories = _read_inventories(lake, day, settings)
    n_of, n_among = {}, {}
    for cause in causes:
        kinds = {entry.component_kind for entry in entries if cause in list_causes(entry)}
        table = fleet
        if cause.kind in ("firmware", "batch"):
            table = pa.concat_tables(inventories, promote_options="default")
        if cause.is_of_model:
            table = table.filter(pc.is_in(table["component_kind"], pa.array(sorted(kinds), pa.string())))
        has_cause = _has_cause(table, cause, entries)
        n_of[cause] = _count_components(table.filter(has_cause))
        n_among[cause] = _count_components(table)
    return FleetShares(n_of=n_of, n_among=n_among)


def _has_cause(table: pa.Table, cause: Cause, entries: Sequence[Entry]) -> pa.ChunkedArray:
    one = next(entry for entry in entries if cause in list_causes(entry))
    match cause.kind:
        case "host":
            return pc.equal(table["host_id"], one.host_id)
        case "model":
            return pc.equal(table["model"], one.model)
        case "firmware":
            return pc.and_(pc.equal(table["model"], one.model), pc.equal(table["firmware"], one.firmware))
        case "batch":
            months = pc.strftime(table["in_service_since"], format=_MONTH)
            return pc.and_(pc.equal(table["model"], one.model), pc.equal(months, one.batch))
        case "rack":
            places = table.select(["site", "rack"]).to_pydict()
            names = [name_rack(*place) for place in zip(places["site"], places["rack"], strict=True)]
            return pc.equal(pa.chunked_array([pa.array(names, pa.string())]), cause.value)


def _count_components(table: pa.Table) -> int:
    # One row per target: a part that several models score is one part.
    return len(table["component_id"].unique())


def _read_inventories(lake: Lake, day: dt.date, settings: Settings) -> list[pa.Table]:
    return [
        lake.read_day(DATASET, at, columns=_INVENTORY_COLUMNS, part=name)
        for name, at in find_inventory_days(day, settings, lake)
    ]
