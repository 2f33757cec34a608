"""Drive health from a folder of ``smartctl --json`` outputs, as a collector leaves them per host.

A reading is known from the moment it was taken. smartctl knows no failures, so is_failed is always
false: what a drive says of itself (smart_passed) is a warning, not an outcome.
"""

import datetime as dt
import functools
import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import Field

from pipelines.errors import MissingInputError, SourceError, TransientError
from pipelines.sources.archives import stat_key
from pipelines.sources.raw_columns import end_of_day, raw_schema
from pipelines.sources.smartctl_json import NoReading, Reading, parse_smartctl
from pipelines.sources.source import InputFile, LeftOut, LeftOutCounter, RawTable, SourceOptions

log = logging.getLogger(__name__)

# Real outputs have 2 to 40 kB; the longest log pages (--xall) reach 1 MB.
MAX_FILE_BYTES = 16 << 20


class Options(SourceOptions):
    """Where the outputs are, and what their folders mean."""

    path: str = Field(description="Folder of the outputs; relative to the config file.")
    layout: Literal["day_folders", "host_folders"] = Field(
        default="day_folders",
        description="day_folders: <path>/<YYYY-MM-DD, UTC>/<host>/*.json; host_folders: <path>/<host>/*.json, "
        "the day by each reading's local_time.",
    )
    identify_by: Literal["serial_number", "file_name"] = Field(
        default="serial_number",
        description="file_name: a drive is <host>/<file name without .json>, where serial numbers are redacted.",
    )


@dataclass(frozen=True, kw_only=True)
class _Output:
    """One file: where it is, the host that its folder names, its name below the source's folder."""

    path: Path
    host: str
    name: str


@dataclass(frozen=True, kw_only=True)
class _ReadFile:
    """What a file gave, and what it was; ``sha256`` is of the bytes that were read."""

    entry: Reading | NoReading
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class _DriveReading:
    output: _Output
    serial_number: str
    reading: Reading
    known_at: dt.datetime


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have at least one output (day_folders) or reading (host_folders), ascending."""
    root = _existing(base_folder / options.path)
    if options.layout == "day_folders":
        days = (_day_of_name(folder.name) for folder in root.iterdir() if folder.is_dir())
        return sorted(day for day in days if day is not None)
    read = (_read(output, options).entry for output in _outputs_below(root))
    return sorted({entry.read_at.date() for entry in read if isinstance(entry, Reading) and entry.read_at})


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_drive_smart and raw_inventory of ``day``: the last reading of each drive, by host and model.

    Outputs that give no row are counted by reason and reported in one warning; one damaged file
    never costs the others.
    """
    root = _existing(base_folder / options.path)
    folder = root / day.isoformat() if options.layout == "day_folders" else root
    readings, left_out = _readings_of(day, folder, options)
    if not readings and not left_out:
        raise MissingInputError(
            f"{root} has no smartctl output of {day}. Nothing was written. "
            "Copy the day's outputs there, then re-run that day.",
            day=day.isoformat(),
            path=str(root),
        )
    if left_out:
        listed = "; ".join(f"{entry.count} × {entry.reason} ({entry.example})" for entry in left_out)
        log.warning(f"smartctl outputs of {day} without a row: {listed}")
    yield RawTable(
        dataset="raw_drive_smart",
        table=pa.Table.from_pylist([_smart_row(entry) for entry in readings], raw_schema("raw_drive_smart")),
        inputs=_inputs_of(day, folder, options),
        left_out=left_out,
    )
    yield RawTable(
        dataset="raw_inventory",
        table=pa.Table.from_pylist(
            [_inventory_row(entry) for entry in readings], raw_schema("raw_inventory")
        ),
    )


def list_inputs(options: Options, day: dt.date, base_folder: Path) -> tuple[InputFile, ...]:
    """Return what ``day`` is made of now, so that a late output is noticed."""
    root = _existing(base_folder / options.path)
    folder = root / day.isoformat() if options.layout == "day_folders" else root
    return _inputs_of(day, folder, options)


def _inputs_of(day: dt.date, folder: Path, options: Options) -> tuple[InputFile, ...]:
    """Return one input for all outputs of the day: a large fleet has one a drive."""
    digest, size, count = hashlib.sha256(), 0, 0
    for output in _outputs_below(folder):
        read = _read(output, options)
        entry = read.entry
        is_of_day = options.layout == "day_folders" or (
            isinstance(entry, Reading) and entry.read_at is not None and entry.read_at.date() == day
        )
        if is_of_day:
            digest.update(f"{output.name}\0{read.sha256}\n".encode())
            size, count = size + read.size_bytes, count + 1
    if not count:
        return ()
    return (InputFile(name=f"{count} outputs of smartctl", size_bytes=size, sha256=digest.hexdigest()),)


def _readings_of(
    day: dt.date, folder: Path, options: Options
) -> tuple[list[_DriveReading], tuple[LeftOut, ...]]:
    left_out = LeftOutCounter()
    for path in sorted(folder.glob("*.json")):
        left_out.add(_NO_HOST, _as_utf8(path.name))
    last: dict[tuple[str, str, str], _DriveReading] = {}
    for output in _outputs_below(folder):
        entry = _read(output, options).entry
        reason = entry.reason if isinstance(entry, NoReading) else _why_not_on(day, entry, options)
        if reason == _ANOTHER_DAY and options.layout == "host_folders":
            continue  # it belongs to that day, and is found there
        if reason is None and isinstance(entry, Reading):
            serial = entry.serial_number or f"{output.host}/{_as_utf8(output.path.stem)}"
            known_at = entry.read_at or end_of_day(day)
            key = (serial, output.host, entry.model)
            found = _DriveReading(output=output, serial_number=serial, reading=entry, known_at=known_at)
            earlier = last.get(key)
            if earlier is None or earlier.known_at <= known_at:
                last[key] = found
            if earlier is None:
                continue
            reason = "an earlier reading of the same drive on that day"
        left_out.add(str(reason), output.name)
    return list(last.values()), left_out.entries()


_ANOTHER_DAY = "local_time is on another UTC day than the folder says"
_NO_HOST = "not in a folder that names its host"
_NO_TIME = "no local_time, so the day is unknown"


def _why_not_on(day: dt.date, reading: Reading, options: Options) -> str | None:
    if reading.read_at is None:
        return _NO_TIME if options.layout == "host_folders" else None
    return None if reading.read_at.date() == day else _ANOTHER_DAY


def _existing(root: Path) -> Path:
    if not root.is_dir():
        raise SourceError(
            f"{root} is not a folder. Nothing was read. Correct the source's path.", path=str(root)
        )
    return root


def _day_of_name(name: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None


def _outputs_below(folder: Path) -> list[_Output]:
    """Return the outputs of all hosts, sorted, so that ties between equal times are always decided alike."""
    if not folder.is_dir():
        return []
    hosts = sorted(host for host in folder.iterdir() if host.is_dir() and not host.name.startswith("."))
    return [
        _Output(path=path, host=_as_utf8(host.name), name=_as_utf8(path.relative_to(folder).as_posix()))
        for host in hosts
        for path in sorted(host.rglob("*.json"))
        if path.is_file()
    ]


def _as_utf8(name: str) -> str:
    """File names may hold bytes that are no UTF-8; columns and logs can't."""
    return os.fsencode(name).decode("utf-8", "replace")


def _read(output: _Output, options: Options) -> _ReadFile:
    try:
        return _read_version(
            output.path, stat_key(output.path.stat()), options.identify_by == "serial_number"
        )
    except OSError as error:
        raise TransientError(
            f"{output.name} could not be read: {error.strerror}. Nothing was written. Re-run that day.",
            file=output.name,
        ) from error


@functools.lru_cache(maxsize=65536)
def _read_version(path: Path, version: tuple[int, int, int], needs_serial: bool) -> _ReadFile:
    # The version is part of the cache's key: with host_folders every day looks at every file.
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    if stat_key(path.stat()) != version:
        raise TransientError(
            f"{path.name} changed while it was read. Nothing was written. Re-run that day.", file=path.name
        )
    entry = (
        NoReading(reason=f"larger than {MAX_FILE_BYTES >> 20} MiB")
        if len(data) > MAX_FILE_BYTES
        else parse_smartctl(data, needs_serial=needs_serial)
    )
    return _ReadFile(entry=entry, sha256=hashlib.sha256(data).hexdigest(), size_bytes=version[1])


def _smart_row(entry: _DriveReading) -> dict[str, object]:
    reading = entry.reading
    return {
        "serial_number": entry.serial_number,
        "model": reading.model,
        "capacity_bytes": reading.capacity_bytes,
        "firmware": reading.firmware,
        "is_failed": False,
        **reading.counters,
        "temperature_celsius": reading.temperature_celsius,
        "smart_passed": reading.smart_passed,
        "source": "smartctl",
        "known_at": entry.known_at,
    }


def _inventory_row(entry: _DriveReading) -> dict[str, object]:
    """The slot is the device name: smartctl knows no bay."""
    device = entry.reading.device
    return {
        "component_id": entry.serial_number,
        "component_kind": "drive",
        "host_id": entry.output.host,
        "slot": None if device is None else device.removeprefix("/dev/"),
        "model": entry.reading.model,
        "firmware": entry.reading.firmware,
        "source": "smartctl",
        "known_at": entry.known_at,
    }
