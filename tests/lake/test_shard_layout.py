"""Small partitions are one row group, large ones a row group a shard; readers can't tell."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from features.shards import N_SHARDS, component_keys, shard_lengths, shard_of
from pipelines import cube_reading
from pipelines.cube_reading import read_shards, shard_row_groups
from pipelines.lake import Lake

DAY = dt.date(2026, 2, 1)


def drive_days(n_rows: int) -> pa.Table:
    keys = np.sort(component_keys([f"drive-{number}" for number in range(n_rows)]))
    known_at = pa.array([dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)] * n_rows, pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "component_key": pa.array(keys),
            "model": ["m"] * n_rows,
            "capacity_bytes": pa.array([1] * n_rows, pa.int64()),
            "power_cycles": pa.array(range(n_rows), pa.int64()),
            "known_at": known_at,
        }
    )


def test_large_partitions_get_a_row_group_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = drive_days(300)["component_key"].to_numpy()
    assert shard_row_groups(keys) is None
    monkeypatch.setattr(cube_reading, "_LEAST_SHARDED_ROWS", 300)
    assert shard_row_groups(keys) == shard_lengths(keys)


@pytest.mark.parametrize("shards", [[0], [3, 4, 9], list(range(N_SHARDS))])
def test_both_layouts_give_the_same_rows_of_a_shard(lake: Lake, shards: list[int]) -> None:
    table = drive_days(300)
    lake.write_day("core_small", DAY, table)
    lake.write_day("core_large", DAY, table, row_group_rows=shard_lengths(table["component_key"].to_numpy()))
    small, large = (
        read_shards(lake, d, DAY, ["power_cycles"], shards, DAY) for d in ("core_small", "core_large")
    )
    assert small.equals(large)
    expected = np.isin(shard_of(table["component_key"].to_numpy()), shards).sum()
    assert small.num_rows == expected


def test_rows_that_reached_us_later_are_left_out(lake: Lake) -> None:
    lake.write_day("core_small", DAY, drive_days(50))
    eve = DAY - dt.timedelta(days=1)
    assert read_shards(lake, "core_small", DAY, ["power_cycles"], list(range(N_SHARDS)), eve).num_rows == 0
