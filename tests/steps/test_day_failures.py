"""Failures of a day: drive sources and repair records together, each failure once, laid to its component."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from data_contracts.loader import load_contract
from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.sources.raw_columns import complete_columns
from pipelines.validation import validate_day
from tests.factories import make_valid_table, with_values
from tests.steps.hand_made_sources import settings_of

DAY = dt.date(2026, 2, 2)
DAY_BEFORE = DAY - dt.timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(
        tmp_path,
        {"name": "drives", "kind": "smartctl", "path": "nothing"},
        {"name": "logs", "kind": "kernel_log", "path": "nothing"},
        {"name": "cmdb", "kind": "inventory_file", "path": "nothing"},
        {"name": "repairs", "kind": "failure_records", "path": "repairs.csv"},
    )


def deliver_drives(lake: Lake, day: dt.date, *, failed: tuple[str, ...] = ()) -> None:
    names = ["Z1", "Z2", "Z3"]
    table = with_values(make_valid_table("raw_drive_smart", 3, day), "serial_number", dict(enumerate(names)))
    table = with_values(table, "is_failed", {row: name in failed for row, name in enumerate(names)})
    table = with_values(table, "source", dict.fromkeys(range(3), "drives"))
    lake.write_day("raw_drive_smart", day, table, part="drives")


def deliver_inventory(lake: Lake, day: dt.date, *modules: tuple[str, str]) -> None:
    """Write an inventory of web-1: component_id and slot of each module."""
    n = len(modules)
    columns = {
        "component_id": pa.array([name for name, _ in modules], pa.string()),
        "component_kind": pa.array(["dimm"] * n),
        "host_id": pa.array(["web-1"] * n),
        "slot": pa.array([slot for _, slot in modules], pa.string()),
        "model": pa.array(["M393"] * n),
        "source": pa.array(["cmdb"] * n),
        "known_at": pa.array(
            [dt.datetime.combine(day, dt.time(12), dt.UTC)] * n, pa.timestamp("us", tz="UTC")
        ),
    }
    lake.write_day("raw_inventory", day, complete_columns("raw_inventory", columns, n), part="cmdb")


def record(settings: Settings, lake: Lake, day: dt.date, *lines: str) -> None:
    head = "component_id,component_kind,host_id,failed_at,known_at"
    (settings.base_folder / "repairs.csv").write_text("\n".join((head, *lines)) + "\n", "utf-8")
    ingest_day(day, settings, lake, source_names=["repairs"])


def failures(lake: Lake, day: dt.date) -> dict[str, tuple[str, str, str]]:
    rows = lake.read_day("core_failures", day).to_pylist()
    assert len({(row["component_kind"], row["component_id"]) for row in rows}) == len(rows)
    return {row["component_id"]: (row["component_kind"], row["model"], row["failure_source"]) for row in rows}


def test_a_drive_that_both_name_counts_once_and_the_drives_own_word_wins(
    settings: Settings, lake: Lake
) -> None:
    deliver_drives(lake, DAY, failed=("Z1",))
    record(settings, lake, DAY, f"Z1,drive,web-1,{DAY},", f"Z2,drive,web-1,{DAY},")
    build_day(DAY, settings, lake)
    found = failures(lake, DAY)
    assert {name: source for name, (_, _, source) in found.items()} == {"Z1": "drives", "Z2": "repairs"}
    models = dict(
        zip(
            *(lake.read_day("core_drive_days", DAY)[c].to_pylist() for c in ("component_id", "model")),
            strict=True,
        )
    )
    assert found["Z2"][1] == models["Z2"]


@pytest.mark.parametrize("is_record_first", [True, False])
def test_what_another_source_told_in_the_week_before_is_the_same_failure(
    is_record_first: bool, settings: Settings, lake: Lake
) -> None:
    says_drive, says_record = (DAY, DAY_BEFORE) if is_record_first else (DAY_BEFORE, DAY)
    for day in (DAY_BEFORE, DAY):
        deliver_drives(lake, day, failed=("Z1",) if day == says_drive else ())
        record(settings, lake, day, f"Z1,drive,web-1,{says_record},")
        build_day(day, settings, lake)
    assert (list(failures(lake, DAY_BEFORE)), list(failures(lake, DAY))) == (["Z1"], [])


def test_a_failed_module_is_the_one_that_sat_there_the_evening_before(settings: Settings, lake: Lake) -> None:
    deliver_inventory(lake, DAY_BEFORE, ("S-1", "DIMM_A1"), ("S-2", "DIMM_A2"))
    # By the evening it was exchanged.
    deliver_inventory(lake, DAY, ("S-9", "DIMM_A1"), ("S-2", "DIMM_A2"))
    deliver_drives(lake, DAY)
    record(
        settings,
        lake,
        DAY,
        f"A1,dimm,web-1,{DAY},",
        f"S-2,dimm,,{DAY},",
        f"A7,dimm,web-7,{DAY},",
        f"web-3,host,web-3,{DAY},",
    )
    build_day(DAY, settings, lake)
    assert failures(lake, DAY) == {
        "S-1": ("dimm", "M393", "repairs"),
        "S-2": ("dimm", "M393", "repairs"),
        "A7": ("dimm", "unknown", "repairs"),
        "web-3": ("host", "unknown", "repairs"),
    }
    hosts = {row["component_id"]: row["host_id"] for row in lake.read_day("core_failures", DAY).to_pylist()}
    assert hosts == {"S-1": "web-1", "S-2": "web-1", "A7": "web-7", "web-3": "web-3"}
    assert (
        validate_day(
            load_contract("core_failures"), lake.read_day("core_failures", DAY), DAY, lake
        ).n_quarantined
        == 0
    )


def test_a_failure_counts_from_when_its_record_was_known(settings: Settings, lake: Lake) -> None:
    deliver_drives(lake, DAY)
    record(settings, lake, DAY, f"Z1,drive,web-1,{DAY},2026-02-20T08:00:00")
    build_day(DAY, settings, lake)
    (row,) = lake.read_day("core_failures", DAY).to_pylist()
    assert row["known_at"] == dt.datetime(2026, 2, 20, 8, tzinfo=dt.UTC)
