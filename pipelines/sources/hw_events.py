"""Collect hardware events of any log into rows of raw_hw_events.

Events of one host, signature, part and place within one UTC minute are one row. Lines that no signature
speaks of are one row a host, template and day: they matter only by being new.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from features.log_templates import escape_text, template_id
from features.signatures import MAX_HINT_CHARS, UNKNOWN_CLASS, Signature, read_line
from pipelines.errors import MissingInputError
from pipelines.sources.memory_places import NOWHERE, PLACES, Place, read_place
from pipelines.sources.raw_columns import complete_columns
from pipelines.sources.source import InputFile, LeftOut, RawTable

DATASET = "raw_hw_events"
NOT_HARDWARE = "of a program that does not speak of hardware"

# A host that writes more distinct events than this a day is broken in a way that the rest won't tell better.
MAX_EVENTS_PER_HOST_DAY = 50_000
MAX_TEMPLATES_PER_HOST_DAY = 5_000
_OVERFLOW = "(lines of further templates)"
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class EventKey:
    """What makes events one row. ``minute`` is of the Unix epoch; for unknown lines the day's first."""

    host_id: str
    minute: int
    signature: str
    template: str
    component_hint: str
    place: Place


@dataclass(kw_only=True)
class _Row:
    component_kind: str | None
    event_class: str
    severity: str | None
    message: str
    n_events: int
    second: float


@dataclass(kw_only=True)
class EventCollector:
    """Gathers events, bounded, in any order; the table does not depend on that order."""

    rows: dict[EventKey, _Row] = field(default_factory=dict)
    overflow: Counter[str] = field(default_factory=Counter)
    # Lines of other programs, by day since 1970: nothing is wrong with them.
    n_not_hardware: Counter[int] = field(default_factory=Counter)
    _n_known: Counter[tuple[str, int]] = field(default_factory=Counter)
    _n_templates: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add_known(
        self,
        *,
        host_id: str,
        second: float,
        signature: Signature,
        template: str,
        message: str,
        n_lines: int = 1,
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
        host_id = _printable(host_id)
        day = int(second // _SECONDS_A_DAY)
        key = EventKey(
            host_id=host_id,
            minute=int(second // 60),
            signature=read.key,
            template=template,
            component_hint=hint or "",
            place=place,
        )
        if key not in self.rows:
            if self._n_known[host_id, day] >= MAX_EVENTS_PER_HOST_DAY:
                self.overflow["known events beyond the bound for a host and day"] += n_lines
                key = EventKey(
                    host_id=host_id,
                    minute=day * 1440,
                    signature=read.key,
                    template=_OVERFLOW,
                    component_hint="",
                    place=NOWHERE,
                )
            self._n_known[host_id, day] += 1
        count = n_lines * (n_events or read.n_events)
        self._count(key, signature.component_kind, read.event_class, read.severity, message, count, second)

    def add_unknown(
        self, *, host_id: str, second: float, template: str, message: str, severity: str | None, n_lines: int
    ) -> None:
        """Count lines of one template on one day; ``second`` is when the first of them was written."""
        host_id = _printable(host_id)
        day = int(second // _SECONDS_A_DAY)
        key = EventKey(
            host_id=host_id,
            minute=day * 1440,
            signature="",
            template=template,
            component_hint="",
            place=NOWHERE,
        )
        if key not in self.rows:
            if self._n_templates[host_id, day] >= MAX_TEMPLATES_PER_HOST_DAY:
                self.overflow["lines of templates beyond the bound for a host and day"] += n_lines
                key = EventKey(
                    host_id=host_id,
                    minute=day * 1440,
                    signature="",
                    template=_OVERFLOW,
                    component_hint="",
                    place=NOWHERE,
                )
            self._n_templates[host_id, day] += 1
        self._count(key, None, UNKNOWN_CLASS, severity, message, n_lines, second)

    def _count(
        self,
        key: EventKey,
        component_kind: str | None,
        event_class: str,
        severity: str | None,
        message: str,
        n_events: int,
        second: float,
    ) -> None:
        row = self.rows.get(key)
        if row is None:
            self.rows[key] = _Row(
                component_kind=component_kind,
                event_class=event_class,
                severity=severity,
                message=message,
                n_events=n_events,
                second=second,
            )
            return
        row.n_events += n_events
        # The earliest line speaks for the row, between equal times the smaller text: order must not matter.
        if (second, message) < (row.second, row.message):
            row.second, row.message, row.severity = second, message, severity

    @property
    def days(self) -> frozenset[dt.date]:
        """Return the days that have a row."""
        return frozenset(_day_of_minute(key.minute) for key in self.rows)

    def n_events_of(self, day: dt.date) -> int:
        """Return how many events all rows of ``day`` stand for."""
        return sum(row.n_events for key, row in self.rows.items() if _day_of_minute(key.minute) == day)

    def merge(self, other: "EventCollector") -> None:
        """Count the other's events too."""
        for key, row in other.rows.items():
            self._count(
                key,
                row.component_kind,
                row.event_class,
                row.severity,
                row.message,
                row.n_events,
                row.second,
            )
        self.overflow.update(other.overflow)
        self.n_not_hardware.update(other.n_not_hardware)

    def table_of(self, day: dt.date, source: str) -> pa.Table:
        """Return raw_hw_events of ``day``, sorted by time. An event is known from when it happened."""
        chosen = sorted(
            ((key, row) for key, row in self.rows.items() if _day_of_minute(key.minute) == day),
            key=lambda each: (
                each[1].second,
                each[0].host_id,
                each[0].signature,
                each[0].template,
                _id(each[0]),
            ),
        )
        keys = [key for key, _ in chosen]
        rows = [row for _, row in chosen]
        numbers = {template: template_id(template) for template in {key.template for key in keys}}
        happened = pa.array(np.array([round(row.second * 1e6) for row in rows], np.int64)).cast(
            pa.timestamp("us", tz="UTC")
        )
        columns: dict[str, pa.Array] = {
            "event_id": pa.array([_id(key) for key in keys], pa.string()),
            "host_id": pa.array([key.host_id for key in keys], pa.string()),
            "component_kind": pa.array([row.component_kind for row in rows], pa.string()),
            "component_hint": pa.array([key.component_hint or None for key in keys], pa.string()),
            "event_class": pa.array([row.event_class for row in rows], pa.string()),
            "signature": pa.array([key.signature or None for key in keys], pa.string()),
            "template_id": pa.array([numbers[key.template] for key in keys], pa.uint64()),
            "template": pa.array([key.template for key in keys], pa.string()),
            "message": pa.array([escape_text(row.message) or "(empty)" for row in rows], pa.string()),
            "severity": pa.array([row.severity for row in rows], pa.string()),
            "n_events": pa.array([min(row.n_events, 1_000_000_000) for row in rows], pa.int32()),
            "happened_at": happened,
            "source": pa.array([source] * len(rows), pa.string()),
            "known_at": happened,
        }
        for at, name in enumerate(PLACES):
            columns[name] = pa.array([key.place[at] for key in keys], pa.int32())
        return complete_columns(DATASET, columns, len(rows))


def raw_events(
    collector: EventCollector,
    day: dt.date,
    source: str,
    inputs: Sequence[InputFile],
    left_out: Mapping[str, tuple[int, str]],
) -> RawTable:
    """Return what a source delivers of ``day``; ``left_out`` goes from reason to count and example."""
    n_others = collector.n_not_hardware[(day - dt.date(1970, 1, 1)).days]
    others = {NOT_HARDWARE: (n_others, "logins, jobs, services")} if n_others else {}
    bounds = {reason: (count, "counted in one row a host") for reason, count in collector.overflow.items()}
    return RawTable(
        dataset=DATASET,
        table=collector.table_of(day, source),
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


def _printable(host_id: str) -> str:
    """Return the host's name as lists may show it; a log server's line can name any."""
    return host_id if host_id.isprintable() and len(host_id) < 256 else escape_text(host_id, 255)


def _day_of_minute(minute: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=minute // 1440)


def _id(key: EventKey) -> str:
    parts = (key.host_id, key.minute, key.signature, key.template, key.component_hint, key.place)
    return hashlib.blake2b(repr(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()
