"""A month in one object: every row of every day, sorted, and the days as they were."""

import datetime as dt
import io
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConfigError, MissingInputError
from pipelines.lake import Lake
from pipelines.lake_commands.checks import check_lake
from pipelines.lake_commands.compaction import compact_month

FIRST = dt.date(2026, 1, 30)
DAYS = tuple(FIRST + dt.timedelta(days=n) for n in range(5))
FEBRUARY = dt.date(2026, 2, 1)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    rng = np.random.default_rng(2)
    for n, day in enumerate(DAYS):
        keys = np.unique(rng.integers(0, 2**64 - 1, 500, dtype=np.uint64))
        columns = {"component_key": keys, "pending_sectors": rng.integers(0, 9, len(keys))}
        # A signal that later firmware brings.
        late = {"media_errors": rng.integers(0, 9, len(keys))} if n == 4 else {}
        lake.write_day("core_drive_days", day, pa.table({**columns, **late}))
    return lake


def read(lake: Lake, key: str) -> pa.Table:
    return pq.read_table(io.BytesIO(lake.store.read(key)))


def test_a_month_holds_every_row_of_its_days_and_no_other(filled: Lake) -> None:
    before = {item.key: filled.store.read(item.key) for item in filled.store.list_keys("core_")}
    made = compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000)
    month = read(filled, made.key)
    assert made.n_days == 3
    for day in DAYS[2:]:
        rows = month.filter(pa.compute.equal(month["day"], day)).drop_columns(["day"])
        daily = filled.read_day("core_drive_days", day)
        assert rows.select(daily.column_names).combine_chunks().equals(daily.combine_chunks())
    assert (
        month.num_rows == made.n_rows == sum(filled.read_day("core_drive_days", d).num_rows for d in DAYS[2:])
    )
    assert month.equals(month.sort_by([("component_key", "ascending"), ("day", "ascending")]))
    assert {item.key: filled.store.read(item.key) for item in filled.store.list_keys("core_")} == before
    assert check_lake(filled).findings == ()


def test_the_memory_limit_changes_nothing_but_the_passes(filled: Lake) -> None:
    whole = compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000)
    expected = read(filled, whole.key)
    filled.store.delete("compacted/core_drive_days/month=2026-02/manifest.json")
    in_passes = compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=0.1)
    assert pq.ParquetFile(io.BytesIO(filled.store.read(in_passes.key))).num_row_groups > 3
    assert read(filled, in_passes.key).equals(expected)


def test_a_second_run_writes_nothing_until_a_day_changes(filled: Lake) -> None:
    assert compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000).is_new
    assert not compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000).is_new
    filled.write_day("core_drive_days", DAYS[3], filled.read_day("core_drive_days", DAYS[3]).slice(1))
    again = compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000)
    assert again.is_new
    assert read(filled, again.key).num_rows == again.n_rows


def test_a_dry_run_writes_nothing(filled: Lake) -> None:
    made = compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000, is_dry_run=True)
    assert made.is_new
    assert list(filled.store.list_keys("compacted/")) == []


def test_readers_are_unaffected_while_it_runs(filled: Lake) -> None:
    expected = [filled.read_day("core_drive_days", day) for day in DAYS]
    is_over = threading.Event()
    wrong: list[dt.date] = []

    def keep_reading() -> None:
        while not is_over.is_set():
            wrong.extend(
                day
                for day, rows in zip(DAYS, expected, strict=True)
                if not filled.read_day("core_drive_days", day).equals(rows)
            )

    reader = threading.Thread(target=keep_reading)
    reader.start()
    for _ in range(3):
        compact_month("core_drive_days", FEBRUARY, filled, memory_limit_mb=2000)
        filled.store.delete("compacted/core_drive_days/month=2026-02/manifest.json")
    is_over.set()
    reader.join()
    assert wrong == []


def test_what_can_t_be_compacted_is_said(filled: Lake) -> None:
    with pytest.raises(MissingInputError, match="no day in 2025-07"):
        compact_month("core_drive_days", dt.date(2025, 7, 1), filled, memory_limit_mb=2000)
    with pytest.raises(ConfigError, match="Only core_ datasets"):
        compact_month("raw_drive_smart", FEBRUARY, filled, memory_limit_mb=2000)
