"""Hardware events from kernel logs: journald (JSON or export), dmesg and syslog files, plain or gzip'd.

Only lines of the kernel and of programs that speak of hardware count. What can't be read is counted and
sampled. A line belongs to the day of its time, whatever folder it lies in; it is known from when it happened,
or, from a later day's folder, from that day's end.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from pipelines.sources.hw_events import NOT_HARDWARE, EventCollector, nothing_of, raw_events
from pipelines.sources.late_lines import LateLines, add_late_lines, folders_with_late_lines
from pipelines.sources.log_events import (
    FileEvents,
    Format,
    LogVersion,
    distinct_inputs,
    read_log,
    summarise_log,
)
from pipelines.sources.log_files import Findings, Layout, day_of_folder, existing_folder, find_log_files
from pipelines.sources.source import InputFile, RawTable, SourceOptions

log = logging.getLogger(__name__)

# Reading leaves the interpreter's lock for most of its time.
_N_THREADS = 2
OTHER_DAY = "events of another UTC day than the folder says; prefail ingest --changed re-opens that day"
FAR_DAY = "events of a UTC day too far from the folder's; no day counts them"
COPIED_DAY = "events of another UTC day in a copy of a ring buffer; that day has its own copy"
SAME_BYTES = "a file with the same bytes as another"


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

    late_days: int = Field(
        default=3,
        ge=0,
        le=31,
        description="day_folders: lines of a day are also looked for in the folders of so many days after it, "
        "and in the one before it (a clock that is ahead). 0: only in its own.",
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone of the IANA data base")
        return name


@dataclass(frozen=True, kw_only=True)
class _Day:
    """What the files of one day hold: its own (of all their days), and what other days' folders add."""

    collector: EventCollector
    findings: Findings
    own: tuple[FileEvents, ...]
    late: LateLines
    inputs: tuple[InputFile, ...]
    n_files: int


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have a folder (day_folders) or at least one line with a time, ascending."""
    root = existing_folder(base_folder / options.path)
    if options.layout == "day_folders":
        days = (day_of_folder(folder.name) for folder in root.iterdir() if folder.is_dir())
        return sorted(day for day in days if day is not None)
    return sorted({day for each in _logs_of(root, options, None) for day in summarise_log(each).digests})


def list_inputs(options: Options, day: dt.date, base_folder: Path) -> tuple[InputFile, ...]:
    """Return what ``day`` is made of: of a file that holds several days, that day's events only."""
    root = existing_folder(base_folder / options.path)
    if options.layout == "host_folders":
        found = [summarise_log(each).input_of(day) for each in _logs_of(root, options, None)]
        return distinct_inputs(found)
    if not _late_logs(day, root, options):
        own = [summarise_log(each).input_file for each in _logs_of(root, options, day)]
        return distinct_inputs(own)
    return _gather(day, root, options).inputs


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_hw_events of ``day``. A damaged file gives what can be read of it."""
    root = existing_folder(base_folder / options.path)
    found = _gather(day, root, options)
    if not found.n_files:
        raise nothing_of(day, str(root), "kernel log")
    other_days = _other_days(day, found.own, options) if options.layout == "day_folders" else Findings()
    left_out = {**found.findings.as_mapping(), **other_days.as_mapping()}
    raw = raw_events(found.collector, day, "kernel_log", found.inputs, left_out, events=found.late.events)
    _report(raw, day, found)
    yield raw


def _gather(day: dt.date, root: Path, options: Options) -> _Day:
    is_by_day = options.layout == "day_folders"
    logs = _logs_of(root, options, day if is_by_day else None)
    findings = Findings()
    if not is_by_day:
        # A file without a single time has no day, so every day tells of it.
        for each in logs:
            if not summarise_log(each).digests:
                findings.merge(summarise_log(each).findings, each.file.name)
        logs = [each for each in logs if day in summarise_log(each).digests]
    late_logs = _late_logs(day, root, options) if is_by_day else []
    if not logs and not any(folder_day > day for folder_day, _ in late_logs):
        late_logs = []
    with ThreadPoolExecutor(max_workers=_N_THREADS) as pool:
        own = list(pool.map(read_log, logs))
        late = [(folder_day, list(pool.map(read_log, of_folder))) for folder_day, of_folder in late_logs]
    collector, first_of = EventCollector(), dict[str, LogVersion]()
    counted: list[tuple[LogVersion, FileEvents]] = []
    for each, read in zip(logs, own, strict=True):
        if read.input_file is not None:
            first = first_of.setdefault(read.input_file.sha256, each)
            if first is not each:
                findings.add(SAME_BYTES, f"{each.file.name} = {first.file.name}")
                continue
        counted.append((each, read))
        collector.merge(read.collector)
        findings.merge(read.findings, each.file.name)
    added = add_late_lines(collector.events_of(day), day, late)
    inputs = [read.input_file if is_by_day else summarise_log(each).input_of(day) for each, read in counted]
    return _Day(
        collector=collector,
        findings=findings,
        own=tuple(read for _, read in counted),
        late=added,
        inputs=distinct_inputs((*inputs, *added.inputs)),
        n_files=len(own) + sum(len(of_folder) for _, of_folder in late),
    )


def _logs_of(root: Path, options: Options, folder_day: dt.date | None) -> list[LogVersion]:
    """Return the files of a day's folder, of the whole source where ``folder_day`` is None, as they are now."""
    return [
        LogVersion(
            file=file,
            version=file.version(),
            format=options.format,
            names_hosts=options.host_from == "line",
            time_zone=options.time_zone,
            folder_day=folder_day,
        )
        for file in find_log_files(root / folder_day.isoformat() if folder_day else root)
    ]


def _late_logs(day: dt.date, root: Path, options: Options) -> list[tuple[dt.date, list[LogVersion]]]:
    """Return the files of other days' folders that hold events of ``day``, by folder."""
    found = []
    for folder_day in folders_with_late_lines(day, options.late_days):
        logs = _logs_of(root, options, folder_day)
        if holding := [each for each in logs if summarise_log(each).adds_to(day)]:
            found.append((folder_day, holding))
    return found


def _other_days(day: dt.date, files: Sequence[FileEvents], options: Options) -> Findings:
    """Count what a day's folder holds of other days, and say what becomes of it."""
    days: dict[str, set[dt.date]] = {}
    counts = Counter[str]()
    for read in files:
        for other in sorted(read.collector.days - {day}):
            is_found = day in folders_with_late_lines(other, options.late_days)
            reason = COPIED_DAY if read.is_ring_buffer else OTHER_DAY if is_found else FAR_DAY
            days.setdefault(reason, set()).add(other)
            counts[reason] += read.collector.n_events_of(other)
    findings = Findings()
    for reason, n_events in counts.items():
        findings.add(reason, "of " + ", ".join(each.isoformat() for each in sorted(days[reason])), n_events)
    return findings


def _report(raw: RawTable, day: dt.date, found: _Day) -> None:
    n_known = raw.table.num_rows - raw.table["signature"].null_count
    n_events = pc.sum(raw.table["n_events"].cast(pa.int64())).as_py() or 0
    log.info(
        f"read kernel logs of {day}: files={found.n_files} late_files={len(found.late.inputs)} "
        f"rows={raw.table.num_rows} events={n_events} of_known_signatures={n_known}"
    )
    unread = [left for left in raw.left_out if left.reason not in (NOT_HARDWARE, COPIED_DAY)]
    if unread:
        listed = "; ".join(f"{left.count} × {left.reason} ({left.example})" for left in unread)
        log.warning(f"lines of kernel logs of {day} without a row: {listed}")
