"""Days of parts: who has a row, what a zero means, and what counts as new."""

import datetime as dt
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from features.component_kinds import (
    ComponentKind,
    list_component_kinds,
    load_component_kind,
    read_component_kind,
)
from features.kind_days import ComponentDays, make_component_days
from features.signatures import load_catalogue
from pipelines.prometheus.catalogue import list_catalogues
from pipelines.prometheus.catalogue import load_catalogue as load_metrics
from pipelines.sources.memory_places import PLACES

NOON = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)
UTC = pa.timestamp("us", tz="UTC")

KIND = """
kind: dimm
dataset: core_dimm_days
identity: component_id
labels: ['DIMM_(?P<slot_name>[A-Z][0-9])']
signals:
  - name: errors
    kind: gauge
    unit: errors
    upper_bound: 1000
    source: {dataset: raw_hw_events, where: {event_class: [corrected]}, column: n_events, across: sum}
    absent: 0
  - name: rows
    kind: gauge
    unit: rows
    upper_bound: 1000
    source: {dataset: raw_hw_events, where: {event_class: [corrected]}, column: row, across: count_distinct}
    absent: 0
"""

HOST = """
kind: host
dataset: core_host_days
identity: host_id
signals:
  - name: new_on_fleet
    kind: gauge
    unit: templates
    upper_bound: 1000
    source: {dataset: raw_hw_events, where: {}, column: template_id, across: count_distinct, new_to: fleet}
  - name: new_on_host
    kind: gauge
    unit: templates
    upper_bound: 1000
    source: {dataset: raw_hw_events, where: {}, column: template_id, across: count_distinct, new_to: host}
"""


def read_kind(folder: Path, text: str) -> ComponentKind:
    (folder / "kind.yaml").write_text(text, "utf-8")
    return read_component_kind(folder / "kind.yaml")


def events(*rows: tuple[str, str | None, str | None, int | None], known_at: dt.datetime = NOON) -> pa.Table:
    """Return rows of host, kind of component, hint and row in the memory; two events each."""
    return pa.table(
        {
            "host_id": pa.array([host for host, _, _, _ in rows], pa.string()),
            "component_kind": pa.array([kind for _, kind, _, _ in rows], pa.string()),
            "component_hint": pa.array([hint for _, _, hint, _ in rows], pa.string()),
            "event_class": pa.array(
                ["corrected" if kind else "unknown" for _, kind, _, _ in rows], pa.string()
            ),
            "n_events": pa.array([2] * len(rows), pa.int32()),
            "row": pa.array([row for _, _, _, row in rows], pa.int32()),
            "known_at": pa.array([known_at] * len(rows), UTC),
        }
    )


INVENTORY = pa.table(
    {
        "component_id": ["S-1", "S-2", "S-3", "web-1", "drive-1"],
        "component_kind": ["dimm", "dimm", "dimm", "host", "drive"],
        "host_id": ["web-1", "web-1", "web-2", "web-1", "web-1"],
        "slot": ["A1", "DIMM_A2", "DIMM_A1", None, "bay 1"],
        "model": ["M393", "M393", "M386", "R740", "ST4000"],
    }
)


def by_part(made: ComponentDays) -> dict[str, dict[str, object]]:
    return {row["component_id"]: row for row in made.table.to_pylist()}


def test_a_part_that_reported_nothing_wrong_has_a_row_of_zeros_where_its_host_was_heard(
    tmp_path: Path,
) -> None:
    kind = read_kind(tmp_path, KIND)
    made = make_component_days(kind, {"raw_hw_events": events(("web-1", "dimm", "DIMM_A2", 7))}, INVENTORY)
    rows = by_part(made)
    assert {
        part: (row["errors"], row["rows"], row["model"], row["host_id"]) for part, row in rows.items()
    } == {
        "S-1": (0.0, 0.0, "M393", "web-1"),
        "S-2": (2.0, 1.0, "M393", "web-1"),
    }
    assert (made.n_unplaced, made.n_unknown) == (0, 0)


def test_a_line_of_another_part_is_proof_enough_that_the_host_was_heard(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, KIND)
    rows = by_part(
        make_component_days(kind, {"raw_hw_events": events(("web-2", None, None, None))}, INVENTORY)
    )
    assert {part: row["errors"] for part, row in rows.items()} == {"S-3": 0.0}


def test_a_silent_host_says_nothing_of_its_parts(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, KIND)
    made = make_component_days(kind, {"raw_hw_events": events()}, INVENTORY)
    assert made.table.num_rows == 0


def test_a_part_that_no_inventory_names_is_counted_and_never_dropped(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, KIND)
    said = events(
        ("web-1", "dimm", "DIMM_A9", 1), ("web-1", "dimm", "DIMM_A9", 2), ("web-7", "dimm", "DIMM_A1", 1)
    )
    made = make_component_days(kind, {"raw_hw_events": said}, INVENTORY)
    rows = by_part(made)
    assert (rows["web-1/DIMM_A9"]["errors"], rows["web-1/DIMM_A9"]["rows"]) == (4.0, 2.0)
    assert (rows["web-7/DIMM_A1"]["errors"], rows["web-7/DIMM_A1"]["model"]) == (2.0, "unknown")
    assert (made.n_unplaced, made.n_unknown) == (0, 2)


def test_an_error_of_no_known_place_is_its_hosts_and_no_component(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, KIND)
    said = events(("web-1", "dimm", None, None), ("web-1", "dimm", None, None), ("web-7", "dimm", None, None))
    made = make_component_days(kind, {"raw_hw_events": said}, INVENTORY)
    assert {part: row["errors"] for part, row in by_part(made).items()} == {"S-1": 0.0, "S-2": 0.0}
    assert (made.n_unplaced, made.n_unknown) == (3, 0)


def test_a_spread_that_no_log_states_is_unknown_and_not_none(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, KIND)
    said = events(("web-1", "dimm", "DIMM_A2", None), ("web-1", "dimm", "A1", 5), ("web-1", "dimm", "A1", 5))
    rows = by_part(make_component_days(kind, {"raw_hw_events": said}, INVENTORY))
    assert (rows["S-2"]["errors"], rows["S-2"]["rows"]) == (2.0, None)
    assert (rows["S-1"]["errors"], rows["S-1"]["rows"]) == (4.0, 1.0)


def test_a_zero_is_known_no_earlier_than_the_last_line_of_its_host(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, KIND)
    late = NOON + dt.timedelta(days=2)
    said = pa.concat_tables(
        [events(("web-1", "dimm", "DIMM_A2", 7)), events(("web-1", None, None, None), known_at=late)]
    )
    rows = by_part(make_component_days(kind, {"raw_hw_events": said}, INVENTORY))
    assert {row["known_at"] for row in rows.values()} == {late}


def templates(*rows: tuple[str, int]) -> pa.Table:
    return pa.table(
        {
            "host_id": [host for host, _ in rows],
            "template_id": pa.array([template for _, template in rows], pa.uint64()),
            "known_at": pa.array([NOON] * len(rows), UTC),
        }
    )


def seen(*rows: tuple[str, int | None]) -> dict[tuple[str, str], pa.Table]:
    pairs = pa.table(
        {
            "host_id": [host for host, _ in rows],
            "value": pa.array([template for _, template in rows], pa.uint64()),
        }
    )
    return {("raw_hw_events", "template_id"): pairs}


def test_what_nobody_wrote_before_is_new_to_the_fleet_and_what_this_host_did_not_is_new_to_it(
    tmp_path: Path,
) -> None:
    kind = read_kind(tmp_path, HOST)
    # Numbers beyond 2**53, which a float would take for one and the same.
    a, b, c = 2**63 + 1, 2**63 + 2, 2**63 + 3
    today = templates(("web-1", a), ("web-1", b), ("web-1", c), ("web-1", c), ("web-2", a), ("web-3", a))
    before = seen(("web-1", a), ("web-2", b), ("web-2", a), ("web-9", None))
    rows = by_part(make_component_days(kind, {"raw_hw_events": today}, None, before))
    assert {host: (row["new_on_fleet"], row["new_on_host"]) for host, row in rows.items()} == {
        "web-1": (1.0, 2.0),
        "web-2": (0.0, 0.0),
        # Nobody knows what this host usually writes.
        "web-3": (0.0, None),
    }


def test_without_a_past_nothing_can_be_called_new(tmp_path: Path) -> None:
    kind = read_kind(tmp_path, HOST)
    rows = by_part(make_component_days(kind, {"raw_hw_events": templates(("web-1", 1))}))
    assert (rows["web-1"]["new_on_fleet"], rows["web-1"]["new_on_host"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[A-Z][0-9])'", "[A-Z][0-9]'"), "is no regular expression"),
        (("(?P<slot_name>[A-Z][0-9])", "[A-Z][0-9]"), "has no named group that says a place"),
        (("across: sum}", "across: sum, new_to: fleet}"), "needs across: count_distinct, not sum"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        read_kind(tmp_path, KIND.replace(*change))


@pytest.mark.parametrize("name", list_component_kinds())
def test_shipped_kinds_name_classes_of_the_catalogue_and_signals_of_the_exporters(name: str) -> None:
    signatures = load_catalogue().signatures
    classes = {signature.event_class for signature in signatures}
    classes |= {code.event_class for signature in signatures for code in signature.codes}
    exported = {entry.signal for exporter in list_catalogues() for entry in load_metrics(exporter).metrics}
    for signal in load_component_kind(name).signals:
        assert set(signal.source.where.get("event_class", ())) <= classes, signal.name
        assert set(signal.source.where.get("signal", ())) <= exported, signal.name


@pytest.mark.parametrize("name", ["dimm", "gpu"])
def test_every_class_of_event_that_points_to_a_part_is_a_signal_of_it(name: str) -> None:
    ours = [signature for signature in load_catalogue().signatures if signature.component_kind == name]
    said = {signature.event_class for signature in ours}
    said |= {code.event_class for signature in ours for code in signature.codes}
    counted = {c for s in load_component_kind(name).signals for c in s.source.where.get("event_class", ())}
    assert said <= counted


def test_place_columns_are_columns_of_events() -> None:
    assert set(load_component_kind("dimm").place_columns) <= set(PLACES)
