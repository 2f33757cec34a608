"""The source against recorded Drive Stats files of 2013 to 2025, read where they lie."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from features.smart_decoding import decode_drive_smart
from pipelines.errors import SourceError
from pipelines.sources import drive_stats

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.shared_data


@dataclass(kw_only=True)
class Tally:
    """What all days of a source add up to."""

    days: list[dt.date]
    n_rows: int = 0
    n_failed: int = 0
    n_located: int = 0
    n_left_out: int = 0
    n_glitches: int = 0
    serials: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)


def tally(folder: str, *, layout: str = "any_files", pattern: str = "*") -> Tally:
    options = drive_stats.Options.model_validate({"path": folder, "layout": layout, "pattern": pattern})
    sums = Tally(days=drive_stats.list_days(options, DATA))
    for day in sums.days:
        smart, *inventories = drive_stats.read_day(options, day, DATA)
        sums.n_rows += smart.table.num_rows
        sums.n_failed += smart.table["is_failed"].to_pylist().count(True)
        sums.serials |= set(smart.table["serial_number"].to_pylist())
        for inventory in inventories:
            sums.n_located += inventory.table.num_rows
            sums.n_left_out += sum(entry.count for entry in inventory.left_out)
            sums.hosts |= set(inventory.table["host_id"].to_pylist())
        sums.n_glitches += decode_drive_smart(
            smart.table, inventories[0].table if inventories else None
        ).n_glitches
    return sums


def test_the_daily_files_of_2013_read_whole() -> None:
    sums = tally("backblaze-daily-2013", layout="daily_files")
    assert (len(sums.days), sums.days[0], sums.days[-1]) == (40, dt.date(2013, 4, 10), dt.date(2013, 5, 19))
    assert (sums.n_rows, len(sums.serials), sums.n_failed) == (517_162, 13_626, 66)
    assert sums.hosts == set(), "no locations were published then"
    assert sums.n_glitches / sums.n_rows < 0.001


def test_the_failed_drives_of_2024_read_whole_with_their_hosts() -> None:
    sums = tally("backblaze-st12000nm0008-failed-2024q1")
    assert (len(sums.days), sums.n_rows, len(sums.serials), sums.n_failed) == (90, 6_325, 144, 144)
    assert (sums.n_located, len(sums.hosts), sums.n_glitches) == (6_325, 113, 0)


@pytest.mark.parametrize(
    ("quarter", "n_days", "n_rows", "n_located", "n_hosts"),
    [
        ("2020_Q3", 87, 368, 0, 0),
        ("2021_Q2", 88, 507, 0, 0),
        ("2022_Q1", 89, 664, 0, 0),
        ("2023_Q3", 91, 982, 978, 792),
        ("2025_Q2", 90, 1_061, 1_061, 853),
    ],
)
def test_every_years_columns_read(
    quarter: str, n_days: int, n_rows: int, n_located: int, n_hosts: int
) -> None:
    sums = tally("backblaze-failure-day-rows-2020-2025", pattern=f"failures_{quarter}.csv.gz")
    assert (len(sums.days), sums.n_rows, sums.n_failed) == (n_days, n_rows, n_rows)
    assert (sums.n_located, len(sums.hosts)) == (n_located, n_hosts)
    assert sums.n_left_out == (n_rows - n_located if n_located else 0)


@pytest.mark.parametrize("pattern", ["*mangled*", "*"])
def test_the_file_that_a_spreadsheet_mangled_is_refused_with_the_reason(pattern: str) -> None:
    with pytest.raises(SourceError) as caught:
        tally("backblaze-failure-day-rows-2020-2025", pattern=pattern)
    message = caught.value.message
    assert "failures_2024_Q4_mangled.csv.gz is not a usable Drive Stats file" in message
    assert "date: data row 1 is '07-12-2024', not a date as YYYY-MM-DD" in message
    assert "capacity_bytes: data row 1 is '8.00156E+12'" in message
    assert "its digits are lost (1,031 of 1,032 rows)" in message
    assert "Nothing of it was written" in message
