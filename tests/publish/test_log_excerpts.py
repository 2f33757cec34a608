"""Beside a listed part stand the log lines that count: few, short, of that part, and inert."""

import datetime as dt
from collections.abc import Mapping

import pyarrow as pa
import pytest

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.lake import Lake
from pipelines.log_excerpts import LOOKBACK_DAYS, MAX_LINE_CHARS, MAX_LINES, read_log_excerpts
from pipelines.report.content import LogExcerpt
from pipelines.report.page import render_report
from pipelines.settings import Settings
from pipelines.store_views import RecordingStore

from .hand_made_report import entry, report
from .test_report_page import Page

DAY = dt.date(2026, 2, 1)
PARTS = (
    ("drive", "Z1", "web-1", "1"),
    ("drive", "Z2", "web-1", "2"),
    ("dimm", "M1", "web-1", "DIMM_A1 (60 % sure)"),
    ("dimm", "web-1/DIMM_B1", "web-1", None),
    ("host", "web-1", "web-1", None),
    ("drive", "Z3", "web-2", "1"),
)


def parts(*ids: str) -> pa.Table:
    """Predictions, or a list: the rows of PARTS, or those of these components."""
    chosen = [part for part in PARTS if not ids or part[1] in ids]
    columns = ("component_kind", "component_id", "host_id", "slot")
    return pa.table(
        {name: pa.array([row[i] for row in chosen], pa.string()) for i, name in enumerate(columns)}
    )


def event(kind: str | None, hint: str | None, message: str, **changes: object) -> dict[str, object]:
    return {
        "host_id": "web-1",
        "component_kind": kind,
        "component_hint": hint,
        "event_class": "memory_corrected_error",
        "signature": "memory_1",
        "template_id": 7,
        "template": "x",
        "message": message,
        "severity": "warning",
        "n_events": 1,
        "source": "logs",
        **changes,
    }


def write_events(
    lake: Lake, *events: Mapping[str, object], day: dt.date = DAY, part: str = "logs", late: bool = False
) -> None:
    """Write events of one day, a minute apart, known that evening or (``late``) five days later."""
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    rows = [
        {
            "event_id": f"{part}-{number}",
            "happened_at": midnight + dt.timedelta(minutes=number),
            "known_at": midnight + dt.timedelta(days=5 if late else 0, hours=23),
            **row,
        }
        for number, row in enumerate(events)
    ]
    schema = schema_of(load_contract("raw_hw_events"))
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    lake.write_day("raw_hw_events", day, pa.table(columns, schema=schema), part=part)


def excerpt_of(lake: Lake, component_id: str, day: dt.date = DAY) -> LogExcerpt | None:
    (found,) = read_log_excerpts(parts(component_id), parts(), day, Settings(), lake)
    return found


def texts_of(lake: Lake, component_id: str) -> tuple[str, ...]:
    found = excerpt_of(lake, component_id)
    return () if found is None else tuple(line.text for line in found.lines)


def test_a_part_has_its_own_lines_whatever_the_log_calls_it(lake: Lake) -> None:
    write_events(
        lake,
        event("dimm", "A1", "error in A1"),
        event("dimm", "DIMM_B1", "error in B1"),
        event("drive", "sda", "error of a disk"),
    )
    assert texts_of(lake, "M1") == ("error in A1",)
    assert texts_of(lake, "web-1/DIMM_B1") == ("error in B1",)
    found = excerpt_of(lake, "M1")
    assert found is not None
    assert found.about == "this DIMM"


def test_a_part_that_no_line_names_has_those_of_its_kind_and_else_of_its_host(lake: Lake) -> None:
    write_events(lake, event("drive", "sda", "error of a disk"), event("dimm", "A1", "error in A1"))
    found = excerpt_of(lake, "Z1")
    assert found is not None
    assert (found.about, [line.text for line in found.lines]) == ("a drive of its host", ["error of a disk"])
    write_events(lake, event("dimm", "A1", "error in A1"))
    found = excerpt_of(lake, "Z1")
    assert found is not None
    assert (found.about, [line.text for line in found.lines]) == ("its host", ["error in A1"])


def test_a_host_has_the_lines_of_all_its_parts_and_another_host_has_none(lake: Lake) -> None:
    write_events(lake, event("drive", "sda", "disk"), event("dimm", "A1", "dimm"), event(None, None, "board"))
    assert sorted(texts_of(lake, "web-1")) == ["board", "dimm", "disk"]
    assert excerpt_of(lake, "Z3") is None


def test_lines_of_one_signature_and_part_are_one_with_count_and_first_and_last_time(lake: Lake) -> None:
    write_events(lake, event("dimm", "A1", "the first", n_events=5), day=DAY - dt.timedelta(days=9))
    write_events(lake, event("dimm", "A1", "second", n_events=2), event("dimm", "DIMM_A1", "the last"))
    found = excerpt_of(lake, "M1")
    assert found is not None
    (line,) = found.lines
    assert (line.text, line.count) == ("the last", 8)
    assert line.first_at == dt.datetime(2026, 1, 23, tzinfo=dt.UTC)
    assert line.last_at == dt.datetime(2026, 2, 1, 0, 1, tzinfo=dt.UTC)


def test_only_known_lines_of_the_last_thirty_days_that_had_reached_us_count(lake: Lake) -> None:
    write_events(lake, event("dimm", "A1", "too old"), day=DAY - dt.timedelta(days=LOOKBACK_DAYS))
    write_events(lake, event("dimm", "A1", "of tomorrow"), day=DAY + dt.timedelta(days=1))
    write_events(lake, event("dimm", "A1", "came late"), day=DAY - dt.timedelta(days=2), late=True)
    write_events(lake, event("dimm", "A1", "unknown to the catalogue", signature=None))
    assert excerpt_of(lake, "M1") is None
    write_events(lake, event("dimm", "A1", "oldest"), day=DAY - dt.timedelta(days=LOOKBACK_DAYS - 1))
    assert texts_of(lake, "M1") == ("oldest",)


def test_the_worst_lines_come_first_and_the_rest_is_counted(lake: Lake) -> None:
    severities = ["info", "warning", None, "error", "critical"] * 4
    write_events(
        lake,
        *(
            event("dimm", "A1", f"line {number}", signature=f"memory_{number}", severity=severity)
            for number, severity in enumerate(severities)
        ),
    )
    found = excerpt_of(lake, "M1")
    assert found is not None
    assert len(found.lines) == MAX_LINES
    assert found.n_left_out == len(severities) - MAX_LINES
    assert [line.severity for line in found.lines] == ["critical"] * 4 + ["error"] * 4
    assert found.lines[0].text == "line 19", "of equal severity the latest"


def test_the_order_in_which_sources_deliver_changes_nothing(lake: Lake) -> None:
    one, two = event("dimm", "A1", "one"), event("dimm", "A1", "two")
    write_events(lake, one, part="a")
    write_events(lake, two, part="b")
    before = excerpt_of(lake, "M1")
    write_events(lake, two, part="a")
    write_events(lake, one, part="b")
    assert excerpt_of(lake, "M1") == before


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b]0;pwned\x07\x1b[2J\x1b[31mred\x1b[0m",
    "\u202egnp.exe\u2066\u200b",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "A" * 2_000_000,
)


@pytest.mark.parametrize(
    "message", HOSTILE, ids=["markup", "terminal", "bidi", "attribute", "template", "huge"]
)
def test_a_hostile_line_is_shown_short_and_does_nothing(lake: Lake, message: str) -> None:
    # Past the contract, which would have set such a row aside: the page does not rely on that.
    write_events(lake, event("dimm", "A1", message, severity="error"))
    found = excerpt_of(lake, "M1")
    assert found is not None
    (line,) = found.lines
    assert len(line.text) <= MAX_LINE_CHARS
    assert not [char for char in line.text if ord(char) < 32 or 0x7F <= ord(char) < 0xA0]
    assert not set(line.text) & set("\u202e\u2066\u200b")
    data = render_report(report(1, entries=(entry(1, log=found),)))
    page = Page(data)
    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.tags)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert line.text in " ".join(page.words)
    assert len(data) < 100_000
    assert b"\x1b" not in data


def test_what_was_read_and_what_was_not_there_is_recorded(lake: Lake) -> None:
    write_events(lake, event("dimm", "A1", "one"), day=DAY - dt.timedelta(days=1))
    recording = RecordingStore(lake.store)
    read_log_excerpts(parts("M1"), parts(), DAY, Settings(), Lake(recording))
    there = f"raw_hw_events/day={DAY - dt.timedelta(days=1)}/part-logs.parquet"
    missing = f"raw_hw_events/day={DAY}/part-logs.parquet"
    assert recording.digests[there] is not None
    assert recording.digests[missing] is None
    assert len(recording.digests) == LOOKBACK_DAYS


def test_a_fleet_without_logs_reads_nothing(lake: Lake) -> None:
    recording = RecordingStore(lake.store)
    assert read_log_excerpts(parts("Z1", "Z3"), parts(), DAY, Settings(), Lake(recording)) == (None, None)
    assert recording.digests == {}
