"""Component kinds as data: what a kind's declaration makes of raw rows."""

import datetime as dt
import math
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from data_contracts.loader import load_contract
from data_contracts.model import InRange
from features.component_kinds import (
    ComponentKind,
    list_component_kinds,
    load_component_kind,
    read_component_kind,
)
from features.kind_days import make_component_days

NOON = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)

KIND = """
kind: host
dataset: core_host_days
identity: host_id
signals:
  - name: hottest
    kind: gauge
    unit: celsius
    upper_bound: 150
    source: {dataset: raw_host_metrics, where: {signal: [temperature]}, column: value_max, across: max}
  - name: errors
    kind: counter
    unit: errors
    upper_bound: 1000
    source: {dataset: raw_host_metrics, where: {component_kind: [nic], signal: [errors]}, column: value_last,
      across: sum}
  - name: crashes
    kind: gauge
    unit: events
    upper_bound: 1000
    source: {dataset: raw_hw_events, where: {event_class: [crash]}, column: n_events, across: sum}
    absent: 0
"""


@pytest.fixture
def kind(tmp_path: Path) -> ComponentKind:
    (tmp_path / "host.yaml").write_text(KIND)
    return read_component_kind(tmp_path / "host.yaml")


def metrics(*rows: tuple[str, str, str, float]) -> pa.Table:
    """Return rows of host, part, signal and value."""
    return pa.table(
        {
            "host_id": [host for host, _, _, _ in rows],
            "component_id": [f"{host}/{part}" for host, part, _, _ in rows],
            "component_kind": [part.split("-")[0] for _, part, _, _ in rows],
            "signal": [signal for _, _, signal, _ in rows],
            "value_max": [value for _, _, _, value in rows],
            "value_last": [value for _, _, _, value in rows],
            "known_at": pa.array([NOON] * len(rows), pa.timestamp("us", tz="UTC")),
        }
    )


def events(*rows: tuple[str, str, int]) -> pa.Table:
    return pa.table(
        {
            "host_id": [host for host, _, _ in rows],
            "event_class": [event_class for _, event_class, _ in rows],
            "n_events": pa.array([n for _, _, n in rows], pa.int32()),
            "known_at": pa.array([NOON + dt.timedelta(hours=1)] * len(rows), pa.timestamp("us", tz="UTC")),
        }
    )


def by_host(kind: ComponentKind, **raw: pa.Table) -> dict[str, dict[str, object]]:
    rows = make_component_days(kind, raw).table.to_pylist()
    return {row["component_id"]: row for row in rows}


def test_parts_are_put_together_per_host_as_the_signal_says(kind: ComponentKind) -> None:
    found = by_host(
        kind,
        raw_host_metrics=metrics(
            ("a", "host", "temperature", 40.0),
            ("a", "fan-1", "temperature", 61.0),
            ("a", "nic-1", "errors", 2.0),
            ("a", "nic-2", "errors", 5.0),
            ("a", "host", "errors", 100.0),
            ("b", "host", "temperature", 30.0),
        ),
    )
    assert (found["a"]["hottest"], found["a"]["errors"]) == (61.0, 7)
    assert (found["b"]["hottest"], found["b"]["errors"]) == (30.0, None)
    assert (found["a"]["host_id"], found["a"]["model"], found["a"]["capacity_bytes"]) == (
        "a",
        "unknown",
        None,
    )


def test_silence_is_zero_only_where_the_log_was_read(kind: ComponentKind) -> None:
    found = by_host(
        kind,
        raw_host_metrics=metrics(("a", "host", "temperature", 40.0), ("b", "host", "temperature", 30.0)),
        raw_hw_events=events(("a", "something else", 3), ("c", "crash", 2), ("c", "crash", 1)),
    )
    assert {host: row["crashes"] for host, row in found.items()} == {"a": 0, "b": None, "c": 3}


def test_a_dataset_that_nobody_delivered_leaves_its_signals_null(kind: ComponentKind) -> None:
    found = by_host(kind, raw_hw_events=events(("c", "crash", 2)))
    assert (found["c"]["crashes"], found["c"]["hottest"], found["c"]["errors"]) == (2, None, None)
    assert found["c"]["known_at"] == NOON + dt.timedelta(hours=1)


def test_a_value_beyond_its_bound_is_a_glitch_and_null(kind: ComponentKind) -> None:
    made = make_component_days(
        kind,
        {
            "raw_host_metrics": metrics(
                ("a", "host", "temperature", 4000.0),
                ("a", "nic-1", "errors", -1.0),
                ("b", "nic-1", "errors", 1.0),
            )
        },
    )
    assert made.n_glitches == 2
    rows = {row["component_id"]: row for row in made.table.to_pylist()}
    assert (rows["a"]["hottest"], rows["a"]["errors"], rows["b"]["errors"]) == (None, None, 1)


def test_models_come_from_the_inventory(kind: ComponentKind) -> None:
    inventory = pa.table({"component_id": ["a"], "host_id": ["a"], "model": ["R740"]})
    raw = {"raw_host_metrics": metrics(("a", "host", "temperature", 1.0), ("b", "host", "temperature", 1.0))}
    table = make_component_days(kind, raw, inventory).table
    assert dict(zip(table["component_id"].to_pylist(), table["model"].to_pylist(), strict=True)) == {
        "a": "R740",
        "b": "unknown",
    }


def test_row_order_never_matters(kind: ComponentKind) -> None:
    rows = [("a", "nic-1", "errors", 2.0), ("b", "host", "temperature", 3.0), ("a", "nic-2", "errors", 4.0)]
    forward = make_component_days(kind, {"raw_host_metrics": metrics(*rows)}).table
    backward = make_component_days(kind, {"raw_host_metrics": metrics(*rows[::-1])}).table
    assert forward.equals(backward)
    keys = forward["component_key"].to_pylist()
    assert keys == sorted(keys)


def test_a_declaration_that_names_a_signal_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "host.yaml").write_text(KIND.replace("name: errors", "name: hottest"))
    with pytest.raises(ValidationError, match="signals are named twice: hottest"):
        read_component_kind(tmp_path / "host.yaml")


@pytest.mark.parametrize("name", list_component_kinds())
def test_a_kinds_contract_has_its_signals_in_their_order(name: str) -> None:
    declared = load_component_kind(name)
    contract = load_contract(declared.dataset)
    describing = ["component_key", "component_id", "model", "host_id", "capacity_bytes"]
    kinds = {"counter": "int64", "gauge": "float32"}
    signals = [(signal.name, kinds[signal.kind]) for signal in declared.signals]
    assert [column.name for column in contract.columns[:5]] == describing
    assert [(column.name, column.physical_type) for column in contract.columns[5:-1]] == signals
    ranges = {rule.column: rule.check for rule in contract.rules if isinstance(rule.check, InRange)}
    for signal in declared.signals:
        maximum = ranges[signal.name].maximum
        assert maximum is not None
        assert math.isfinite(maximum)
        assert signal.upper_bound <= maximum


@pytest.mark.parametrize("name", list_component_kinds())
def test_a_kind_reads_columns_that_its_raw_datasets_have(name: str) -> None:
    for signal in load_component_kind(name).signals:
        columns = {column.name for column in load_contract(signal.source.dataset).columns}
        assert {signal.source.column, *signal.source.where} <= columns
