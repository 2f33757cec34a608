"""Where a component sits, as lists and tickets say it."""

import datetime as dt

import pyarrow as pa

from pipelines.inventory import join_inventory, read_inventory
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from tests.factories import make_valid_table, with_values

DAY = dt.date(2026, 2, 1)
COMPONENTS = pa.table({"component_id": ["Z1", "Z2", "Z3", "Z4"], "a": [1] * 4, "b": [1] * 4, "c": [1] * 4})


def places(lake: Lake, inventory: pa.Table) -> list[str | None]:
    source = SourceSettings.model_validate({"name": "cmdb", "kind": "inventory_file", "path": "x.csv"})
    lake.write_day("raw_inventory", DAY, inventory, part="cmdb")
    joined = join_inventory(COMPONENTS, DAY, Settings(sources=(source,)), lake)
    found: list[str | None] = joined["slot"].to_pylist()
    return found


def inventory() -> pa.Table:
    table = make_valid_table("raw_inventory", 3, DAY)
    table = with_values(table, "component_id", {0: "Z1", 1: "Z2", 2: "Z3"})
    return with_values(table, "slot", {0: "bay 7", 1: "bay 8", 2: "bay 9"})


def test_a_slot_carries_its_confidence_unless_it_is_sure(lake: Lake) -> None:
    table = with_values(inventory(), "slot_confidence", {0: 0.6, 1: 1.0, 2: None})
    assert places(lake, table) == ["bay 7 (60 % sure)", "bay 8", "bay 9", None]


def test_no_slot_has_no_confidence(lake: Lake) -> None:
    table = with_values(inventory(), "slot_confidence", {0: 0.6, 1: 0.5, 2: 0.5})
    assert places(lake, with_values(table, "slot", {0: None}))[0] is None


def test_an_inventory_written_before_slots_had_confidence_is_read_as_sure(lake: Lake) -> None:
    assert places(lake, inventory().drop_columns(["slot_confidence"])) == ["bay 7", "bay 8", "bay 9", None]


def test_an_inventory_that_is_not_delivered_one_morning_still_says_where_parts_sit(lake: Lake) -> None:
    source = SourceSettings.model_validate({"name": "cmdb", "kind": "inventory_file", "path": "x.csv"})
    settings = Settings(sources=(source,))
    table = with_values(inventory(), "slot_confidence", {0: 1.0, 1: 1.0, 2: 1.0})
    lake.write_day("raw_inventory", DAY - dt.timedelta(days=3), table, part="cmdb")
    joined = join_inventory(COMPONENTS, DAY, settings, lake)
    assert joined["slot"].to_pylist() == ["bay 7", "bay 8", "bay 9", None]
    known = read_inventory(DAY, settings, lake)
    assert known is not None
    assert known["component_id"].to_pylist() == ["Z1", "Z2", "Z3"]
    # A week later nobody knows any more; and a source that delivered, and no inventory, has none.
    assert read_inventory(DAY + dt.timedelta(days=5), settings, lake) is None
    lake.write_json(f"ingested/day={DAY}/part-cmdb.json", {})
    assert read_inventory(DAY, settings, lake) is None
