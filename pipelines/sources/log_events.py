"""What one log file holds: its hardware events of all days, whatever its format is."""

import datetime as dt
import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa

from features.signatures import Catalogue, load_catalogue
from pipelines.sources.hw_events import EventCollector
from pipelines.sources.journald import MessageTable, collect_entries
from pipelines.sources.journald_export import read_export_fields
from pipelines.sources.journald_json import read_json_fields
from pipelines.sources.log_files import Findings, LogFile, LogReader, first_bytes
from pipelines.sources.log_lines import TextLog
from pipelines.sources.log_shapes import (
    DMESG_CLOCKS,
    RING_BUFFER_CLOCKS,
    SYSLOG_CLOCKS,
    Clock,
    ShapeTable,
)
from pipelines.sources.log_times import LineTimes, split_boots
from pipelines.sources.raw_columns import end_of_day
from pipelines.sources.read_ahead import read_ahead
from pipelines.sources.source import InputFile

Format = Literal["auto", "journald_json", "journald_export", "dmesg", "syslog"]

# An entry of journald has some 25 fields and a message of up to 48 kB.
_MAX_JSON_LINE_BYTES = 128 << 10
_JOURNAL_MAGIC = b"LPKSHHRH"
_CLOCKS = {"dmesg": DMESG_CLOCKS, "syslog": SYSLOG_CLOCKS, "auto": frozenset(Clock)}
_EPOCH = dt.date(1970, 1, 1)
_NO_EVENTS = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, kw_only=True)
class LogVersion:
    """One file as it is now, and how it is to be read; ``folder_day`` is that of the folder it lies in."""

    file: LogFile
    version: tuple[int, int, int]
    format: Format
    names_hosts: bool
    time_zone: str
    folder_day: dt.date | None


@dataclass(frozen=True, kw_only=True)
class FileEvents:
    """What one file holds, of all its days. ``days`` are those of any line that has a time."""

    collector: EventCollector
    findings: Findings
    input_file: InputFile | None
    days: frozenset[dt.date]
    is_ring_buffer: bool


@dataclass(frozen=True, kw_only=True)
class FileSummary:
    """The same, small: a digest of the events of each of the file's days."""

    input_file: InputFile | None
    findings: Findings
    digests: Mapping[dt.date, str]
    is_ring_buffer: bool

    def input_of(self, day: dt.date) -> InputFile | None:
        """Return the file as an input of ``day``, with a digest of that day's events: other lines don't matter."""
        if self.input_file is None or day not in self.digests:
            return None
        whole = self.input_file
        return InputFile(name=whole.name, size_bytes=whole.size_bytes, sha256=self.digests[day])

    def adds_to(self, day: dt.date) -> bool:
        """Return whether the file holds events of ``day`` that its folder's day has no copy of."""
        return not self.is_ring_buffer and self.digests.get(day, _NO_EVENTS) != _NO_EVENTS


@functools.lru_cache(maxsize=65536)
def summarise_log(log: LogVersion) -> FileSummary:
    """Return what days the file holds. The version is part of the cache's key: every day looks at every file."""
    read = read_log(log)
    return FileSummary(
        input_file=read.input_file,
        findings=read.findings,
        digests={day: digest_events(read.collector.events_of(day)) for day in sorted(read.days)},
        is_ring_buffer=read.is_ring_buffer,
    )


def digest_events(events: pa.RecordBatch) -> str:
    """Return a digest of which events there are and how often, whatever their order."""
    counts = sorted(zip(events["event_id"].to_pylist(), events["n_events"].to_pylist(), strict=True))
    return hashlib.sha256("\n".join(f"{name} {n}" for name, n in counts).encode()).hexdigest()


def distinct_inputs(files: Iterable[InputFile | None]) -> tuple[InputFile, ...]:
    """Return the inputs, each once; one that has no event of its day only where there is no other."""
    by_digest = {file.sha256: file for file in files if file is not None}
    if len(by_digest) > 1:
        by_digest.pop(_NO_EVENTS, None)
    return tuple(by_digest.values())


@functools.lru_cache(maxsize=32)
def read_log(log: LogVersion) -> FileEvents:
    """Read the whole file. A damaged file gives what can be read of it."""
    collector, findings, day_numbers = EventCollector(), Findings(), set[int]()
    host_id = None if log.names_hosts else log.file.host_id
    kind = _format_of(log.file, log.format)
    is_json = kind == "journald_json"
    reader = LogReader(log.file, findings, _MAX_JSON_LINE_BYTES) if is_json else LogReader(log.file, findings)
    clocks = set[Clock]()
    if kind == "journal":
        findings.add("a binary journal; export it with journalctl -o json", log.file.name)
    elif kind in ("journald_json", "journald_export"):
        batches = (
            read_ahead(read_json_fields(reader.chunks(), findings))
            if is_json
            else read_export_fields(reader.blocks(), findings)
        )
        collect_entries(
            batches,
            host_id=host_id,
            table=_message_table(load_catalogue()),
            collector=collector,
            findings=findings,
            day_numbers=day_numbers,
        )
    else:
        text_log = TextLog(
            host_id=host_id,
            times=_times_of(log),
            table=_shape_table(kind, load_catalogue()),
            collector=collector,
            findings=findings,
            day_numbers=day_numbers,
            clocks=clocks,
        )
        text_log.read(reader.chunks())
    # Here, because several files are read at the same time.
    collector.group()
    return FileEvents(
        collector=collector,
        findings=findings,
        input_file=reader.input_file,
        days=frozenset(_EPOCH + dt.timedelta(days=number) for number in day_numbers),
        is_ring_buffer=bool(clocks & RING_BUFFER_CLOCKS),
    )


# Of a catalogue, not of the process: what was learned with one says nothing of another.
@functools.lru_cache(maxsize=8)
def _shape_table(kind: str, catalogue: Catalogue) -> ShapeTable:
    return ShapeTable(_CLOCKS[kind], catalogue)


@functools.lru_cache(maxsize=2)
def _message_table(catalogue: Catalogue) -> MessageTable:
    return MessageTable(catalogue)


def _format_of(file: LogFile, wanted: Format) -> str:
    start = first_bytes(file).lstrip()
    if start.startswith(_JOURNAL_MAGIC):
        return "journal"
    if wanted != "auto":
        return wanted
    if start.startswith(b"{"):
        return "journald_json"
    return "journald_export" if start.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")) else "auto"


def _times_of(log: LogVersion) -> LineTimes:
    """Return the reader of the file's times; a file is as old as its modification time says.

    In a folder of a day it is at most two days older than that: a copy that lost its time is as old as
    the end of the day.
    """
    written_by = dt.datetime.fromtimestamp(log.version[2] / 1e9, dt.UTC)
    if log.folder_day is not None:
        end = end_of_day(log.folder_day)
        if not end - dt.timedelta(days=1) <= written_by <= end + dt.timedelta(days=2):
            written_by = end
    has_uptimes = bool(split_boots([first_bytes(log.file, 64 << 10)]))
    boots = split_boots(LogReader(log.file, Findings()).chunks()) if has_uptimes else []
    return LineTimes(written_by, ZoneInfo(log.time_zone), boots)
