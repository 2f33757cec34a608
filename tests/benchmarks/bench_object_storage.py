"""A lake on a real S3 server on loopback, against the same lake in a folder."""

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.shards import N_SHARDS
from pipelines.lake import Lake, open_lake
from pipelines.object_store import FolderStore
from pipelines.s3.store import S3Store
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import N_THREADS, Side, time_in_turn
from tests.object_storage.seaweed_server import SeaweedServer

N_ROWS = 300_000
N_DAYS = 30
N_SIGNALS = 23
FIRST_DAY = dt.date(2026, 1, 1)
DATASET = "core_drive_days"
_N_RUNS = 3


def run(scale: float) -> list[Row]:
    """Measure on days of ``scale`` × 300,000 rows."""
    pa.set_cpu_count(N_THREADS)
    table = _make_day(max(1000, round(N_ROWS * scale)))
    with tempfile.TemporaryDirectory(prefix="prefail-bench-") as folder:
        server = SeaweedServer(folder=Path(folder) / "seaweed")
        server.start()
        try:
            server.create_bucket("bench")
            return _measure(
                table,
                Lake(FolderStore(Path(folder) / "lake")),
                open_lake("s3://bench/lake", server.settings()),
            )
        finally:
            server.kill()


def _measure(table: pa.Table, in_folder: Lake, on_s3: Lake) -> list[Row]:
    write_folder, write_s3 = time_in_turn(
        Side(what="day write, folder", work=lambda: _write(in_folder, FIRST_DAY, table)),
        Side(what="day write, S3", work=lambda: _write(on_s3, FIRST_DAY, table)),
        n_runs=_N_RUNS,
    )
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range(N_DAYS)]
    for lake in (in_folder, on_s3):
        for day in days:
            _write(lake, day, table)
    scan_folder, scan_s3 = time_in_turn(
        Side(what="30-day scan, folder", work=lambda: _scan(in_folder, days)),
        Side(what="30-day scan, S3", work=lambda: _scan(on_s3, days)),
        n_runs=_N_RUNS,
    )
    column_folder, column_s3 = time_in_turn(
        Side(what="one column of 30 days, folder", work=lambda: _read_one_column(in_folder, days)),
        Side(what="one column of 30 days, S3 by range", work=lambda: _read_one_column(on_s3, days)),
        n_runs=_N_RUNS,
    )
    gets = _count_gets(on_s3, days)
    size = sum(item.size_bytes for item in on_s3.store.list_keys(f"{DATASET}/")) / N_DAYS
    note = f"{table.num_rows:,} rows and {size / 1e6:.1f} MB a day"
    return [
        Row(name="day write over S3", subject=write_s3, reference=write_folder, ratio_at_most=3.0, note=note),
        Row(
            name="30-day scan over S3",
            subject=scan_s3,
            reference=scan_folder,
            ratio_at_most=3.0,
            note=f"{note}; {gets} GETs for {N_DAYS} days",
        ),
        Row(name="one column of 30 days over S3", subject=column_s3, reference=column_folder, note=note),
    ]


def _make_day(n_rows: int) -> pa.Table:
    """Return a day as build writes it: sorted keys, counters that are mostly zero, smooth gauges."""
    rng = np.random.default_rng(5)
    counters = {
        f"counter_{n:02d}": np.where(rng.random(n_rows) < 0.05, rng.integers(1, 1000, n_rows), 0)
        for n in range(N_SIGNALS)
    }
    return pa.table(
        {
            "component_key": np.sort(rng.integers(0, 2**63, n_rows, dtype=np.uint64)),
            "temperature_celsius": rng.normal(30, 4, n_rows).round().astype(np.float32),
            **counters,
        }
    )


def _write(lake: Lake, day: dt.date, table: pa.Table) -> None:
    length = -(-table.num_rows // N_SHARDS)
    starts = range(0, table.num_rows, length)
    lake.write_day(
        DATASET, day, table, row_group_rows=[min(length, table.num_rows - start) for start in starts]
    )


def _scan(lake: Lake, days: list[dt.date]) -> int:
    return sum(lake.read_day(DATASET, day).num_rows for day in days)


def _read_one_column(lake: Lake, days: list[dt.date]) -> int:
    return sum(
        lake.open_day(DATASET, day, by_range=True).read(columns=["component_key"]).num_rows for day in days
    )


def _count_gets(lake: Lake, days: list[dt.date]) -> int:
    assert isinstance(lake.store, S3Store)
    lake.store.requests.clear()
    _scan(lake, days)
    return lake.store.requests["get_object"]
