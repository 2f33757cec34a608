"""Hardware events from system event logs of management controllers: files of ``ipmitool sel``, or live.

Each delivery holds the whole log, so records are told apart by their number and time and count once. A
record is known from when it was written.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from pipelines.errors import PrefailError
from pipelines.sources.event_messages import EventMessage, collect_messages
from pipelines.sources.hw_events import EventCollector, nothing_of, raw_events
from pipelines.sources.ipmitool import Controller, fetch_sel
from pipelines.sources.log_files import (
    Findings,
    Layout,
    LogReader,
    day_of_folder,
    existing_folder,
    find_log_files,
)
from pipelines.sources.sel_text import DateOrder, SelRecord, read_sel
from pipelines.sources.source import InputFile, RawTable, SourceOptions

log = logging.getLogger(__name__)

NO_ANSWER = "a controller that gave no event log"
# 65,535 records of 300 bytes, the most that record numbers can count, in verbose form.
_MAX_LOG_BYTES = 64 << 20
TOO_LONG = f"lines beyond {_MAX_LOG_BYTES >> 20} MiB, more than a log can hold"


class Options(SourceOptions):
    """Either a folder of files, or controllers to ask."""

    path: str | None = Field(default=None, description="Folder of the logs; relative to the config file.")
    layout: Layout = Field(
        default="day_folders",
        description="day_folders: <path>/<YYYY-MM-DD, UTC>/<host>*; host_folders: <path>/<host>*.",
    )
    controllers: tuple[Controller, ...] = Field(default=(), description="Controllers to ask over lanplus.")
    time_zone: str = Field(default="UTC", description="Of files, as an IANA name; ipmitool -Z writes UTC.")
    date_order: DateOrder = Field(
        default="auto", description="mdy or dmy, where days above 12 do not tell it."
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone of the IANA data base")
        return name

    @model_validator(mode="after")
    def _has_one_origin(self) -> "Options":
        if (self.path is None) == (not self.controllers):
            raise ValueError("give either path or controllers")
        return self


@dataclass(frozen=True, kw_only=True)
class _HostLog:
    host_id: str
    records: tuple[SelRecord, ...]


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have a folder (day_folders) or a record, ascending."""
    if options.path is not None and options.layout == "day_folders":
        root = existing_folder(base_folder / options.path)
        days = (day_of_folder(folder.name) for folder in root.iterdir() if folder.is_dir())
        return sorted(day for day in days if day is not None)
    logs, _ = _read_logs(options, base_folder, None, Findings())
    return sorted({_day_of(record) for each in logs for record in each.records})


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_hw_events of ``day``. A controller that does not answer costs only its own host."""
    findings = Findings()
    logs, inputs = _read_logs(options, base_folder, day, findings)
    # A controller that was asked and has no record of the day had a quiet day; a folder without files is missing.
    if not logs:
        raise nothing_of(day, str(base_folder / (options.path or "")), "event log of a controller")
    collector = EventCollector()
    # The same log may have been delivered twice; a host writes a number once at a time.
    records = dict.fromkeys((each.host_id, record) for each in logs for record in each.records)
    collect_messages(
        [
            EventMessage(
                host_id=host_id,
                second=record.second,
                text=record.text,
                component_hint=record.component_hint,
            )
            for host_id, record in records
            if _day_of(record) == day
        ],
        collector,
    )
    raw = raw_events(collector, day, "ipmi_sel", inputs, findings.as_mapping())
    log.info(
        f"read event logs of {day}: hosts={len({each.host_id for each in logs})} rows={raw.table.num_rows}"
    )
    if raw.left_out:
        listed = "; ".join(f"{left.count} × {left.reason} ({left.example})" for left in raw.left_out)
        log.warning(f"records of event logs of {day} without a row: {listed}")
    yield raw


def _read_logs(
    options: Options, base_folder: Path, day: dt.date | None, findings: Findings
) -> tuple[list[_HostLog], list[InputFile]]:
    if options.path is None:
        return _ask_controllers(options, findings), []
    root = existing_folder(base_folder / options.path)
    if options.layout == "day_folders" and day is not None:
        root = root / day.isoformat()
    logs, inputs = [], []
    zone = ZoneInfo(options.time_zone)
    for file in find_log_files(root):
        reader, found = LogReader(file, findings), Findings()
        text = b"".join(_bounded(reader.chunks(), found)).decode("utf-8", "replace")
        records = read_sel(text, zone=zone, date_order=options.date_order, findings=found)
        findings.merge(found, file.name)
        logs.append(_HostLog(host_id=file.host_id, records=tuple(records)))
        inputs += [reader.input_file] if reader.input_file else []
    return logs, inputs


def _bounded(chunks: Iterator[bytes], findings: Findings) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size <= _MAX_LOG_BYTES:
            yield chunk
        else:
            findings.add(
                f"lines beyond {_MAX_LOG_BYTES >> 20} MiB, more than a log can hold",
                chunk,
                chunk.count(b"\n"),
            )


def _ask_controllers(options: Options, findings: Findings) -> list[_HostLog]:
    logs: list[_HostLog] = []
    errors: list[PrefailError] = []
    for controller in options.controllers:
        try:
            text = fetch_sel(controller)
        except PrefailError as error:
            errors.append(error)
            findings.add(NO_ANSWER, str(error))
            continue
        records = read_sel(text, zone=ZoneInfo("UTC"), date_order="mdy", findings=findings)
        logs.append(_HostLog(host_id=controller.host_id, records=tuple(records)))
    if errors and not logs:
        raise errors[0]
    return logs


def _day_of(record: SelRecord) -> dt.date:
    return dt.datetime.fromtimestamp(record.second, dt.UTC).date()
