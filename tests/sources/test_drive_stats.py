"""What the drive_stats source makes of well-formed files."""

import contextlib
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from drive_stats_files import (
    DAY,
    HEADER_2013,
    LOCATION,
    csv_text,
    read_smart,
    read_tables,
    write_gzip,
    write_plain,
    write_zip,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.errors import MissingInputError, SourceError
from pipelines.sources import drive_stats
from pipelines.sources.drive_stats_csv import parse_drive_stats

TWO_DRIVES = csv_text([{"failure": 1, "smart_5_raw": 8}, {"smart_5_raw": ""}])


@pytest.mark.parametrize("packing", ["plain", "gzip", "zip"])
def test_a_day_reads_the_same_however_it_is_packed(tmp_path: Path, packing: str) -> None:
    if packing == "plain":
        write_plain(tmp_path, TWO_DRIVES, f"2024/{DAY}.csv")
    elif packing == "gzip":
        write_gzip(tmp_path, TWO_DRIVES, f"deep/er/{DAY}.csv.gz")
    else:
        write_zip(
            tmp_path,
            {f"data_Q1_2024/{DAY}.csv": TWO_DRIVES, f"__MACOSX/data_Q1_2024/._{DAY}.csv": b"\0resource fork"},
        )
    smart = read_smart(tmp_path)
    assert smart["serial_number"].to_pylist() == ["S0", "S1"]
    assert smart["is_failed"].to_pylist() == [True, False]
    assert smart["smart_5_raw"].to_pylist() == [8, None]
    assert smart["capacity_bytes"].to_pylist() == [4_000_787_030_016] * 2
    assert smart["smart_197_raw"].null_count == 2


def test_tables_have_the_columns_and_types_of_their_contracts(tmp_path: Path) -> None:
    header = (*HEADER_2013, *LOCATION)
    write_plain(
        tmp_path, csv_text([{"datacenter": "phx1", "cluster_id": 0, "vault_id": 1, "pod_id": 2}], header)
    )
    tables = read_tables(tmp_path)
    assert set(tables) == {"raw_drive_smart", "raw_inventory"}
    for dataset, raw in tables.items():
        expected = schema_of(load_contract(dataset))
        assert raw.table.schema.names == expected.names
        assert raw.table.schema.types == expected.types


def test_a_reading_is_known_at_the_last_instant_of_its_day_in_utc(tmp_path: Path) -> None:
    write_plain(tmp_path, TWO_DRIVES)
    known = read_smart(tmp_path)["known_at"].to_pylist()[0]
    assert known == dt.datetime(2024, 1, 2, 23, 59, 59, 999999, tzinfo=dt.UTC)


def test_where_a_drive_sits_comes_from_the_location_columns(tmp_path: Path) -> None:
    row = {
        "datacenter": "phx1",
        "cluster_id": "0.0",
        "vault_id": "1064.0",
        "pod_id": "35.0",
        "pod_slot_num": "7.0",
    }
    write_plain(tmp_path, csv_text([row, {**row, "pod_slot_num": ""}], (*HEADER_2013, *LOCATION)))
    first, second = read_tables(tmp_path)["raw_inventory"].table.to_pylist()
    assert first["component_id"] == "S0"
    assert first["component_kind"] == "drive"
    assert first["host_id"] == "phx1-c0-v1064-p35"
    assert (first["slot"], first["rack"], first["site"]) == ("7", "c0-v1064", "phx1")
    assert first["redundancy_group"] == "phx1-c0-v1064"
    assert second["slot"] is None


def test_a_drive_with_an_incomplete_address_is_left_out_of_the_inventory_and_counted(tmp_path: Path) -> None:
    row = {"datacenter": "phx1", "cluster_id": 0, "vault_id": 1064, "pod_id": 35}
    write_plain(tmp_path, csv_text([row, {**row, "datacenter": ""}], (*HEADER_2013, *LOCATION)))
    tables = read_tables(tmp_path)
    assert tables["raw_drive_smart"].table.num_rows == 2
    assert tables["raw_inventory"].table["component_id"].to_pylist() == ["S0"]
    (left_out,) = tables["raw_inventory"].left_out
    assert (left_out.count, left_out.example) == (1, "S1")


def test_files_without_location_columns_give_no_inventory(tmp_path: Path) -> None:
    write_plain(tmp_path, TWO_DRIVES)
    assert set(read_tables(tmp_path)) == {"raw_drive_smart"}


def test_numbers_written_as_floats_are_read_exactly(tmp_path: Path) -> None:
    write_plain(
        tmp_path, csv_text([{"capacity_bytes": "12000138625024.0", "failure": "1.0", "smart_5_raw": "8.0"}])
    )
    smart = read_smart(tmp_path)
    assert smart["capacity_bytes"].to_pylist() == [12_000_138_625_024]
    assert smart["is_failed"].to_pylist() == [True]
    assert smart["smart_5_raw"].to_pylist() == [8]


def test_floats_that_begin_late_in_a_file_are_read_exactly_too() -> None:
    rows: list[dict[str, object]] = [{} for _ in range(4000)] + [{"smart_5_raw": "9007199254740993.0"}]
    table = parse_drive_stats(csv_text(rows).encode(), "late.csv")
    assert table["smart_5_raw"].to_pylist()[-1] == 9007199254740993
    assert table.schema.field("smart_5_raw").type == pa.int64()


def test_a_large_packed_value_written_as_a_float_keeps_its_last_digit() -> None:
    table = parse_drive_stats(csv_text([{"smart_9_raw": "9230082287649927.0"}]).encode(), "packed.csv")
    assert table["smart_9_raw"].to_pylist() == [9230082287649927]


def test_negative_and_absurd_values_pass_through_to_the_contract(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{"smart_5_raw": -3, "capacity_bytes": -1}, {"serial_number": "S0"}]))
    smart = read_smart(tmp_path)
    assert smart["smart_5_raw"].to_pylist() == [-3, 0]
    assert smart["capacity_bytes"].to_pylist()[0] == -1
    assert smart["serial_number"].to_pylist() == ["S0", "S0"]


def test_any_files_takes_the_rows_of_the_day_from_every_file(tmp_path: Path) -> None:
    other = DAY + dt.timedelta(days=1)
    write_plain(tmp_path, csv_text([{"serial_number": "A"}, {"serial_number": "B", "date": other}]), "q1.csv")
    write_gzip(tmp_path, csv_text([{"serial_number": "C"}], (*HEADER_2013, "smart_197_raw")), "more.csv.gz")
    options = drive_stats.Options(path=str(tmp_path), layout="any_files")
    assert drive_stats.list_days(options, tmp_path) == [DAY, other]
    assert sorted(read_smart(tmp_path, layout="any_files")["serial_number"].to_pylist()) == ["A", "C"]
    assert read_smart(tmp_path, other, layout="any_files")["serial_number"].to_pylist() == ["B"]


def test_any_files_notices_that_a_file_was_replaced(tmp_path: Path) -> None:
    options = drive_stats.Options(path=str(tmp_path), layout="any_files")
    path = write_plain(tmp_path, csv_text([{}]), "q1.csv")
    assert drive_stats.list_days(options, tmp_path) == [DAY]
    path.unlink()
    write_plain(tmp_path, csv_text([{"date": "2024-03-05"}, {"date": "2024-03-06"}]), "q1.csv")
    assert drive_stats.list_days(options, tmp_path) == [dt.date(2024, 3, 5), dt.date(2024, 3, 6)]


def test_days_are_listed_from_names_in_folders_and_archives(tmp_path: Path) -> None:
    write_zip(
        tmp_path, {"data/2024-01-03.csv": TWO_DRIVES, "data/notes.txt": "", "__MACOSX/2024-01-09.csv": ""}
    )
    write_plain(tmp_path, TWO_DRIVES)
    write_plain(tmp_path, TWO_DRIVES, "2024-02-30.csv")
    options = drive_stats.Options(path=str(tmp_path))
    assert drive_stats.list_days(options, tmp_path) == [DAY, dt.date(2024, 1, 3)]


def test_the_same_bytes_in_two_places_count_once(tmp_path: Path) -> None:
    write_plain(tmp_path, TWO_DRIVES)
    write_zip(tmp_path, {f"data/{DAY}.csv": TWO_DRIVES})
    assert read_smart(tmp_path).num_rows == 2


def test_a_day_that_is_not_there_is_missing_input_and_says_what_there_is(tmp_path: Path) -> None:
    write_plain(tmp_path, TWO_DRIVES)
    with pytest.raises(
        MissingInputError, match=r"nothing of 2025-06-01; it has 1 days, 2024-01-02 to 2024-01-02"
    ):
        read_smart(tmp_path, dt.date(2025, 6, 1))


def test_what_was_read_is_named_with_its_digest(tmp_path: Path) -> None:
    path = write_gzip(tmp_path, TWO_DRIVES)
    (before,) = read_tables(tmp_path)["raw_drive_smart"].inputs
    assert (before.name, before.size_bytes) == (path.name, path.stat().st_size)
    write_gzip(tmp_path, csv_text([{}, {}, {}]))
    (after,) = read_tables(tmp_path)["raw_drive_smart"].inputs
    assert before.sha256 != after.sha256


_counts = st.one_of(st.none(), st.integers(-(2**31), 2**53))


@settings(deadline=None)
@given(values=st.lists(_counts, min_size=1, max_size=30), as_float=st.booleans())
def test_whole_numbers_survive_however_they_are_written(values: list[int | None], as_float: bool) -> None:
    cells = ["" if value is None else f"{value}.0" if as_float else value for value in values]
    table = parse_drive_stats(csv_text([{"smart_5_raw": cell} for cell in cells]).encode(), "any.csv")
    assert table["smart_5_raw"].to_pylist() == values


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader_in_an_unnamed_way(junk: bytes) -> None:
    for data in (junk, csv_text([{}]).encode() + junk):
        with contextlib.suppress(SourceError):
            assert parse_drive_stats(data, "junk.csv").num_rows >= 1
