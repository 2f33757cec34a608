"""Hardware events from kernel logs: journald (JSON or export), dmesg and syslog files, plain or gzip'd.

Only lines of the kernel and of programs that speak of hardware count. What can't be read is counted and
sampled. An event is known from when it happened: a log shipper is late by minutes, not by days.
"""

import datetime as dt
import functools
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from features.signatures import load_catalogue
from pipelines.sources.hw_events import NOT_HARDWARE, EventCollector, nothing_of, raw_events
from pipelines.sources.journald import collect_entries, read_export_entries, read_json_entries
from pipelines.sources.log_files import (
    Findings,
    Layout,
    LogFile,
    LogReader,
    day_of_folder,
    existing_folder,
    find_log_files,
    first_bytes,
)
from pipelines.sources.log_lines import TextLog
from pipelines.sources.log_shapes import DMESG_CLOCKS, SYSLOG_CLOCKS, Clock, ShapeTable
from pipelines.sources.log_times import LineTimes, split_boots
from pipelines.sources.raw_columns import end_of_day
from pipelines.sources.source import InputFile, RawTable, SourceOptions

log = logging.getLogger(__name__)

Format = Literal["auto", "journald_json", "journald_export", "dmesg", "syslog"]

# An entry of journald has some 25 fields and a message of up to 48 kB.
_MAX_JSON_LINE_BYTES = 128 << 10
# Masking leaves the interpreter's lock for half of its time.
_N_THREADS = 2
_JOURNAL_MAGIC = b"LPKSHHRH"
_CLOCKS = {"dmesg": DMESG_CLOCKS, "syslog": SYSLOG_CLOCKS, "auto": frozenset(Clock)}
OTHER_DAY = "events of another UTC day than the folder says"


class Options(SourceOptions):
    """Where the logs are, what their folders mean, and what the lines leave out."""

    path: str = Field(description="Folder of the logs; relative to the config file.")
    layout: Layout = Field(
        default="day_folders",
        description="day_folders: <path>/<YYYY-MM-DD, UTC>/<host>*; host_folders: <path>/<host>*, the day by "
        "each line's time. A host is a file, or a folder of files.",
    )
    format: Format = Field(default="auto", description="auto looks at how each file begins.")
    host_from: Literal["file", "line"] = Field(
        default="file", description="line: files of a log server, each line names its host."
    )
    time_zone: str = Field(
        default="UTC", description="Of times that name none: plain syslog and dmesg -T. An IANA name."
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone of the IANA data base")
        return name


@dataclass(frozen=True, kw_only=True)
class _FileEvents:
    """What one file holds, of all its days."""

    collector: EventCollector
    findings: Findings
    input_file: InputFile | None
    days: frozenset[dt.date]


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have a folder (day_folders) or at least one line with a time, ascending."""
    root = existing_folder(base_folder / options.path)
    if options.layout == "day_folders":
        days = (day_of_folder(folder.name) for folder in root.iterdir() if folder.is_dir())
        return sorted(day for day in days if day is not None)
    return sorted(
        {day for file in find_log_files(root) for day in _days_of(file, file.version(), options, None)}
    )


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_hw_events of ``day``. A damaged file gives what can be read of it."""
    root = existing_folder(base_folder / options.path)
    is_by_day = options.layout == "day_folders"
    folder_day = day if is_by_day else None
    files = find_log_files(root / day.isoformat() if is_by_day else root)
    if not is_by_day:
        files = [file for file in files if day in _days_of(file, file.version(), options, None)]
    if not files:
        raise nothing_of(day, str(root), "kernel log")
    collector, findings, inputs = EventCollector(), Findings(), dict[str, InputFile]()
    with ThreadPoolExecutor(max_workers=_N_THREADS) as pool:
        results = list(pool.map(lambda each: _read_version(each, each.version(), options, folder_day), files))
    for file, read in zip(files, results, strict=True):
        if read.input_file is not None:
            if read.input_file.sha256 in inputs:
                first = inputs[read.input_file.sha256].name
                findings.add("a file with the same bytes as another", f"{file.name} = {first}")
                continue
            inputs[read.input_file.sha256] = read.input_file
        collector.merge(read.collector)
        findings.merge(read.findings, file.name)
    raw = raw_events(collector, day, "kernel_log", list(inputs.values()), findings.as_mapping())
    if is_by_day:
        raw = _with_other_days(raw, collector, day)
    _report(raw, day, len(files))
    yield raw


def _with_other_days(raw: RawTable, collector: EventCollector, day: dt.date) -> RawTable:
    """Count what a day's folder holds of other days: a ring buffer goes back to the boot."""
    others = sorted(other for other in collector.days if other != day)
    if not others:
        return raw
    findings = Findings()
    for other in others:
        findings.add(OTHER_DAY, f"of {other}", collector.n_events_of(other))
    left = raw_events(EventCollector(), day, "", (), findings.as_mapping()).left_out
    return RawTable(dataset=raw.dataset, table=raw.table, inputs=raw.inputs, left_out=(*raw.left_out, *left))


def _report(raw: RawTable, day: dt.date, n_files: int) -> None:
    n_known = raw.table.num_rows - raw.table["signature"].null_count
    n_lines = pc.sum(raw.table["n_events"].cast(pa.int64())).as_py() or 0
    log.info(
        f"read kernel logs of {day}: files={n_files} rows={raw.table.num_rows} events={n_lines} "
        f"of_known_signatures={n_known}"
    )
    unread = [left for left in raw.left_out if left.reason not in (NOT_HARDWARE, OTHER_DAY)]
    if unread:
        listed = "; ".join(f"{left.count} × {left.reason} ({left.example})" for left in unread)
        log.warning(f"lines of kernel logs of {day} without a row: {listed}")


@functools.lru_cache(maxsize=65536)
def _days_of(
    file: LogFile, version: tuple[int, int, int], options: Options, folder_day: dt.date | None
) -> frozenset[dt.date]:
    # The version is part of the cache's key: with host_folders every day looks at every file.
    return _read_version(file, version, options, folder_day).days


@functools.lru_cache(maxsize=32)
def _read_version(
    file: LogFile, version: tuple[int, int, int], options: Options, folder_day: dt.date | None
) -> _FileEvents:
    collector, findings, day_numbers = EventCollector(), Findings(), set[int]()
    host_id = file.host_id if options.host_from == "file" else None
    kind = _format_of(file, options.format)
    reader = (
        LogReader(file, findings, _MAX_JSON_LINE_BYTES)
        if kind == "journald_json"
        else LogReader(file, findings)
    )
    if kind == "journal":
        findings.add("a binary journal; export it with journalctl -o json", file.name)
    elif kind in ("journald_json", "journald_export"):
        entries = (
            read_json_entries(reader.chunks(), findings)
            if kind == "journald_json"
            else read_export_entries(reader.blocks(), findings)
        )
        collect_entries(
            entries,
            host_id=host_id,
            catalogue=load_catalogue(),
            collector=collector,
            day_numbers=day_numbers,
        )
    else:
        text_log = TextLog(
            host_id=host_id,
            times=_times_of(file, version, options, folder_day),
            table=_shape_table(kind),
            collector=collector,
            findings=findings,
            day_numbers=day_numbers,
        )
        text_log.read(reader.chunks())
    return _FileEvents(
        collector=collector,
        findings=findings,
        input_file=reader.input_file,
        days=frozenset(dt.date(1970, 1, 1) + dt.timedelta(days=number) for number in day_numbers),
    )


@functools.cache
def _shape_table(kind: str) -> ShapeTable:
    return ShapeTable(_CLOCKS[kind], load_catalogue())


def _format_of(file: LogFile, wanted: Format) -> str:
    start = first_bytes(file).lstrip()
    if start.startswith(_JOURNAL_MAGIC):
        return "journal"
    if wanted != "auto":
        return wanted
    if start.startswith(b"{"):
        return "journald_json"
    return "journald_export" if start.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")) else "auto"


def _times_of(
    file: LogFile, version: tuple[int, int, int], options: Options, folder_day: dt.date | None
) -> LineTimes:
    """Return the reader of the file's times; a file is as old as its modification time says.

    In a folder of a day it is at most two days older than that: a copy that lost its time is as old as
    the end of the day.
    """
    written_by = dt.datetime.fromtimestamp(version[2] / 1e9, dt.UTC)
    if folder_day is not None:
        end = end_of_day(folder_day)
        if not end - dt.timedelta(days=1) <= written_by <= end + dt.timedelta(days=2):
            written_by = end
    has_uptimes = bool(split_boots([first_bytes(file, 64 << 10)]))
    boots = split_boots(LogReader(file, Findings()).chunks()) if has_uptimes else []
    return LineTimes(written_by, ZoneInfo(options.time_zone), boots)
