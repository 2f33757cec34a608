"""Read the records of a system event log as ``ipmitool sel`` prints them: list, elist, verbose, csv."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from pipelines.sources.log_files import Findings

DateOrder = Literal["auto", "mdy", "dmy"]

NO_RECORD = "no record of a system event log"
NO_CLOCK = "recorded before the controller's clock was set"
BAD_TIME = "the date or time can't be one"
# The BMC counts seconds from power-on until its clock is set (IPMI 2.0, 37.1): no day before 1980 is real.
_FIRST_YEAR = 1980

# What ipmitool says on the way, of controllers without sensor records.
_CHATTER = ("SDRR successfully erased", "Err in cmd get sensor sdr info", "SEL has no entries")
_DATE = re.compile(r"([0-9]{1,4})[/.\-]([0-9]{1,2})[/.\-]([0-9]{2,4})\.?")
_TIME = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})[:.]([0-9]{2})(?: ([AaPp])\.?[Mm]\.?)?(?: ([A-Z]{3,4}))?")
_FIELD = re.compile(r" ?([A-Z][A-Za-z ()]{2,32}?) *: ?(.*)")
_RECORD_ID = re.compile(r"[0-9A-Fa-f]{1,4}")


@dataclass(frozen=True, kw_only=True)
class SelRecord:
    """One record. ``second`` is of the Unix epoch; ``text`` is what the signature catalogue reads."""

    record_id: str
    second: float
    text: str
    component_hint: str | None


@dataclass(frozen=True, kw_only=True)
class _RawRecord:
    record_id: str
    date: str
    time: str
    parts: tuple[str, ...]
    line: str


def read_sel(text: str, *, zone: ZoneInfo, date_order: DateOrder, findings: Findings) -> list[SelRecord]:
    """Return the records of one log; what is none is counted.

    Where ``date_order`` is auto, days above 12 tell it, and a dot means day first; else the month is first,
    as in ipmitool's own locale.
    """
    records = list(_raw_records(text, findings))
    is_day_first = date_order == "dmy" or (date_order == "auto" and _looks_day_first(records))
    found = []
    for record in records:
        if "Pre-Init" in record.date or "Pre-Init" in record.time:
            findings.add(NO_CLOCK, record.line)
            continue
        second = _second_of(record, zone, is_day_first)
        if second is None:
            findings.add(BAD_TIME, record.line)
            continue
        found.append(
            SelRecord(
                record_id=record.record_id,
                second=second,
                text=f"SEL: {' | '.join(record.parts)}",
                component_hint=_hint_of(record.parts),
            )
        )
    return found


def _raw_records(text: str, findings: Findings) -> Iterator[_RawRecord]:
    fields: dict[str, str] = {}
    for line in [*text.split("\n"), ""]:
        line = line.rstrip("\r").replace("\0", "")
        is_verbose = _FIELD.fullmatch(line)
        if is_verbose and "|" not in line:
            if is_verbose[1] == "SEL Record ID" and fields:
                yield from _verbose_record(fields, findings)
                fields = {}
            fields[is_verbose[1]] = is_verbose[2].strip()
        elif not line.strip() or line.strip() in _CHATTER:
            if fields:
                yield from _verbose_record(fields, findings)
                fields = {}
        else:
            yield from _listed_record(line, findings)


def _listed_record(line: str, findings: Findings) -> Iterator[_RawRecord]:
    parts = [part.strip() for part in line.split("|" if "|" in line else ",")]
    if len(parts) < 4 or not _RECORD_ID.fullmatch(parts[0]):
        findings.add(NO_RECORD, line)
        return
    record_id, date, time, *rest = parts
    if "Pre-Init" in date:
        rest = [time, *rest]  # it stands for both, with a blank or a count of seconds after it
    yield _RawRecord(
        record_id=record_id,
        date=date,
        time=time,
        parts=tuple(part for part in rest if part),
        line=line,
    )


def _verbose_record(fields: dict[str, str], findings: Findings) -> Iterator[_RawRecord]:
    line = "; ".join(f"{name}: {value}" for name, value in fields.items())
    stamp = fields.get("Timestamp", "").split(" ", 1)
    if "SEL Record ID" not in fields or len(stamp) != 2:
        findings.add(NO_RECORD, line)
        return
    is_end = fields.get("Event Direction", "").startswith("Deassert")
    sensor = f"{fields.get('Sensor Type', 'Unknown')} #0x{fields.get('Sensor Number', '00').lower()}"
    parts = (
        sensor,
        fields.get("Description") or f"Event data {fields.get('Event Data', '')}",
        "Deasserted" if is_end else "Asserted",
    )
    yield _RawRecord(record_id=fields["SEL Record ID"], date=stamp[0], time=stamp[1], parts=parts, line=line)


def _looks_day_first(records: list[_RawRecord]) -> bool:
    dates = [found for record in records if (found := _DATE.fullmatch(record.date)) and len(found[1]) < 3]
    if any("." in found[0] for found in dates):
        return True
    return any(int(found[1]) > 12 for found in dates) and not any(int(found[2]) > 12 for found in dates)


def _second_of(record: _RawRecord, zone: ZoneInfo, is_day_first: bool) -> float | None:
    date, time = _DATE.fullmatch(record.date), _TIME.fullmatch(record.time)
    if not date or not time:
        return None
    first, middle, last = (int(part) for part in date.groups())
    if len(date[1]) == 4:
        year, month, day = first, middle, last
    else:
        year, (day, month) = last, (first, middle) if is_day_first else (middle, first)
    year += 2000 if year < 100 else 0
    hour = int(time[1])
    if time[4]:
        hour = hour % 12 + (12 if time[4] in "Pp" else 0)
    try:
        moment = dt.datetime(
            year,
            month,
            day,
            hour,
            int(time[2]),
            min(int(time[3]), 59),
            tzinfo=dt.UTC if time[5] in ("UTC", "GMT") else zone,
        )
    except ValueError:
        return None
    return moment.timestamp() if year >= _FIRST_YEAR else None


def _hint_of(parts: tuple[str, ...]) -> str | None:
    """Return what the record says of the part: the detail where it names a DIMM or slot, else the sensor."""
    named = next((part for part in parts[2:] if re.search(r"(?i)dimm|slot|cpu|bay|fan|psu", part)), None)
    return (named or (parts[0] if parts else "")) or None
