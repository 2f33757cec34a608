"""Hardware events from tables of decoded memory errors, one file a DIMM, one row an error (mcelog, SmartMem).

The files name the DIMM and not its host, so the host is ``unknown:<DIMM>`` until an inventory says better. An
error is known from when it was logged.
"""

import datetime as dt
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.feather as pa_feather
from pydantic import Field

from pipelines.errors import TransientError
from pipelines.sources.event_messages import EventMessage, collect_messages
from pipelines.sources.hw_events import EventCollector, nothing_of, raw_events
from pipelines.sources.log_files import Findings, LogFile, LogReader, existing_folder, find_log_files
from pipelines.sources.memory_places import BANKS_PER_GROUP, make_place
from pipelines.sources.source import InputFile, RawTable, SourceOptions

log = logging.getLogger(__name__)

NO_TABLE = "no table of memory errors"
BAD_TIME = "a row without a time"
_TIME = "LogTime"
_KIND = "error_type_full_name"
_NUMBERS = ("CpuId", "ChannelId", "DimmId", "RankId", "BankgroupId", "BankId", "RowId", "ColumnId")
_NEEDED = (_TIME, "RowId", "BankId", "ColumnId")
_FIRST_SECOND, _LAST_SECOND = 315_532_800, 7_258_118_400
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Options(SourceOptions):
    """Where the tables are."""

    path: str = Field(description="Folder of <DIMM>.feather or <DIMM>.csv; relative to the config file.")


@dataclass(frozen=True, kw_only=True)
class _TableFile:
    """One file: its table, None where it is none, and what of it gave no row."""

    table: pa.Table | None
    findings: Findings
    input_file: InputFile | None


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have an error, ascending."""
    days: set[dt.date] = set()
    for file in _tables(existing_folder(base_folder / options.path)):
        table = _read_version(file, file.version()).table
        if table is not None:
            days.update(_day_of(second) for second in table[_TIME].to_pylist() if second is not None)
    return sorted(days)


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_hw_events of ``day``; a damaged file costs only its own DIMM."""
    root = existing_folder(base_folder / options.path)
    files = _tables(root)
    if not files:
        raise nothing_of(day, str(root), "table of memory errors")
    collector, findings, inputs = EventCollector(), Findings(), list[InputFile]()
    for file in files:
        read = _read_version(file, file.version())
        findings.merge(read.findings, file.name)
        if read.table is not None:
            collect_messages(_messages_of(read.table, file.host_id, day), collector)
        inputs += [read.input_file] if read.input_file else []
    raw = raw_events(collector, day, "mcelog_rows", inputs, findings.as_mapping())
    log.info(f"read tables of memory errors of {day}: files={len(files)} rows={raw.table.num_rows}")
    if raw.left_out:
        listed = "; ".join(f"{left.count} × {left.reason} ({left.example})" for left in raw.left_out)
        log.warning(f"memory errors of {day} without an event: {listed}")
    yield raw


def _tables(root: Path) -> list[LogFile]:
    """Return the tables below the folder; ticket.csv of the SmartMem sample is about repairs, not errors."""
    found = [file for file in find_log_files(root) if file.path.suffix in (".feather", ".csv")]
    return [file for file in found if file.path.name != "ticket.csv"]


@functools.lru_cache(maxsize=256)
def _read_version(file: LogFile, version: tuple[int, int, int]) -> _TableFile:
    # The version is part of the cache's key: every day looks at every file.
    findings = Findings()
    table = _read_table(file, findings)
    reader = LogReader(file, Findings())
    for _ in reader.blocks():
        pass
    if file.version() != version:
        raise TransientError(
            f"{file.name} changed while it was read. Nothing of it was written. Re-run that day.",
            file=file.name,
        )
    return _TableFile(table=table, findings=findings, input_file=reader.input_file)


def _read_table(file: LogFile, findings: Findings) -> pa.Table | None:
    """Return the columns that we know, ``LogTime`` and numbers as int64; None where the file is no such table."""
    try:
        read = pa_feather.read_table if file.path.suffix == ".feather" else pa_csv.read_csv
        table = read(file.path)
        missing = [name for name in _NEEDED if name not in table.column_names]
        if missing:
            findings.add(NO_TABLE, f"without {', '.join(missing)}")
            return None
        columns = {
            name: table[name].cast(pa.int64()) for name in (_TIME, *_NUMBERS) if name in table.column_names
        }
        if _KIND in table.column_names:
            columns[_KIND] = table[_KIND].cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as damaged:
        findings.add(NO_TABLE, str(damaged))
        return None
    seconds = [
        second if second is not None and _FIRST_SECOND <= second < _LAST_SECOND else None
        for second in columns[_TIME].to_pylist()
    ]
    columns[_TIME] = pa.array(seconds, pa.int64())
    findings.add(BAD_TIME, "LogTime is null, before 1980 or beyond 2200", seconds.count(None))
    return pa.table(columns)


def _messages_of(table: pa.Table, dimm: str, day: dt.date) -> list[EventMessage]:
    start = int((dt.datetime.combine(day, dt.time(), dt.UTC) - _EPOCH).total_seconds())
    seconds = table[_TIME].fill_null(-1).to_numpy()
    chosen = table.filter(pa.array((seconds >= start) & (seconds < start + 86_400)))
    messages = []
    for row in chosen.to_pylist():
        bank, group = row["BankId"], row.get("BankgroupId")
        messages.append(
            EventMessage(
                host_id=f"unknown:{dimm}",
                second=float(row[_TIME]),
                text=f"DRAM {row.get(_KIND) or 'CE'}",
                component_hint=dimm,
                place=make_place(
                    socket=row.get("CpuId"),
                    channel=row.get("ChannelId"),
                    dimm=row.get("DimmId"),
                    rank=row.get("RankId"),
                    bank=bank + BANKS_PER_GROUP * group if bank is not None and group is not None else bank,
                    row=row["RowId"],
                    column=row["ColumnId"],
                ),
            )
        )
    return messages


def _day_of(second: int) -> dt.date:
    return (_EPOCH + dt.timedelta(seconds=second)).date()
