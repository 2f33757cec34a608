"""Find the log lines that count beside a listed component: known hardware events of the part, else of its host."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.log_templates import escape_text
from features.words import name_kind
from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake
from pipelines.part_places import HINT, PLACE_COLUMNS, lay_to_parts, places_of_predictions, read_part_places
from pipelines.report.content import LogExcerpt, LogLine
from pipelines.settings import Settings

DATASET = "raw_hw_events"
LOOKBACK_DAYS = 30
MAX_LINES = 8
MAX_LINE_CHARS = 200

_TEXTS = ("host_id", "component_kind", HINT, "signature", "severity", "message")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("n_events", pa.int64()),
        ("happened_at", pa.timestamp("us", tz="UTC")),
        *((name, pa.int32()) for name in PLACE_COLUMNS),
    ]
)
_PART_OF_DAY = re.compile(rf"^{DATASET}/day=(\d{{4}}-\d{{2}}-\d{{2}})/part-([^/]+)\.parquet$")
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
    listed: pa.Table, predictions: pa.Table, day: dt.date, settings: Settings, lake: Lake
) -> tuple[LogExcerpt | None, ...]:
    """Return for each row of ``listed`` what the logs said in ``(day - 30, day]`` that a signature knows.

    The events of the part itself, wherever it sat; where there are none, those of parts of its kind on its
    host; where there are none either, those of its host; else null. Only what was known by the end of
    ``day``. The worst come first, then the latest, at most ``MAX_LINES`` of at most ``MAX_LINE_CHARS``
    characters.

    ``listed`` has host_id, component_kind and component_id. The inventory of each day says which part sat
    in which slot, and so whose line it was; ``predictions``, one row per component and target, where a day
    has no inventory.
    """
    of_parts: dict[tuple[str | None, str | None], list[_Event]] = {}
    of_hosts: dict[str, list[_Event]] = {}
    for event in _read_events(listed, predictions, day, settings, lake):
        of_parts.setdefault((event.component_kind, event.component_id), []).append(event)
        of_hosts.setdefault(event.host_id, []).append(event)
    return tuple(
        _choose(
            row["component_kind"],
            of_parts.get((row["component_kind"], row["component_id"]), []),
            of_hosts.get(row["host_id"], []),
        )
        for row in listed.select(["host_id", "component_kind", "component_id"]).to_pylist()
    )


def _choose(kind: str, of_part: list[_Event], of_host: list[_Event]) -> LogExcerpt | None:
    if kind == _HOST:
        return _excerpt("this host", of_host)
    return (
        _excerpt(f"this {name_kind(kind)}", of_part)
        or _excerpt(
            f"a {name_kind(kind)} of its host", [event for event in of_host if event.component_kind == kind]
        )
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


def _read_events(
    listed: pa.Table, predictions: pa.Table, day: dt.date, settings: Settings, lake: Lake
) -> Iterator[_Event]:
    """Yield the known events of these parts and their hosts, one per signature, part and host."""
    today = places_of_predictions(predictions)
    tables = []
    for at, sources in _list_parts(day, lake).items():
        places = read_part_places(at, settings, lake)
        places = today if places is None else places
        hosts = _hosts_of(listed, places)
        rows = pa.concat_tables([_read_part(at, part, hosts, end_of_day(day), lake) for part in sources])
        if rows.num_rows:
            tables.append(lay_to_parts(rows, places))
    if not tables:
        return
    rows = pa.concat_tables(tables)
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


def _hosts_of(listed: pa.Table, places: pa.Table) -> pa.Array:
    """Return the hosts of the listed parts, today's and those they sat in by ``places``."""
    was_there = pc.is_in(places["component_id"], value_set=pc.unique(listed["component_id"]))
    return pc.unique(
        pa.chunked_array([*listed["host_id"].chunks, *places["host_id"].filter(was_there).chunks])
    )


def _list_parts(day: dt.date, lake: Lake) -> dict[dt.date, list[str]]:
    """Return the days of the lookback of which there are events, in order, and each one's sources.

    A day that a source with events left out is looked for, so that the list's manifest says it was not there.
    """
    days = [day - dt.timedelta(days=back) for back in reversed(range(LOOKBACK_DAYS))]
    found = (_PART_OF_DAY.match(item.key) for item in lake.store.list_keys(f"{DATASET}/day="))
    named = {(dt.date.fromisoformat(match[1]), match[2]) for match in found if match}
    there = {(at, part) for at, part in named if at in days}
    sources = sorted({part for _, part in there})
    delivered = {
        at: [part for part in sources if (at, part) in there or lake.has_day(DATASET, at, part=part)]
        for at in days
    }
    return {at: parts for at, parts in delivered.items() if parts}


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
