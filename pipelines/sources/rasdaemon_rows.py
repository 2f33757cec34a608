"""What a row of a table of rasdaemon says, as an event message."""

import datetime as dt
from collections.abc import Mapping

from pipelines.sources.event_messages import EventMessage
from pipelines.sources.memory_places import NOWHERE, Place, make_place, read_place

Row = Mapping[str, object]

# Intel SDM volume 3B, 16.3.2.2, IA32_MCi_STATUS: bit 61 is "uncorrected error".
_UNCORRECTED_BIT = 61
_MAX_COUNT = 1_000_000
# Columns that say something in tables that this module has no words for.
_TELLING = ("err_type", "error_type", "err_msg", "error_msg", "type", "severity", "dev_name", "dev", "error")


def second_of(timestamp: object) -> float | None:
    """Return seconds of the Unix epoch of ``2026-11-23 00:10:35 +0000``; None for anything else."""
    try:
        moment = dt.datetime.strptime(str(timestamp).strip(), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return moment.timestamp() if moment.year >= 1980 else None


def message_of(table: str, row: Row, host_id: str, second: float) -> EventMessage:
    """Return the event of a row; unknown tables give a message that no signature speaks of."""
    hint: str | None = None
    place: Place = NOWHERE
    n_events = 1
    severity: str | None = None
    match table:
        case "mc_event":
            hint = _text(row, "label") or None
            text = f"{_text(row, 'err_type')}: {_text(row, 'err_msg')} {hint or ''}"
            n_events = min(max(_number(row, "err_count") or 1, 1), _MAX_COUNT)
            place = _place_of(row)
        case "mce_record":
            status = _number(row, "status") or 0
            kind = "Uncorrected" if status >> _UNCORRECTED_BIT & 1 else "Corrected"
            said = _text(row, "error_msg") or _text(row, "mcastatus_msg") or f"status {status & 2**64 - 1:x}"
            text = f"{kind}: {said}"
            place = make_place(socket=_number(row, "socketid"))
            # Of a memory controller's error the processor is only who noticed.
            is_core = "MEMORY CONTROLLER" not in said and _number(row, "cpu") is not None
            hint = f"CPU {_number(row, 'cpu')}" if is_core else None
        case "aer_event":
            text = f"{_text(row, 'err_type')}: {_text(row, 'err_msg')}"
            hint = _text(row, "dev_name") or None
        case "extlog_event":
            text = f"{_text(row, 'fru_text')} severity {_text(row, 'severity')}"
            n_events = min(max(_number(row, "error_count") or 1, 1), _MAX_COUNT)
        case "disk_errors":
            text = f"{_text(row, 'error')} {_text(row, 'dev')}"
            hint = _text(row, "dev") or None
        case _:
            text = " ".join(f"{name}={_text(row, name)}" for name in _TELLING if _text(row, name))
            severity = "warning"
    return EventMessage(
        host_id=host_id,
        second=second,
        text=f"rasdaemon {table} {text}",
        component_hint=hint,
        place=place,
        n_events=n_events,
        severity=severity,
    )


def _place_of(row: Row) -> Place:
    """Return the place that the driver tells in words, else the layers: controller, channel, slot of the channel."""
    told = read_place(_text(row, "driver_detail"))
    layers = make_place(
        socket=_number(row, "mc"), channel=_number(row, "top_layer"), dimm=_number(row, "middle_layer")
    )
    return tuple(word if word is not None else layer for word, layer in zip(told, layers, strict=True))


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)[:400]


def _number(row: Row, name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) else None
