"""A spreadsheet shows the list; it never runs a part of it."""

import csv
import io
from collections.abc import Callable

import pyarrow as pa
import pytest

from pipelines.at_risk_table import tabulate_entries
from pipelines.csv_list import COLUMNS, disarm, write_csv

from .hand_made_report import DAY, entry


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def listed(**changes: object) -> pa.Table:
    return tabulate_entries([entry(**changes)], DAY)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "   @"])
def test_a_cell_that_a_spreadsheet_would_compute_is_quoted(start: str) -> None:
    host = f"{start}cmd|' /C calc'!A0"
    (row,) = rows_of(write_csv(listed(host_id=host)))
    assert row["host_id"] == "'" + host


@pytest.mark.parametrize("column", ["component_id", "model", "slot", "rack", "site", "check_first"])
def test_every_text_from_a_machine_is_disarmed(column: str) -> None:
    (row,) = rows_of(write_csv(listed(**{column: "=1+1"})))
    assert row[column] == "'=1+1"


def test_ordinary_names_stay_as_they_are() -> None:
    assert disarm("db-01.example.net") == "db-01.example.net"
    assert disarm("") == ""


def test_rows_come_in_rank_order_with_readable_numbers() -> None:
    table = tabulate_entries([entry(2), entry(1, risk=0.123456, slot=None)], DAY)
    first, second = rows_of(write_csv(table))
    assert [first["rank"], second["rank"]] == ["1", "2"]
    assert first["risk"] == "0.1235"
    assert first["slot"] == ""
    assert first["why"] == "Sectors waiting to be remapped; Uncorrectable errors reported; Temperature"


def test_separators_and_quotes_in_a_name_stay_in_their_cell() -> None:
    (row,) = rows_of(write_csv(listed(host_id='a,"b"\nc')))
    assert row["host_id"] == 'a,"b"\nc'
    assert set(row) == set(COLUMNS)


def test_an_empty_list_is_a_header() -> None:
    assert write_csv(tabulate_entries([], DAY)).decode() == ",".join(COLUMNS) + "\r\n"


def test_the_csv_reads_as_the_reviewed_one(golden: Callable[[str, str], None]) -> None:
    table = tabulate_entries([entry(1), entry(2, slot=None, host_id="=cmd|calc"), entry(3, reasons=())], DAY)
    golden("publish/list.csv", write_csv(table).decode().replace("\r\n", "\n"))
