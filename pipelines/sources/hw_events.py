"""Collect hardware events of any log into rows of raw_hw_events.

Events of one host, signature, part and place within one UTC minute are one row. Lines that no signature
speaks of are one row a host, template and day: they matter only by being new.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.log_templates import MAX_MESSAGE_CHARS, escape_text
from features.signatures import MAX_HINT_CHARS, UNKNOWN_CLASS, Signature, read_line
from pipelines.errors import MissingInputError
from pipelines.sources.event_bounds import bound_events
from pipelines.sources.event_table import (
    DATASET,
    MINUTES_A_DAY,
    READINGS,
    day_numbers_of,
    group_readings,
    merge_events,
    raw_rows,
)
from pipelines.sources.known_lines import KnownLines, read_known_lines
from pipelines.sources.memory_places import NOWHERE, PLACES, Place, read_place
from pipelines.sources.source import InputFile, LeftOut, RawTable

NOT_HARDWARE = "of a program that does not speak of hardware"

# So many readings are grouped at a time: memory holds no more lines than that.
_MAX_READINGS = 100_000
_SECONDS_A_DAY = 86_400
_EPOCH = dt.date(1970, 1, 1)

_Reading = tuple[object, ...]


@dataclass(kw_only=True)
class EventCollector:
    """Gathers events, bounded, in any order; the table does not depend on that order."""

    overflow: Counter[str] = field(default_factory=Counter)
    # Lines of other programs, by day since 1970: nothing is wrong with them.
    n_not_hardware: Counter[int] = field(default_factory=Counter)
    _readings: list[pa.RecordBatch] = field(default_factory=list)
    _single_readings: list[_Reading] = field(default_factory=list)
    _n_readings: int = 0
    _events: pa.RecordBatch = field(default_factory=lambda: merge_events([]))
    _of_others: list[pa.RecordBatch] = field(default_factory=list)

    def add_known_lines(self, lines: KnownLines) -> None:
        """Count lines that have signatures, as ``add_known`` counts one."""
        self._flush_single_readings()
        self._readings.append(read_known_lines(lines))
        self._count_readings(len(lines.messages))

    def add_known(
        self,
        *,
        host_id: str,
        second: float,
        signature: Signature,
        template: str,
        message: str,
        component_hint: str | None = None,
        place: Place | None = None,
        n_events: int | None = None,
    ) -> None:
        """Count a line that has a signature; ``second`` is of the Unix epoch.

        Part, place and count come from the message unless the source knows them better.
        """
        read = read_line(signature, message)
        hint = escape_text(component_hint.strip(), MAX_HINT_CHARS) if component_hint else read.component_hint
        if place is None:
            place = read_place(message) if "memory" in read.event_class else NOWHERE
        reading = (
            *(printable_host(host_id), int(second // 60), read.key, template, hint or ""),
            *(-1 if number is None else number for number in place),
            *(signature.component_kind, read.event_class, read.severity),
            *(message[: MAX_MESSAGE_CHARS + 1], second, n_events or read.n_events, 1),
        )
        self._single_readings.append(reading)
        self._count_readings(1)

    def add_unknown(
        self, *, host_id: str, second: float, template: str, message: str, severity: str | None, n_lines: int
    ) -> None:
        """Count lines of one template on one day; ``second`` is when the first of them was written."""
        day = int(second // _SECONDS_A_DAY)
        reading = (
            *(printable_host(host_id), day * MINUTES_A_DAY, "", template, ""),
            *(-1 for _ in PLACES),
            *(None, UNKNOWN_CLASS, severity),
            *(message[: MAX_MESSAGE_CHARS + 1], second, n_lines, n_lines),
        )
        self._single_readings.append(reading)
        self._count_readings(1)

    @property
    def events(self) -> pa.RecordBatch:
        """Return all events, one row each."""
        self.group()
        if self._of_others:
            self._events = merge_events([self._events, *self._of_others])
            self._of_others = []
        return self._events

    @property
    def days(self) -> frozenset[dt.date]:
        """Return the days that have a row."""
        return frozenset(
            _EPOCH + dt.timedelta(days=n) for n in np.unique(day_numbers_of(self.events)).tolist()
        )

    def events_of(self, day: dt.date) -> pa.RecordBatch:
        """Return the events of ``day``."""
        return self.events.filter(pa.array(day_numbers_of(self.events) == (day - _EPOCH).days))

    def n_events_of(self, day: dt.date) -> int:
        """Return how many events all rows of ``day`` stand for."""
        return int(pc.sum(self.events_of(day)["n_events"]).as_py() or 0)

    def merge(self, other: "EventCollector") -> None:
        """Count the other's events too."""
        self._of_others.append(other.events)
        self.overflow.update(other.overflow)
        self.n_not_hardware.update(other.n_not_hardware)

    def group(self) -> None:
        """Make events of the readings so far, those beyond a host's bound of a day one row."""
        self._flush_single_readings()
        if self._readings:
            new = group_readings(pa.concat_batches(self._readings))
            self._events, n_lines_beyond = bound_events(merge_events([self._events, new]))
            self.overflow.update(n_lines_beyond)
        self._readings, self._n_readings = [], 0

    def table_of(self, day: dt.date, source: str) -> pa.Table:
        """Return raw_hw_events of ``day``, sorted by time. An event is known from when it happened."""
        return raw_rows(self.events_of(day), source)

    def _count_readings(self, n_readings: int) -> None:
        self._n_readings += n_readings
        if self._n_readings > _MAX_READINGS:
            self.group()

    def _flush_single_readings(self) -> None:
        if self._single_readings:
            columns = zip(*self._single_readings, strict=True)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, READINGS.types, strict=True)]
            self._readings.append(pa.record_batch(arrays, schema=READINGS))
            self._single_readings = []


def raw_events(
    collector: EventCollector,
    day: dt.date,
    source: str,
    inputs: Sequence[InputFile],
    left_out: Mapping[str, tuple[int, str]],
    *,
    events: pa.RecordBatch | None = None,
) -> RawTable:
    """Return what a source delivers of ``day``; ``left_out`` goes from reason to count and example.

    ``events`` are those of the day, where the collector has not all of them.
    """
    n_others = collector.n_not_hardware[(day - _EPOCH).days]
    others = {NOT_HARDWARE: (n_others, "logins, jobs, services")} if n_others else {}
    bounds = {reason: (count, "counted in one row a host") for reason, count in collector.overflow.items()}
    return RawTable(
        dataset=DATASET,
        table=raw_rows(collector.events_of(day) if events is None else events, source),
        inputs=tuple(inputs),
        left_out=tuple(
            LeftOut(reason=reason, count=count, example=escape_text(example, 200))
            for reason, (count, example) in sorted({**left_out, **others, **bounds}.items())
        ),
    )


def nothing_of(day: dt.date, path: str, what: str) -> MissingInputError:
    """Return the error for a day that a source does not have."""
    return MissingInputError(
        f"{path} has no {what} of {day}. Nothing was written. Copy it there, then re-run that day.",
        day=day.isoformat(),
        path=path,
    )


def printable_host(host_id: str) -> str:
    """Return the host's name as lists may show it; a log server's line can name any."""
    return host_id if host_id.isprintable() and len(host_id) < 256 else escape_text(host_id, 255)
