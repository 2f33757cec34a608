"""Inventory from an export of a CMDB, CSV or JSON: which part sat in which host on a day, by valid_from and valid_to.

A row counts on a day if it is valid at the day's end and was known by then. A part takes rack, site,
role and redundancy group from its host's own row where its row does not say them.
"""

import datetime as dt
import functools
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipelines.errors import MissingInputError
from pipelines.sources.export_file import BadRow, ExportOptions, FileVersion, find_version, read_version
from pipelines.sources.inventory_rows import FIELDS, InventoryRow, parse_inventory
from pipelines.sources.raw_columns import end_of_day, raw_schema
from pipelines.sources.source import InputFile, LeftOut, LeftOutCounter, RawTable, list_in_words

log = logging.getLogger(__name__)

_FROM_HOST = ("rack", "site", "role", "redundancy_group")
_NO_HOST = "names no host; it is kept under unknown:<component_id>"
_UNKNOWN_HOST = "its host has no row of its own on that day; the part is kept"
_SUPERSEDED = "a later row says where the part is"
_NOT_KNOWN = "not known yet on that day"


class Options(ExportOptions):
    """Which file, and what it calls its columns."""

    fields = FIELDS


def list_days(options: Options, base_folder: Path) -> list[dt.date]:  # noqa: ARG001, every kind has it
    """Return no day: an inventory is valid on whatever days other sources have."""
    return []


def list_inputs(options: Options, day: dt.date, base_folder: Path) -> tuple[InputFile, ...]:
    """Return what ``day`` is made of: only the rows that count on it, so that a change re-opens its own days."""
    counted = _rows_of(day, _read_file(base_folder / options.path, options))
    return (_input_of(base_folder / options.path, counted),) if counted else ()


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_inventory of ``day``: one row per part, by name."""
    path = base_folder / options.path
    parsed = _read_file(path, options)
    bad = [row for row in parsed if isinstance(row, BadRow)]
    rows = _rows_of(day, parsed)
    if not rows:
        raise MissingInputError(
            f"{path} has no row that is valid and known on {day}. Nothing was written. "
            "Export the inventory with its history, or choose another day.",
            day=day.isoformat(),
            path=str(path),
        )
    left_out = _count(bad, rows, parsed, day)
    if left_out:
        log.warning(f"inventory of {day}, rows to look at: {list_in_words(left_out)}")
    hosts = {row.component_id: row for row in rows if row.component_kind == "host"}
    table = pa.Table.from_pylist([_record(row, hosts, day) for row in rows], raw_schema("raw_inventory"))
    yield RawTable(dataset="raw_inventory", table=table, inputs=(_input_of(path, rows),), left_out=left_out)


def _read_file(path: Path, options: Options) -> tuple[InventoryRow | BadRow, ...]:
    return _read_version(path, find_version(path), tuple(sorted(options.columns.items())))


@functools.lru_cache(maxsize=4)
def _read_version(
    path: Path, version: FileVersion, columns: tuple[tuple[str, str], ...]
) -> tuple[InventoryRow | BadRow, ...]:
    # The version is part of the cache's key: every day looks into the same file.
    return tuple(parse_inventory(read_version(path, version), path.name, dict(columns)))


def _rows_of(day: dt.date, parsed: Sequence[InventoryRow | BadRow]) -> list[InventoryRow]:
    """Return the rows that count: of several that are valid for one part, those with the latest valid_from.

    Two that begin alike contradict each other, and the contract sets them aside.
    """
    end = end_of_day(day)
    by_part: dict[str, list[InventoryRow]] = {}
    for row in sorted(_valid(parsed, end), key=lambda row: row.sort_key):
        if row.known_at is None or row.known_at <= end:
            by_part.setdefault(row.component_id, []).append(row)
    return [row for rows in by_part.values() for row in rows if row.valid_from == rows[-1].valid_from]


def _valid(parsed: Sequence[InventoryRow | BadRow], moment: dt.datetime) -> list[InventoryRow]:
    return [row for row in parsed if isinstance(row, InventoryRow) and row.is_valid_at(moment)]


def _count(
    bad: Sequence[BadRow],
    rows: Sequence[InventoryRow],
    parsed: Sequence[InventoryRow | BadRow],
    day: dt.date,
) -> tuple[LeftOut, ...]:
    left_out = LeftOutCounter()
    for broken in bad:
        left_out.add(broken.reason, broken.example)
    end = end_of_day(day)
    counted = {id(row) for row in rows}
    for row in _valid(parsed, end):
        if row.known_at is not None and row.known_at > end:
            left_out.add(_NOT_KNOWN, row.component_id)
        elif id(row) not in counted:
            left_out.add(_SUPERSEDED, row.component_id)
    hosts = {row.component_id for row in rows if row.component_kind == "host"}
    for row in rows:
        host = row.texts.get("host_id")
        if host is None and row.component_kind != "host":
            left_out.add(_NO_HOST, row.component_id)
        elif hosts and host is not None and host not in hosts and row.component_kind != "host":
            left_out.add(_UNKNOWN_HOST, f"{row.component_id} in {host}")
    return left_out.entries()


def _record(row: InventoryRow, hosts: Mapping[str, InventoryRow], day: dt.date) -> dict[str, object]:
    host_id = row.texts.get("host_id") or (
        row.component_id if row.component_kind == "host" else f"unknown:{row.component_id}"
    )
    host = hosts.get(host_id)
    inherited = {} if host is None else {name: host.texts.get(name) for name in _FROM_HOST}
    return {
        **inherited,
        **row.texts,
        "component_id": row.component_id,
        "component_kind": row.component_kind or None,
        "host_id": host_id,
        "in_service_since": row.in_service_since,
        "slot_confidence": row.slot_confidence,
        "source": "inventory_file",
        "known_at": row.known_at or end_of_day(day),
    }


def _input_of(path: Path, rows: Sequence[InventoryRow]) -> InputFile:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(
            repr(
                (sorted(row.texts.items()), row.known_at, row.in_service_since, row.slot_confidence)
            ).encode()
        )
    # Of the rows that count, not of the file: most of its changes are about other days.
    return InputFile(name=path.name, size_bytes=len(rows), sha256=digest.hexdigest())
