"""What a repair log says of a day: which parts failed, since when that is known, and which rows say nothing."""

import datetime as dt
import json
from pathlib import Path

import pytest

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.errors import SourceError
from pipelines.lake import Lake
from pipelines.sources import failure_records
from pipelines.sources.source import RawTable, validate_source_options
from pipelines.validation import validate_day
from pipelines.verdicts import VerdictWord

DAY = dt.date(2026, 2, 1)
_HEAD = "component_id,component_kind,host_id,failed_at,cause,is_confirmed,known_at"


def read(folder: Path, *lines: str, day: dt.date = DAY, name: str = "repairs.csv") -> RawTable:
    (folder / name).write_text("\n".join((_HEAD, *lines)) + "\n", "utf-8")
    options = failure_records.Options.model_validate({"path": name})
    (raw,) = failure_records.read_day(options, day, folder)
    return raw


def reasons(raw: RawTable) -> dict[str, int]:
    return {each.reason: each.count for each in raw.left_out}


def test_a_failure_belongs_to_the_day_on_which_the_part_failed(tmp_path: Path, lake: Lake) -> None:
    raw = read(
        tmp_path,
        "S-1,DIMM,web-1,2026-02-01T14:30:00+02:00,UE storm,true,2026-02-03T08:00:00Z",
        "S-2,dimm,web-1,2026-02-02,,,",
        "ZA1,drive,,2026-02-01,click,0,",
        ",host,web-2,2026-02-01,,,",
    )
    assert raw.table.schema.names == schema_of(load_contract("raw_failures")).names
    rows = {row["component_id"]: row for row in raw.table.to_pylist()}
    assert set(rows) == {"S-1", "ZA1", "web-2"}
    assert rows["S-1"]["failed_at"] == dt.datetime(2026, 2, 1, 12, 30, tzinfo=dt.UTC)
    assert rows["S-1"]["known_at"] == dt.datetime(2026, 2, 3, 8, tzinfo=dt.UTC)
    assert (rows["S-1"]["component_kind"], rows["S-1"]["cause"]) == ("dimm", "UE storm")
    assert (rows["ZA1"]["host_id"], rows["ZA1"]["is_confirmed"]) == ("unknown:ZA1", False)
    assert rows["ZA1"]["known_at"] == dt.datetime.combine(DAY, dt.time.max, tzinfo=dt.UTC)
    assert (rows["web-2"]["host_id"], rows["web-2"]["is_confirmed"]) == ("web-2", True)
    validated = validate_day(load_contract("raw_failures"), raw.table, DAY, lake)
    assert (validated.verdict, validated.n_quarantined) == (VerdictWord.PASSED, 0)


def test_a_day_without_failures_is_a_delivery_without_rows(tmp_path: Path) -> None:
    raw = read(tmp_path, "S-2,dimm,web-1,2026-02-02,,,")
    assert raw.table.num_rows == 0
    assert raw.left_out == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("S-1,dimm,web-1,01.02.2026,,,", "failed_at is no ISO date"),
        ("S-1,dimm,web-1,,,,", "failed_at is empty"),
        ("S-1,,web-1,2026-02-01,,,", "names no part, or not of which kind it is"),
        (",dimm,web-1,2026-02-01,,,", "names no part, or not of which kind it is"),
        ("S-1,dimm,web-1,2026-02-01,,maybe,", "is_confirmed is neither true nor false"),
        ("S-1,dimm,web-1,2026-02-01T10:00:00,,,2026-02-01T09:00:00", "is known before it happened"),
        ("S\x1b[31m1,dimm,web-1,2026-02-01,,,", "a name has control characters or is longer than 255"),
        (f"{'S' * 300},dimm,web-1,2026-02-01,,,", "a name has control characters or is longer than 255"),
        ("S-1,dimm,web-1,9999-12-31T23:00:00-23:00,,,", "failed_at is no ISO date"),
    ],
)
def test_a_row_that_says_no_failure_is_left_out_and_counted(line: str, reason: str, tmp_path: Path) -> None:
    raw = read(tmp_path, line, "S-9,dimm,web-1,2026-02-01,,,")
    assert raw.table["component_id"].to_pylist() == ["S-9"]
    assert reasons(raw) == {f"rows of the whole file, of no day: {reason}": 1}


def test_a_part_that_two_rows_name_on_a_day_failed_once(tmp_path: Path) -> None:
    raw = read(
        tmp_path,
        "A1,dimm,web-1,2026-02-01T15:00,second,,",
        "A1,dimm,web-1,2026-02-01T03:00,first,,",
        "A1,dimm,web-2,2026-02-01,another host's,,",
    )
    assert sorted(raw.table["cause"].to_pylist()) == ["another host's", "first"]
    assert reasons(raw) == {"a part that another row says failed on the same day": 1}


def test_a_cause_is_cut_and_escaped(tmp_path: Path) -> None:
    raw = read(tmp_path, f"S-1,dimm,web-1,2026-02-01,\x1b[31m{'x' * 500},,")
    (cause,) = raw.table["cause"].to_pylist()
    assert cause.startswith("\\x1b[31mxxx")
    assert len(cause) == 200


def test_a_new_record_changes_the_inputs_of_its_own_day_only(tmp_path: Path) -> None:
    options = failure_records.Options(path="repairs.csv")
    days = (DAY, DAY + dt.timedelta(days=1))
    read(tmp_path, "S-1,dimm,web-1,2026-02-01,,,")
    before = [failure_records.list_inputs(options, day, tmp_path) for day in days]
    raw = read(tmp_path, "S-1,dimm,web-1,2026-02-01,,,", "S-2,dimm,web-1,2026-02-02,,,")
    after = [failure_records.list_inputs(options, day, tmp_path) for day in days]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]
    assert raw.inputs == after[0]


def test_json_and_names_of_its_own_are_read_alike(tmp_path: Path) -> None:
    document = [{"serial": "S-1", "component_kind": "dimm", "host_id": "web-1", "closed": "2026-02-01"}]
    (tmp_path / "repairs.json").write_text(json.dumps(document), "utf-8")
    columns = {"component_id": "serial", "failed_at": "closed"}
    options = failure_records.Options.model_validate({"path": "repairs.json", "columns": columns})
    (raw,) = failure_records.read_day(options, DAY, tmp_path)
    assert raw.table["component_id"].to_pylist() == ["S-1"]


def test_a_file_that_does_not_say_when_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repairs.csv").write_text("component_id,closed\nS-1,2026-02-01\n", "utf-8")
    options = failure_records.Options(path="repairs.csv")
    with pytest.raises(
        SourceError, match=r"repairs.csv has no column failed_at; it has closed, component_id"
    ):
        list(failure_records.read_day(options, DAY, tmp_path))
    with pytest.raises(SourceError, match="does not exist"):
        list(failure_records.read_day(failure_records.Options(path="gone.csv"), DAY, tmp_path))
    (problem,) = validate_source_options("failure_records", {"path": "x", "columns": {"when": "closed"}})
    assert problem.startswith(
        "columns: value error, no such field: when; there are component_id, component_kind"
    )
