"""The repair log of the simulated fleet: which DIMM, GPU or board was found failed, and when that was recorded.

Failed drives are not in it: their own source says that they failed.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterator

import numpy as np

from pipelines.fleet_simulation import Fleet
from pipelines.simulated_hardware.hosts import place_of
from pipelines.simulated_hardware.parts import Parts, simulate_hardware

_COLUMNS = ("component_id", "component_kind", "host_id", "failed_at", "cause", "is_confirmed", "known_at")
_CAUSES = {
    "dimm": ("uncorrected memory error", "corrected errors above the vendor's limit", "memory test failed"),
    "gpu": ("double bit error", "fell off the bus", "row remapping failed"),
    "host": ("board replaced after machine check", "does not power on"),
}
_SHARE_CONFIRMED = 0.92
_RECORDED_AFTER_HOURS = 3


def render_failure_records(fleet: Fleet, number: int, day: dt.date) -> bytes:
    """Return the export of the evening of ``day``: all records since the first day."""
    hardware = simulate_hardware(fleet.plan)
    midnight = dt.datetime.combine(day - dt.timedelta(days=number), dt.time(), dt.UTC)
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows: list[tuple[str, ...]] = [
        row
        for parts in (hardware.dimms, hardware.gpus, hardware.boards)
        for row in _records(parts, number, midnight)
    ]
    rows.sort(key=_when_and_who)
    writer.writerows(rows)
    return sink.getvalue().encode()


def _when_and_who(row: tuple[str, ...]) -> tuple[str, str]:
    return row[_COLUMNS.index("failed_at")], row[0]


def _records(parts: Parts, number: int, first_midnight: dt.datetime) -> Iterator[tuple[str, ...]]:
    causes = _CAUSES[parts.kind]
    for part in np.flatnonzero(parts.failure_day <= number).tolist():
        rng = np.random.default_rng([parts.seed, 30, list(_CAUSES).index(parts.kind), part])
        failed_at = first_midnight + dt.timedelta(
            days=int(parts.failure_day[part]), seconds=int(parts.failure_second[part])
        )
        yield (
            *(parts.component_id(part), parts.kind, place_of(int(parts.host[part])).host_id),
            *(failed_at.isoformat(), causes[rng.integers(len(causes))]),
            str(bool(rng.random() < _SHARE_CONFIRMED)).lower(),
            (failed_at + dt.timedelta(hours=_RECORDED_AFTER_HOURS)).isoformat(),
        )
