"""Failures from an export of a repair or incident log, CSV or JSON: which part failed when, and who knew it since when.

A failure belongs to the UTC day on which the part failed, however late the record was written; a new
record re-opens the day that it is about, and no other.
"""

import datetime as dt
import functools
import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from pipelines.sources.export_file import (
    BadRow,
    ExportOptions,
    FileVersion,
    find_version,
    read_records,
    read_version,
)
from pipelines.sources.failure_rows import FIELDS, FailureRow, parse_failures
from pipelines.sources.raw_columns import end_of_day, raw_schema
from pipelines.sources.source import InputFile, LeftOut, LeftOutCounter, RawTable, list_in_words

log = logging.getLogger(__name__)

_NAMED_TWICE = "a part that another row says failed on the same day"
_WHOLE_FILE = "rows of the whole file, of no day: "


class Options(ExportOptions):
    """Which file, and what it calls its columns."""

    fields = FIELDS


def list_days(options: Options, base_folder: Path) -> list[dt.date]:  # noqa: ARG001, every kind has it
    """Return no day: failures are recorded of whatever days other sources have."""
    return []


def list_inputs(options: Options, day: dt.date, base_folder: Path) -> tuple[InputFile, ...]:
    """Return what ``day`` is made of: only the failures of that day, so that a record re-opens its own day."""
    path = base_folder / options.path
    rows, _ = _first_of_each(_rows_of(day, _read_file(path, options)))
    return (_input_of(path, rows),)


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_failures of ``day``, one row per part, by name; a day without failures has no rows.

    A failure whose record does not say since when it is known counts as known by the end of its day.
    """
    path = base_folder / options.path
    parsed = _read_file(path, options)
    rows, doubled = _first_of_each(_rows_of(day, parsed))
    left_out = _count([row for row in parsed if isinstance(row, BadRow)], doubled)
    if left_out:
        log.warning(f"failure records of {day}, rows left out: {list_in_words(left_out)}")
    table = pa.Table.from_pylist([_record(row, day) for row in rows], raw_schema("raw_failures"))
    yield RawTable(dataset="raw_failures", table=table, inputs=(_input_of(path, rows),), left_out=left_out)


def _read_file(path: Path, options: Options) -> tuple[FailureRow | BadRow, ...]:
    return _read_version(path, find_version(path), tuple(sorted(options.columns.items())))


@functools.lru_cache(maxsize=4)
def _read_version(
    path: Path, version: FileVersion, columns: tuple[tuple[str, str], ...]
) -> tuple[FailureRow | BadRow, ...]:
    # The version is part of the cache's key: every day looks into the same file.
    records = read_records(read_version(path, version), path.name, "failure records")
    return tuple(parse_failures(records, path.name, dict(columns)))


def _rows_of(day: dt.date, parsed: Sequence[FailureRow | BadRow]) -> list[FailureRow]:
    rows = [row for row in parsed if isinstance(row, FailureRow) and row.failed_at.date() == day]
    return sorted(rows, key=lambda row: row.sort_key)


def _first_of_each(rows: Sequence[FailureRow]) -> tuple[list[FailureRow], list[FailureRow]]:
    """Return the earliest row of each part, and the others."""
    first: dict[tuple[str, str], FailureRow] = {}
    for row in rows:
        first.setdefault((row.host_id, row.component_id), row)
    return list(first.values()), [row for row in rows if first[row.host_id, row.component_id] is not row]


def _count(bad: Sequence[BadRow], doubled: Sequence[FailureRow]) -> tuple[LeftOut, ...]:
    left_out = LeftOutCounter()
    for row in bad:
        left_out.add(_WHOLE_FILE + row.reason, row.example)
    for failure in doubled:
        left_out.add(_NAMED_TWICE, failure.component_id)
    return left_out.entries()


def _record(row: FailureRow, day: dt.date) -> dict[str, object]:
    return {
        "component_id": row.component_id,
        "component_kind": row.component_kind,
        "host_id": row.host_id,
        "failed_at": row.failed_at,
        "cause": row.cause,
        "is_confirmed": row.is_confirmed,
        "source": "failure_records",
        "known_at": row.known_at or end_of_day(day),
    }


def _input_of(path: Path, rows: Sequence[FailureRow]) -> InputFile:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(row).encode())
    # Of the day's rows, not of the file: most of its changes are about other days.
    return InputFile(name=path.name, size_bytes=len(rows), sha256=digest.hexdigest())
