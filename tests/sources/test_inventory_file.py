"""What an inventory export says of a day: who is where, since when that is known, and what can't be placed."""

import datetime as dt
import json
import math
from pathlib import Path

import pytest

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.errors import MissingInputError, SourceError
from pipelines.sources import inventory_file
from pipelines.sources.source import RawTable, validate_source_options

DAY = dt.date(2026, 2, 1)
_HEAD = "component_id,component_kind,host_id,slot,slot_confidence,rack,site,role,model,valid_from,valid_to,known_at"
HOSTS = (
    ",,web-1,,,r1,ams,web,R740,2025-01-01,,",
    ",,web-2,,,r2,ams,web,R740,2025-01-01,,",
)


def export(folder: Path, *lines: str) -> Path:
    path = folder / "inventory.csv"
    path.write_text("\n".join((_HEAD, *lines)) + "\n")
    return path


def read(folder: Path, day: dt.date = DAY, path: str = "inventory.csv", **options: object) -> RawTable:
    chosen = inventory_file.Options.model_validate({"path": path, **options})
    (raw,) = inventory_file.read_day(chosen, day, folder)
    return raw


def places(raw: RawTable) -> dict[object, object]:
    return {row["component_id"]: row["host_id"] for row in raw.table.to_pylist()}


def reasons(raw: RawTable) -> dict[str, int]:
    return {each.reason: each.count for each in raw.left_out}


def test_a_part_takes_rack_and_site_from_its_host(tmp_path: Path) -> None:
    export(tmp_path, *HOSTS, "Z1,drive,web-1,bay 7,0.6,,,,ST8000,2025-03-01,,")
    raw = read(tmp_path)
    assert raw.table.schema.names == schema_of(load_contract("raw_inventory")).names
    (drive,) = [row for row in raw.table.to_pylist() if row["component_kind"] == "drive"]
    assert (drive["host_id"], drive["rack"], drive["site"], drive["role"]) == ("web-1", "r1", "ams", "web")
    assert (drive["slot"], drive["model"]) == ("bay 7", "ST8000")
    assert math.isclose(drive["slot_confidence"], 0.6, rel_tol=1e-6)
    assert places(raw) == {"web-1": "web-1", "web-2": "web-2", "Z1": "web-1"}
    assert raw.left_out == ()


def test_a_part_that_moves_is_in_its_old_host_until_the_day_it_moves(tmp_path: Path) -> None:
    export(
        tmp_path,
        *HOSTS,
        "Z1,drive,web-1,1,,,,,,2025-03-01,2026-02-01,",
        "Z1,drive,web-2,4,,,,,,2026-02-01,,",
    )
    assert places(read(tmp_path, DAY - dt.timedelta(days=1)))["Z1"] == "web-1"
    assert places(read(tmp_path))["Z1"] == "web-2"
    assert read(tmp_path).left_out == ()


def test_of_two_open_rows_the_later_one_counts_and_the_other_is_counted(tmp_path: Path) -> None:
    export(tmp_path, *HOSTS, "Z1,drive,web-2,4,,,,,,2026-01-01,,", "Z1,drive,web-1,1,,,,,,2025-03-01,,")
    raw = read(tmp_path)
    assert places(raw)["Z1"] == "web-2"
    assert reasons(raw) == {"a later row says where the part is": 1}


def test_two_places_from_the_same_day_are_left_to_the_contract(tmp_path: Path) -> None:
    export(tmp_path, *HOSTS, "Z1,drive,web-2,4,,,,,,2026-01-01,,", "Z1,drive,web-1,1,,,,,,2026-01-01,,")
    assert read(tmp_path).table["component_id"].to_pylist().count("Z1") == 2


def test_a_fact_counts_from_when_it_was_known(tmp_path: Path) -> None:
    export(
        tmp_path,
        *HOSTS,
        "Z1,drive,web-1,1,,,,,,2025-03-01,,2025-03-02",
        "Z1,drive,web-2,4,,,,,,2026-01-15,,2026-02-03T08:00:00+01:00",
    )
    raw = read(tmp_path)
    assert places(raw)["Z1"] == "web-1"
    assert reasons(raw) == {"not known yet on that day": 1}
    later = read(tmp_path, dt.date(2026, 2, 3))
    assert places(later)["Z1"] == "web-2"
    known = {row["component_id"]: row["known_at"] for row in later.table.to_pylist()}
    assert known["Z1"] == dt.datetime(2026, 2, 3, 7, tzinfo=dt.UTC)


def test_a_part_of_an_unknown_host_is_reported_and_kept(tmp_path: Path) -> None:
    export(tmp_path, *HOSTS, "Z1,drive,db-9,1,,,,,,,,", "Z2,drive,,,,,,,,,,")
    raw = read(tmp_path)
    assert places(raw)["Z1"] == "db-9"
    assert places(raw)["Z2"] == "unknown:Z2"
    assert {(each.reason.split(";")[0], each.count, each.example) for each in raw.left_out} == {
        ("its host has no row of its own on that day", 1, "Z1 in db-9"),
        ("names no host", 1, "Z2"),
    }


def test_an_export_without_hosts_of_its_own_reports_none_as_unknown(tmp_path: Path) -> None:
    export(tmp_path, "Z1,drive,db-9,1,,,,,,,,")
    assert read(tmp_path).left_out == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Z9,drive,web-1,1,,,,,,31.12.2025,,", "valid_from is no ISO date"),
        ("Z9,drive,web-1,1,sure,,,,,2025-01-01,,", "slot_confidence is no number"),
        ("Z9,drive,web-1,1,nan,,,,,2025-01-01,,", "slot_confidence is no number"),
        ("Z9,drive,web-1,1,,,,,,2025-05-01,2025-04-01,", "is over before it begins"),
        (",,,bay 1,,,,,,2025-01-01,,", "names neither a part nor a host"),
    ],
)
def test_a_row_that_cannot_be_read_is_counted_and_costs_no_other(
    tmp_path: Path, line: str, reason: str
) -> None:
    export(tmp_path, *HOSTS, line)
    raw = read(tmp_path)
    assert raw.table.num_rows == 2
    assert reasons(raw) == {reason: 1}


def test_columns_may_have_the_exports_own_names(tmp_path: Path) -> None:
    (tmp_path / "cmdb.json").write_text(json.dumps([{"serial": "Z1", "kind": "drive", "hostname": "web-1"}]))
    own = {"component_id": "serial", "component_kind": "kind", "host_id": "hostname"}
    assert places(read(tmp_path, path="cmdb.json", columns=own)) == {"Z1": "web-1"}
    (problem,) = validate_source_options(
        "inventory_file", {"path": "x", "columns": {"serial": "component_id"}}
    )
    assert "no such field: serial" in problem


def test_json_lines_are_read_like_a_list(tmp_path: Path) -> None:
    (tmp_path / "cmdb.jsonl").write_text('{"host_id": "web-1"}\n\n{"host_id": "web-2", "slot": null}\n')
    assert set(places(read(tmp_path, path="cmdb.jsonl"))) == {"web-1", "web-2"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"serial,rack\nZ1,r1\n", "has neither a column component_id nor host_id"),
        ("a.csv", b"component_id,host_id\n", "has no row"),
        ("a.csv", b'component_id,host_id\n"Z1,web-1\n', "is not valid CSV"),
        ("a.csv", b"component_id,host_id\nZ\xe9,web-1\n", "is not UTF-8"),
        ("a.json", b'{"a": 1', "is not valid JSON"),
        ("a.json", b"[1, 2]", "is not a list of objects"),
    ],
)
def test_an_export_that_is_none_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words):
        read(tmp_path, path=name)


def test_a_missing_file_or_day_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read(tmp_path)
    export(tmp_path, "Z1,drive,db-9,1,,,,,,2027-01-01,,")
    with pytest.raises(MissingInputError, match="no row that is valid and known on 2026-02-01"):
        read(tmp_path)


def test_a_change_is_an_input_of_the_days_it_is_about_only(tmp_path: Path) -> None:
    options = inventory_file.Options(path="inventory.csv")
    lines = [*HOSTS, "Z1,drive,web-1,1,,,,,,2025-03-01,2026-02-01,"]
    export(tmp_path, *lines)
    before = [inventory_file.list_inputs(options, DAY + dt.timedelta(days=n), tmp_path) for n in (-1, 0)]
    export(tmp_path, *lines, "Z1,drive,web-2,1,,,,,,2026-02-01,,")
    after = [inventory_file.list_inputs(options, DAY + dt.timedelta(days=n), tmp_path) for n in (-1, 0)]
    assert before[0] == after[0]
    assert before[1] != after[1]
    assert read(tmp_path).inputs == after[1]
