"""Make the days of a component kind from raw_ rows, as the kind's declaration says."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import HINTS, ComponentKind, KindSignal
from features.event_components import NamedParts, name_parts
from features.shards import component_keys
from features.unheard import NOTHING_UNHEARD, UnheardSignals, without_the_unjudged

UNKNOWN_MODEL = "unknown"
_SEPARATOR = "\x1f"


@dataclass(frozen=True, kw_only=True)
class ComponentDays:
    """``table``: the kind's core_ dataset, one row per component, sorted by component_key.

    ``n_glitches``: values that can't be true. ``n_unplaced``: rows about the kind that name no place, and so no
    component. ``n_unknown``: components that the inventory does not know.
    """

    table: pa.Table
    n_glitches: int
    n_unplaced: int = 0
    n_unknown: int = 0


def make_component_days(
    kind: ComponentKind,
    raw: Mapping[str, pa.Table],
    inventory: pa.Table | None = None,
    earlier: Mapping[tuple[str, str], pa.Table] | None = None,
    unheard: UnheardSignals = NOTHING_UNHEARD,
) -> ComponentDays:
    """Return a day of a kind from the day's raw_ tables, by dataset; one that is absent gives nulls.

    One row per host that any row speaks of; of parts, one per part that any of the signals' rows names, and
    per part of the ``inventory`` (raw_inventory, one row per component_id) on such a host: silence of a host
    that was heard is good news of its parts, silence of the host is none. Rows that name no part count for
    the host alone. known_at is that of the latest row about the component or its host.

    ``earlier`` has, by dataset and column, the values of the days before (``host_id``, ``value``); without it,
    nothing can be called new. Of ``unheard`` signals nothing said is null, not 0; a part of which nothing else
    is known is left out.
    """
    is_part = kind.identity == "component_id"
    parts = _parts_of(kind, inventory) if is_part else None
    named: dict[str, pa.Table] = {}
    n_unplaced = n_unknown = 0
    for dataset, table in raw.items():
        if is_part:
            named[dataset], found = _name_rows(kind, table, parts)
            n_unplaced, n_unknown = n_unplaced + found.n_unplaced, n_unknown + found.n_unknown
        else:
            named[dataset] = table.append_column("id", table["host_id"])
    chosen = [_choose(signal, named, earlier or {}) for signal in kind.signals]
    heard = _hosts_of(raw)
    components = [rows.select(["id", "host_id", "known_at"]) for rows in chosen if rows is not None]
    if not is_part:
        components.append(heard.append_column("id", heard["host_id"]).select(_NOBODY.column_names))
    elif parts is not None:
        components.append(_quiet_parts(parts, heard))
    grouped = pa.concat_tables([_NOBODY, *components], promote_options="default")
    grouped = grouped.group_by("id", use_threads=False).aggregate([("host_id", "min"), ("known_at", "max")])
    ids = grouped["id"].combine_chunks()
    keys = component_keys(ids)
    described = parts if is_part else inventory
    hosts = pc.coalesce(_look_up(ids, described, "host_id"), grouped["host_id_min"].combine_chunks())
    known_at = grouped["known_at_max"].combine_chunks()
    of_host = _look_up(hosts, heard, "known_at", key="host_id")
    known_at = pc.max_element_wise(known_at.cast(pa.int64()), of_host.cast(pa.int64())).cast(known_at.type)
    columns: dict[str, pa.Array] = {
        "component_key": pa.array(keys, pa.uint64()),
        "component_id": ids,
        "model": pc.fill_null(_look_up(ids, described, "model"), UNKNOWN_MODEL),
        "host_id": hosts,
        "capacity_bytes": pa.nulls(len(ids), pa.int64()),
    }
    n_glitches = 0
    for signal, rows in zip(kind.signals, chosen, strict=True):
        is_delivered = None
        if rows is not None and signal.absent == 0:
            spoken_of = raw[signal.source.dataset]["host_id"].combine_chunks()
            is_delivered = pc.is_in(hosts if is_part else ids, value_set=spoken_of)
            is_delivered = pc.and_not(is_delivered, unheard.is_unheard(signal.name, hosts))
        columns[signal.name], n = _signal_column(signal, rows, ids, is_delivered)
        n_glitches += n
    columns["known_at"] = known_at
    order = pa.array(np.argsort(keys, kind="stable"))
    table = pa.table(columns).take(order)
    return ComponentDays(
        table=without_the_unjudged(kind, table, unheard) if is_part else table,
        n_glitches=n_glitches,
        n_unplaced=n_unplaced,
        n_unknown=n_unknown,
    )


_NOBODY = pa.table(
    {
        "id": pa.array([], pa.string()),
        "host_id": pa.array([], pa.string()),
        "known_at": pa.array([], pa.timestamp("us", tz="UTC")),
    }
)


def _parts_of(kind: ComponentKind, inventory: pa.Table | None) -> pa.Table | None:
    return None if inventory is None else inventory.filter(pc.equal(inventory["component_kind"], kind.kind))


def _name_rows(kind: ComponentKind, table: pa.Table, parts: pa.Table | None) -> tuple[pa.Table, NamedParts]:
    """Return the rows that are about a part of the kind, with the part's name in a column ``id``."""
    table = table.filter(pc.equal(table["component_kind"], kind.kind))
    hint = next(name for name in HINTS if name in table.column_names)
    found = name_parts(table, parts, hint=hint, labels=kind.label_forms, place_columns=kind.place_columns)
    return table.append_column("id", found.ids).filter(pc.is_valid(found.ids)), found


def _hosts_of(raw: Mapping[str, pa.Table]) -> pa.Table:
    """Return the hosts that any row speaks of, and the last ``known_at`` of each."""
    rows = [_NOBODY.select(["host_id", "known_at"])]
    rows += [table.select(["host_id", "known_at"]) for table in raw.values()]
    grouped = pa.concat_tables(rows, promote_options="default").group_by("host_id", use_threads=False)
    return grouped.aggregate([("known_at", "max")]).rename_columns(["host_id", "known_at"])


def _quiet_parts(parts: pa.Table, heard: pa.Table) -> pa.Table:
    """Return the inventory's parts of hosts that were heard, whatever was said of them."""
    there = parts.filter(pc.is_in(parts["host_id"], value_set=heard["host_id"].combine_chunks()))
    return pa.table(
        {
            "id": there["component_id"],
            "host_id": there["host_id"],
            "known_at": _look_up(there["host_id"].combine_chunks(), heard, "known_at", key="host_id"),
        }
    )


def _choose(
    signal: KindSignal, named: Mapping[str, pa.Table], earlier: Mapping[tuple[str, str], pa.Table]
) -> pa.Table | None:
    """Return the signal's rows: id, host_id, value, known_at; None where nothing can be said of anybody."""
    source = signal.source
    table = named.get(source.dataset)
    if table is None:
        return None
    for column, values in source.where.items():
        table = table.filter(pc.is_in(table[column], value_set=pa.array(values, pa.string())))
    value = table[source.column]
    rows = pa.table(
        {
            "id": table["id"],
            "host_id": table["host_id"],
            # What is counted stays as it is: a float holds no template's number exactly.
            "value": value if source.across == "count_distinct" else value.cast(pa.float64()),
            "known_at": table["known_at"],
        }
    )
    if source.new_to is None:
        return rows
    seen = earlier.get((source.dataset, source.column))
    return None if seen is None else _mark_new(rows, seen, by_host=source.new_to == "host")


def _mark_new(rows: pa.Table, seen: pa.Table, *, by_host: bool) -> pa.Table:
    """Return one row per component and value, 1 where it is new; null on a host that nobody heard before."""
    distinct = rows.group_by(["id", "value"], use_threads=False).aggregate(
        [("host_id", "min"), ("known_at", "max")]
    )
    hosts, values = distinct["host_id_min"], distinct["value"]
    if by_host:
        is_seen = pc.is_in(_pairs(hosts, values), value_set=_pairs(seen["host_id"], seen["value"]))
        is_known_host = pc.is_in(hosts, value_set=pc.unique(seen["host_id"]))
        is_new = pc.if_else(is_known_host, pc.invert(is_seen), pa.scalar(None, pa.bool_()))
    else:
        is_new = pc.invert(pc.is_in(values, value_set=pc.unique(seen["value"])))
    return pa.table(
        {
            "id": distinct["id"],
            "host_id": hosts,
            "value": is_new.cast(pa.float64()),
            "known_at": distinct["known_at_max"],
        }
    )


def _pairs(hosts: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Array:
    joined = pc.binary_join_element_wise(hosts, values.cast(pa.string()), _SEPARATOR)
    return joined.combine_chunks()


def _signal_column(
    signal: KindSignal, rows: pa.Table | None, ids: pa.Array, is_delivered: pa.Array | None
) -> tuple[pa.Array, int]:
    """Return the signal of each component, and how many were reported but are not believable.

    Components that are ``is_delivered`` have 0 where they have no row.
    """
    type_ = pa.int64() if signal.kind == "counter" else pa.float32()
    if rows is None:
        return pa.nulls(len(ids), type_), 0
    across = "sum" if signal.source.new_to else signal.source.across
    grouped = rows.group_by("id", use_threads=False).aggregate([("value", across)])
    at = pc.index_in(ids, value_set=grouped["id"].combine_chunks())
    values = grouped[f"value_{across}"].combine_chunks().cast(pa.float64()).take(at)
    if across == "count_distinct":
        # There are rows, and none of them says it: that is not none of them.
        values = pc.if_else(pc.equal(values, 0.0), pa.scalar(None, pa.float64()), values)
    if is_delivered is not None:
        values = pc.if_else(pc.and_(pc.is_null(at), is_delivered), 0.0, values)
    believable = pc.and_(pc.is_finite(values), pc.less_equal(values, float(signal.upper_bound)))
    if signal.kind == "counter":
        believable = pc.and_(believable, pc.greater_equal(values, 0.0))
    kept = pc.if_else(believable, values, pa.scalar(None, pa.float64()))
    n_glitches = kept.null_count - values.null_count
    return (pc.round(kept) if signal.kind == "counter" else kept).cast(type_), n_glitches


def _look_up(ids: pa.Array, table: pa.Table | None, column: str, *, key: str = "component_id") -> pa.Array:
    """Return ``column`` of the row of ``table`` that each id names; null where there is none."""
    if table is None or table.num_rows == 0:
        kind = pa.string() if table is None else table.schema.field(column).type
        return pa.nulls(len(ids), kind)
    at = pc.index_in(ids, value_set=table[key].combine_chunks())
    return table[column].combine_chunks().take(at)
