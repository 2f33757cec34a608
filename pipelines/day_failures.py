"""Decide which components failed on a day: what drive sources say, and what repair records say, each once.

A failure that another source told in the week before is the same one: the drive's last report and the
repair that follows it are two tales of one event.
"""

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.component_kinds import find_component_kind
from features.event_components import name_parts
from features.kind_days import UNKNOWN_MODEL
from features.shards import component_keys
from pipelines.inventory import read_inventory
from pipelines.lake import Lake
from pipelines.raw_parts import first_row_of_each, read_raw_parts
from pipelines.settings import Settings

DATASET = "core_failures"
SAME_FAILURE_DAYS = 7

_DESCRIBING = ("component_id", "model", "host_id")
_NOBODY = pa.table({name: pa.array([], pa.string()) for name in (*_DESCRIBING, "slot")})


def find_failures(
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    inventory: pa.Table | None,
    drives: pa.Table | None = None,
    drive_days: pa.Table | None = None,
) -> pa.Table:
    """Return core_failures of ``day``: one row per component that failed.

    ``inventory`` is the day's raw_inventory; ``drives`` has the drives of which a source says so, in the
    dataset's columns; ``drive_days`` is the day's core_drive_days, not written yet. The days before are read
    as they are: build a span oldest day first.
    """
    records = read_raw_parts("raw_failures", day, settings, lake)
    told = [_NO_FAILURE] if drives is None else [_NO_FAILURE, drives]
    if records is not None and records.num_rows:
        records, _ = first_row_of_each(load_contract("raw_failures").grain, records)
        before = read_inventory(day - dt.timedelta(days=1), settings, lake)
        inventories = [each for each in (before, inventory) if each is not None]
        told += [
            _describe_records(
                kind,
                records.filter(pc.equal(records["component_kind"], kind)),
                _known_parts(kind, day, inventories, drive_days if kind == "drive" else None, lake),
            )
            for kind in sorted(pc.unique(records["component_kind"]).to_pylist())
        ]
    failures, _ = first_row_of_each(
        ["component_kind", "component_id"], pa.concat_tables(told, promote_options="default")
    )
    if failures.num_rows == 0 or len(settings.sources) == 1:
        return failures
    return _without_known(failures, day, lake)


def describe_drives(raw: pa.Table, drive_days: pa.Table) -> pa.Table:
    """Return one row per drive whose source says that it failed, in the columns of core_failures."""
    failed = raw.filter(raw["is_failed"]).select(["serial_number", "source", "known_at"])
    where = pc.index_in(failed["serial_number"], value_set=drive_days["component_id"].combine_chunks())
    found = pc.is_valid(where)
    failed, where = failed.filter(found), where.filter(found)
    known = drive_days.select(list(_DESCRIBING)).take(where)
    confirmed = pa.array([True] * failed.num_rows, pa.bool_())
    return _failure_rows("drive", known, failed["source"], confirmed, failed["known_at"])


def _failure_rows(
    kind: str, known: pa.Table, sources: pa.ChunkedArray, confirmed: pa.Array, known_at: pa.ChunkedArray
) -> pa.Table:
    n = known.num_rows
    return pa.table(
        {
            "component_id": known["component_id"],
            "component_key": pa.array(component_keys(known["component_id"]), pa.uint64()),
            "component_kind": pa.array([kind] * n, pa.string()),
            "model": known["model"],
            "host_id": known["host_id"],
            "failure_source": sources,
            "is_confirmed": confirmed,
            "known_at": known_at,
        },
        schema=_SCHEMA,
    )


_SCHEMA = pa.schema([field.with_nullable(True) for field in schema_of(load_contract(DATASET))])
_NO_FAILURE = _SCHEMA.empty_table()


def _describe_records(kind: str, records: pa.Table, parts: pa.Table) -> pa.Table:
    """Lay each record to a component: by name, or by slot or label on the host it was taken from."""
    declared = find_component_kind(kind)
    forms = () if declared is None else declared.label_forms
    named = name_parts(records, parts, hint="component_id", labels=forms).ids
    # What nobody knows keeps the name that the record gives it: a drive's serial number has no host.
    at = pc.index_in(named, value_set=parts["component_id"].combine_chunks())
    known = pa.table(
        {
            "component_id": pc.if_else(pc.is_valid(at), named, records["component_id"].combine_chunks()),
            "model": pc.fill_null(parts["model"].combine_chunks().take(at), UNKNOWN_MODEL),
            "host_id": pc.coalesce(
                parts["host_id"].combine_chunks().take(at), records["host_id"].combine_chunks()
            ),
        }
    )
    return _failure_rows(
        kind, known, records["source"], records["is_confirmed"].combine_chunks(), records["known_at"]
    )


def _known_parts(
    kind: str, day: dt.date, inventories: Sequence[pa.Table], unwritten: pa.Table | None, lake: Lake
) -> pa.Table:
    """Return the parts of a kind as of the day before: component_id, model, host_id, slot, each once.

    ``inventories``: the day before's, then the day's. Only the first of them says places: by the evening of the
    day that of a failed part may hold another.
    """
    tables = [_NOBODY]
    for number, inventory in enumerate(inventories):
        of_kind = inventory.filter(pc.equal(inventory["component_kind"], kind)).select(_NOBODY.column_names)
        tables.append(_without_slots(of_kind) if number else of_kind)
    if unwritten is not None:
        tables.append(_without_slots(unwritten))
    dataset = f"core_{kind}_days"
    for back in range(SAME_FAILURE_DAYS + 1):
        at = day - dt.timedelta(days=back)
        if lake.has_day(dataset, at):
            tables.append(_without_slots(lake.read_day(dataset, at, columns=_DESCRIBING)))
    return first_row_of_each(["component_id"], pa.concat_tables(tables, promote_options="default"))[0]


def _without_slots(parts: pa.Table) -> pa.Table:
    slots = pa.nulls(parts.num_rows, pa.string())
    return parts.select(list(_DESCRIBING)).append_column("slot", slots)


def _without_known(failures: pa.Table, day: dt.date, lake: Lake) -> pa.Table:
    """Leave out what another source called failed in the week before."""
    told = set()
    for back in range(1, SAME_FAILURE_DAYS + 1):
        at = day - dt.timedelta(days=back)
        if lake.has_day(DATASET, at):
            columns = ("component_kind", "component_id", "failure_source")
            told |= {tuple(row.values()) for row in lake.read_day(DATASET, at, columns=columns).to_pylist()}
    sources = {(kind, name): source for kind, name, source in sorted(told)}
    is_new = [
        sources.get((row["component_kind"], row["component_id"]), row["failure_source"])
        == row["failure_source"]
        for row in failures.select(["component_kind", "component_id", "failure_source"]).to_pylist()
    ]
    return failures.filter(pa.array(is_new, pa.bool_()))
