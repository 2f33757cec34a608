"""Read one ``smartctl --json`` output into one reading of one drive, or say why it gives none.

Field names are those of smartmontools 7 (json_format_version 1.0), for ATA, NVMe and SCSI.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.sources.raw_columns import smart_attributes

_INT64_MAX = 2**63 - 1
# Tools that anonymise outputs leave these; they name no drive.
_PLACEHOLDERS = frozenset(
    {"redacted", "unknown", "none", "null", "n/a", "no", "yes", "[no information found]"}
)
_NVME_LOG = {
    "nvme_critical_warning": "critical_warning",
    "nvme_available_spare_pct": "available_spare",
    "nvme_percentage_used": "percentage_used",
    "nvme_media_errors": "media_errors",
    "nvme_unsafe_shutdowns": "unsafe_shutdowns",
    "nvme_error_log_entries": "num_err_log_entries",
}
_UNREADABLE = "not JSON as smartctl writes it"
_NO_DRIVE = "no serial number: smartctl could not open the drive, or was only asked to scan"
_PLACEHOLDER = "the serial number is a placeholder"
_NO_MODEL = "no model name"
_NO_HEALTH = "no health data: smartctl was only asked for --info, or the drive keeps none"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one drive said at one time. ``counters`` are columns of raw_drive_smart; absent = not said.

    ``serial_number`` is None where it is missing or a placeholder.
    """

    serial_number: str | None
    model: str
    firmware: str | None
    capacity_bytes: int | None
    device: str | None
    read_at: dt.datetime | None
    smart_passed: bool | None
    temperature_celsius: float | None
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NoReading:
    """Why an output gives no row."""

    reason: str


def parse_smartctl(data: bytes, *, needs_serial: bool = True) -> Reading | NoReading:
    """Return the reading in one output.

    Power-on hours, power cycles and start-stops of NVMe and SCSI drives fill the columns of their
    ATA equivalents (SMART 9, 12, 4 and 193), as smartctl does in its own summary. Numbers beyond
    int64 (NVMe counters have 128 bits) are left out. Never raises for bad content.
    """
    try:
        # utf-8-sig: PowerShell writes a BOM.
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return NoReading(reason=_UNREADABLE)
    if not isinstance(document, dict):
        return NoReading(reason=_UNREADABLE)
    serial = _text(document, "serial_number")
    if serial is None and needs_serial:
        return NoReading(reason=_NO_DRIVE)
    is_placeholder = serial is not None and is_placeholder_serial(serial)
    if is_placeholder and needs_serial:
        return NoReading(reason=_PLACEHOLDER)
    model = _text(document, "model_name") or _text(document, "scsi_model_name")
    if model is None:
        return NoReading(reason=_NO_DRIVE if serial is None else _NO_MODEL)
    counters = _counters_of(document)
    passed = _section(document, "smart_status").get("passed")
    if not counters and not isinstance(passed, bool):
        return NoReading(reason=_NO_HEALTH)
    temperature = _section(document, "temperature").get("current")
    return Reading(
        serial_number=None if is_placeholder else serial,
        model=model,
        firmware=_text(document, "firmware_version") or _text(document, "revision"),
        capacity_bytes=_whole(_section(document, "user_capacity"), "bytes")
        or _whole(document, "nvme_total_capacity"),
        device=_text(_section(document, "device"), "info_name"),
        read_at=_read_at(document),
        smart_passed=passed if isinstance(passed, bool) else None,
        temperature_celsius=_temperature(temperature),
        counters=counters,
    )


def is_placeholder_serial(serial: str) -> bool:
    """Return whether this is what tools write where they hide or do not know a serial number."""
    return serial.lower() in _PLACEHOLDERS or not serial.strip("Xx0 ")


def _counters_of(document: Mapping[str, object]) -> dict[str, int]:
    found: dict[str, int | None] = {}
    nvme = _section(document, "nvme_smart_health_information_log")
    for column, name in _NVME_LOG.items():
        found[column] = _whole(nvme, name)
    if "scsi_grown_defect_list" in document or "scsi_error_counter_log" in document:
        found["scsi_grown_defects"] = _whole(document, "scsi_grown_defect_list")
        found["scsi_uncorrected_errors"] = _uncorrected_scsi_errors(document)
    cycles = _section(document, "scsi_start_stop_cycle_counter")
    found["smart_4_raw"] = _whole(cycles, "accumulated_start_stop_cycles")
    found["smart_193_raw"] = _whole(cycles, "accumulated_load_unload_cycles")
    table = _section(document, "ata_smart_attributes").get("table")
    if isinstance(table, list):
        kept = smart_attributes()
        for entry in table:
            if isinstance(entry, dict) and _whole(entry, "id") in kept:
                found[f"smart_{entry['id']}_raw"] = _whole(_section(entry, "raw"), "value")
    elif found:
        found["smart_9_raw"] = _whole(_section(document, "power_on_time"), "hours")
        found["smart_12_raw"] = _whole(document, "power_cycle_count")
    return {column: value for column, value in found.items() if value is not None}


def _uncorrected_scsi_errors(document: Mapping[str, object]) -> int | None:
    """Reads, writes and verifies together: what the drive could not put right by itself."""
    log = _section(document, "scsi_error_counter_log")
    totals = [_whole(_section(log, kind), "total_uncorrected_errors") for kind in ("read", "write", "verify")]
    known = [total for total in totals if total is not None]
    return sum(known) if known else None


def _read_at(document: Mapping[str, object]) -> dt.datetime | None:
    seconds = _whole(_section(document, "local_time"), "time_t")
    if seconds is None or seconds <= 0:
        return None
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _section(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(document: Mapping[str, object], name: str) -> str | None:
    value = document.get(name)
    if not isinstance(value, str):
        return None
    # JSON may spell half a UTF-16 pair, which no UTF-8 column can hold.
    return value.encode("utf-8", "replace").decode("utf-8").strip() or None


def _whole(document: Mapping[str, object], name: str) -> int | None:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _INT64_MAX:
        return None
    return value


def _temperature(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1000:
        return None
    return float(value)
