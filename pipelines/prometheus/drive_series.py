"""Turn the series of smartctl_exporter, or of the smartmon scripts, into rows of raw_drive_smart.

Same columns, same meaning as the JSON outputs give; what an exporter does not carry is null. A drive's
values are the last of the day, known when the exporter last named the drive.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.prometheus.catalogue import (
    Catalogue,
    DriveLabels,
    Labels,
    ReadingEntry,
    fill_template,
    label_names,
)
from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.daily import DaySpan
from pipelines.prometheus.host_names import HostNaming
from pipelines.prometheus.remote_read import SeriesSamples
from pipelines.prometheus.sample_reading import LastValue, read_last_values, read_samples
from pipelines.sources.raw_columns import raw_schema
from pipelines.sources.smartctl_json import is_placeholder_serial
from pipelines.sources.source import LeftOut, LeftOutCounter

_NO_HOST = "no label names its host"
_NO_SERIAL = "no serial number: smartctl could not open the drive"
_PLACEHOLDER = "the serial number is a placeholder"
_NO_MODEL = "no model name"
_NO_HEALTH = "no health data"
_TWO_DRIVES = "another drive had the same device name on that day, so readings can't be told apart"
_MOVED = "the same drive had another device name on that day, and was read there later"
_SAYS_NOTHING = frozenset({"", "unknown"})
_INT64_MAX = 2**63 - 1
_SMART_COLUMN = re.compile(r"smart_\d+_raw")


@dataclass(frozen=True, kw_only=True)
class DriveRows:
    """Rows of raw_drive_smart and raw_inventory, and what gave none."""

    smart: pa.Table
    inventory: pa.Table
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, kw_only=True)
class _Drive:
    host: str
    device: str
    serial_number: str
    model: str
    firmware: str | None
    protocol: str | None
    seen_at: dt.datetime


def read_drive_rows(
    client: PrometheusClient, catalogue: Catalogue, span: DaySpan, naming: HostNaming, source: str
) -> DriveRows:
    """Return one row per drive that the exporter named on the day, ascending by host and device."""
    assert catalogue.drive is not None
    left_out = LeftOutCounter()
    named = read_samples(client, catalogue.drive, span.start_ms, span.end_ms - 1)
    drives = _find_drives(named, catalogue, catalogue.drive, naming, left_out)
    rows: dict[tuple[str, str], dict[str, int | float | bool]] = {key: {} for key in drives}
    for entry in catalogue.readings:
        values = read_last_values(client, entry, span.start_ms, span.end_ms - 1) if drives else []
        _fill(rows, drives, values, entry, catalogue, naming)
    kept = []
    for key, drive in drives.items():
        has_health = any(_SMART_COLUMN.match(name) or name.startswith(_HEALTH) for name in rows[key])
        if has_health or "smart_passed" in rows[key]:
            kept.append((drive, rows[key]))
        else:
            left_out.add(_NO_HEALTH, f"{drive.host}/{drive.device}")
    return DriveRows(
        smart=pa.Table.from_pylist(
            [_smart_row(drive, row, source) for drive, row in kept], raw_schema("raw_drive_smart")
        ),
        inventory=pa.Table.from_pylist(
            [_inventory_row(drive, source) for drive, _ in kept], raw_schema("raw_inventory")
        ),
        left_out=left_out.entries(),
    )


_HEALTH = ("nvme_", "scsi_")


def _find_drives(
    named: SeriesSamples,
    catalogue: Catalogue,
    entry: DriveLabels,
    naming: HostNaming,
    left_out: LeftOutCounter,
) -> dict[tuple[str, str], _Drive]:
    last_seen = _last_times(named)
    found: dict[tuple[str, str], list[_Drive]] = {}
    for labels, seen_ms in zip(named.labels, last_seen, strict=True):
        host, device = naming.host_of(labels, catalogue), labels.get(entry.device, "").removeprefix("/dev/")
        if seen_ms is None:
            continue
        if host is None:
            left_out.add(_NO_HOST, device)
            continue
        serial = _first_said(labels, entry.serial_number)
        model = _model_of(labels, entry.model)
        reason = (
            _NO_SERIAL if serial is None
            else _PLACEHOLDER if is_placeholder_serial(serial)
            else _NO_MODEL if model is None
            else None
        )  # fmt: skip
        if reason is not None or serial is None or model is None:
            left_out.add(str(reason), f"{host}/{device}")
            continue
        found.setdefault((host, device), []).append(
            _Drive(
                host=host,
                device=device,
                serial_number=serial,
                model=model,
                firmware=_first_said(labels, entry.firmware),
                protocol=labels.get(entry.protocol) if entry.protocol else None,
                seen_at=dt.datetime.fromtimestamp(seen_ms / 1000, dt.UTC),
            )
        )
    return _one_drive_a_device(found, left_out)


def _one_drive_a_device(
    found: dict[tuple[str, str], list[_Drive]], left_out: LeftOutCounter
) -> dict[tuple[str, str], _Drive]:
    last: dict[tuple[str, str], _Drive] = {}
    for _device, drives in sorted(found.items()):
        if len({drive.serial_number for drive in drives}) > 1:
            for drive in drives:
                left_out.add(_TWO_DRIVES, f"{drive.host}/{drive.device}")
            continue
        newest = max(drives, key=lambda drive: (drive.seen_at, drive.firmware or ""))
        same_host = (newest.host, newest.serial_number)
        if (other := last.get(same_host)) is not None:
            left_out.add(_MOVED, f"{newest.host}/{min(other, newest, key=lambda d: d.seen_at).device}")
            newest = max(other, newest, key=lambda drive: drive.seen_at)
        last[same_host] = newest
    return {(drive.host, drive.device): drive for drive in last.values()}


def _last_times(named: SeriesSamples) -> list[int | None]:
    ends = np.cumsum(named.counts)
    times: list[int | None] = []
    for start, end in zip(ends - named.counts, ends, strict=True):
        # Staleness marks are NaN: there the exporter ceased to name the drive.
        real = np.flatnonzero(np.isfinite(named.values[start:end]))
        times.append(int(named.times_ms[start + real[-1]]) if len(real) else None)
    return times


def _fill(
    rows: dict[tuple[str, str], dict[str, int | float | bool]],
    drives: dict[tuple[str, str], _Drive],
    values: Iterable[LastValue],
    entry: ReadingEntry,
    catalogue: Catalogue,
    naming: HostNaming,
) -> None:
    assert catalogue.drive is not None
    summed: dict[tuple[str, str, str], float] = {}
    for last in values:
        host = naming.host_of(last.labels, catalogue)
        device = last.labels.get(catalogue.drive.device, "").removeprefix("/dev/")
        drive = None if host is None else drives.get((host, device))
        column = _column_of(entry, last.labels)
        if (
            drive is None
            or host is None
            or column is None
            or column not in raw_schema("raw_drive_smart").names
        ):
            continue
        if entry.protocols and drive.protocol is not None and drive.protocol not in entry.protocols:
            continue
        if entry.zero_is_unknown and last.value == 0:
            continue
        if abs(last.value) >= entry.exact_below:
            continue
        summed[host, device, column] = last.value
    for (host, device, column), value in summed.items():
        before = rows[host, device].get(column, 0) if entry.adds_up else 0
        known = _as_column(column, value / entry.divide_by + before)
        if known is not None:
            rows[host, device][column] = known


def _column_of(entry: ReadingEntry, labels: Labels) -> str | None:
    if entry.column_by is not None:
        return entry.column_by.columns.get(labels.get(entry.column_by.label, ""))
    return None if entry.column is None else fill_template((entry.column,), labels, "")


def _as_column(column: str, value: float) -> int | float | bool | None:
    """Return the value as the column holds it; None for what no column can hold."""
    if column == "smart_passed":
        return bool(value)
    if column == "temperature_celsius":
        return value if abs(value) < 1000 else None
    return int(value) if np.isfinite(value) and abs(value) <= _INT64_MAX else None


def _first_said(labels: Labels, names: tuple[str, ...]) -> str | None:
    texts = (labels.get(name, "").strip() for name in names)
    return next((text for text in texts if text.lower() not in _SAYS_NOTHING), None)


def _model_of(labels: Labels, templates: tuple[str, ...]) -> str | None:
    said = {
        name: value.strip() for name, value in labels.items() if value.strip().lower() not in _SAYS_NOTHING
    }
    usable = tuple(each for each in templates if all(name in said for name in label_names(each)))
    return fill_template(usable, said, "")


def _smart_row(drive: _Drive, row: dict[str, int | float | bool], source: str) -> dict[str, object]:
    return {
        "serial_number": drive.serial_number,
        "model": drive.model,
        "firmware": drive.firmware,
        "is_failed": False,
        **row,
        "source": source,
        "known_at": drive.seen_at,
    }


def _inventory_row(drive: _Drive, source: str) -> dict[str, object]:
    """The slot is the device name: smartctl knows no bay."""
    return {
        "component_id": drive.serial_number,
        "component_kind": "drive",
        "host_id": drive.host,
        "slot": drive.device or None,
        "model": drive.model,
        "firmware": drive.firmware,
        "source": source,
        "known_at": drive.seen_at,
    }
