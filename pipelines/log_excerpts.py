"""Find the log lines that count beside a listed component: known hardware events of the part, else of its host."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import list_component_kinds, load_component_kind
from features.event_components import name_parts
from features.log_templates import escape_text
from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake
from pipelines.report.content import LogExcerpt, LogLine

DATASET = "raw_hw_events"
LOOKBACK_DAYS = 30
MAX_LINES = 8
MAX_LINE_CHARS = 200

_HINT = "component_hint"
_PLACES = ("socket", "channel", "dimm", "rank", "bank")
_TEXTS = ("host_id", "component_kind", _HINT, "signature", "severity", "message")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("n_events", pa.int64()),
        ("happened_at", pa.timestamp("us", tz="UTC")),
        *((name, pa.int32()) for name in _PLACES),
    ]
)
_PART_OF_DAY = re.compile(rf"^{DATASET}/day=(\d{{4}}-\d{{2}}-\d{{2}})/part-([^/]+)\.parquet$")
_SURENESS = r" \(\d+ % sure\)$"
_SEVERITIES = ("critical", "error", "warning", "info")
_HOST = "host"


@dataclass(frozen=True, kw_only=True)
class _Event:
    """All known events of one signature, part and host in the lookback; ``message`` is of the latest."""

    host_id: str
    component_kind: str | None
    component_id: str | None
    severity: str | None
    message: str
    n_events: int
    first_at: dt.datetime
    last_at: dt.datetime


def read_log_excerpts(
    listed: pa.Table, predictions: pa.Table, day: dt.date, lake: Lake
) -> tuple[LogExcerpt | None, ...]:
    """Return for each row of ``listed`` what the logs said in ``(day - 30, day]`` that a signature knows.

    The events of the part itself; where there are none, those of parts of its kind on its host; where there
    are none either, those of its host; else null. Only what was known by the end of ``day``. The worst
    come first, then the latest, at most ``MAX_LINES`` of at most ``MAX_LINE_CHARS`` characters.

    ``listed`` has host_id, component_kind and component_id. ``predictions``, one row per component and
    target, says which parts each host has and in which slots: that is what log lines are laid to.
    """
    events: dict[str, list[_Event]] = {}
    for event in _read_events(pc.unique(listed["host_id"]), predictions, day, lake):
        events.setdefault(event.host_id, []).append(event)
    return tuple(
        _choose(row["component_kind"], row["component_id"], events.get(row["host_id"], []))
        for row in listed.select(["host_id", "component_kind", "component_id"]).to_pylist()
    )


def _choose(kind: str, component_id: str, of_host: list[_Event]) -> LogExcerpt | None:
    if kind == _HOST:
        return _excerpt("this host", of_host)
    of_kind = [event for event in of_host if event.component_kind == kind]
    of_part = [event for event in of_kind if event.component_id == component_id]
    return (
        _excerpt(f"this {kind}", of_part)
        or _excerpt(f"a {kind} of its host", of_kind)
        or _excerpt("its host", of_host)
    )


def _excerpt(about: str, events: list[_Event]) -> LogExcerpt | None:
    if not events:
        return None
    worst = sorted(events, key=_order)
    return LogExcerpt(
        about=about,
        n_days=LOOKBACK_DAYS,
        lines=tuple(
            LogLine(
                text=escape_text(event.message, MAX_LINE_CHARS),
                severity=event.severity or "not graded",
                count=event.n_events,
                first_at=event.first_at,
                last_at=event.last_at,
            )
            for event in worst[:MAX_LINES]
        ),
        n_left_out=max(0, len(worst) - MAX_LINES),
    )


def _order(event: _Event) -> tuple[int, float, int, str, str]:
    known = event.severity in _SEVERITIES
    grade = _SEVERITIES.index(str(event.severity)) if known else len(_SEVERITIES)
    return grade, -event.last_at.timestamp(), -event.n_events, event.message, event.component_id or ""


def _read_events(hosts: pa.Array, predictions: pa.Table, day: dt.date, lake: Lake) -> Iterator[_Event]:
    """Yield the known events of these hosts, one per signature and part."""
    tables = [_read_part(at, part, hosts, end_of_day(day), lake) for at, part in _list_parts(day, lake)]
    if not any(table.num_rows for table in tables):
        return
    rows = _lay_to_parts(pa.concat_tables(tables), predictions)
    # Of equal times the text decides, so that the order of rows in a file does not.
    rows = rows.sort_by([("happened_at", "descending"), ("message", "ascending"), ("severity", "ascending")])
    grouped = rows.group_by(
        ["host_id", "component_kind", "component_id", "signature"], use_threads=False
    ).aggregate(
        [
            ("n_events", "sum"),
            ("happened_at", "min"),
            ("happened_at", "max"),
            ("message", "first"),
            ("severity", "first"),
        ]
    )
    for row in grouped.to_pylist():
        yield _Event(
            host_id=row["host_id"],
            component_kind=row["component_kind"],
            component_id=row["component_id"],
            severity=row["severity_first"],
            message=row["message_first"],
            n_events=row["n_events_sum"],
            first_at=row["happened_at_min"],
            last_at=row["happened_at_max"],
        )


def _lay_to_parts(events: pa.Table, predictions: pa.Table) -> pa.Table:
    """Return the events with a column component_id: the part that each is about, as the build step decides it."""
    of_no_part = events.filter(pc.is_null(events["component_kind"]))
    laid = [of_no_part.append_column("component_id", pa.nulls(of_no_part.num_rows, pa.string()))]
    for kind in sorted(set(pc.drop_null(events["component_kind"]).to_pylist())):
        rows = events.filter(pc.equal(events["component_kind"], kind))
        laid.append(rows.append_column("component_id", _name_parts(rows, kind, predictions)))
    return pa.concat_tables(laid)


def _name_parts(rows: pa.Table, kind: str, predictions: pa.Table) -> pa.Array:
    if kind == _HOST:
        return pa.nulls(rows.num_rows, pa.string())
    parts = predictions.filter(pc.equal(predictions["component_kind"], kind))
    slots = pc.replace_substring_regex(parts["slot"], pattern=_SURENESS, replacement="")
    parts = pa.table({"component_id": parts["component_id"], "host_id": parts["host_id"], "slot": slots})
    declared = load_component_kind(kind) if kind in list_component_kinds() else None
    labels = [] if declared is None else [re.compile(form, re.IGNORECASE) for form in declared.labels]
    places = () if declared is None else declared.place_columns
    return name_parts(rows, parts, hint=_HINT, labels=labels, place_columns=places).ids


def _list_parts(day: dt.date, lake: Lake) -> list[tuple[dt.date, str]]:
    """Return the days and sources of the lookback of which there are events, in order.

    A day that a source with events left out is looked for, so that the list's manifest says it was not there.
    """
    days = [day - dt.timedelta(days=back) for back in reversed(range(LOOKBACK_DAYS))]
    found = (_PART_OF_DAY.match(item.key) for item in lake.store.list_keys(f"{DATASET}/day="))
    named = {(dt.date.fromisoformat(match[1]), match[2]) for match in found if match}
    there = {(at, part) for at, part in named if at in days}
    sources = sorted({part for _, part in there})
    return [
        (at, part)
        for at in days
        for part in sources
        if (at, part) in there or lake.has_day(DATASET, at, part=part)
    ]


def _read_part(at: dt.date, part: str, hosts: pa.Array, known_before: dt.datetime, lake: Lake) -> pa.Table:
    """Return the known events of these hosts in one part, texts cut to what may be shown."""
    stored = lake.open_day(DATASET, at, part=part)
    # A fleet's log has far more rows than the list has hosts: texts are read only where one is on it.
    named = stored.read(columns=["host_id", "signature"])
    is_ours = pc.and_(pc.is_in(named["host_id"], value_set=hosts), pc.is_valid(named["signature"]))
    if not pc.any(is_ours).as_py():
        return _SCHEMA.empty_table()
    rows = stored.read(columns=[*_SCHEMA.names, "known_at"]).filter(is_ours)
    rows = rows.filter(pc.less(rows["known_at"], known_before)).select(_SCHEMA.names)
    message = pc.utf8_slice_codeunits(rows["message"], 0, MAX_LINE_CHARS + 1)
    rows = rows.set_column(rows.schema.get_field_index("message"), "message", message)
    return pa.table([rows[name].cast(_SCHEMA.field(name).type) for name in _SCHEMA.names], schema=_SCHEMA)
