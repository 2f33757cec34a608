"""The lake: one object a day and part, the same bytes for the same rows, shards as row groups."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake, encode_parquet

DAY = dt.date(2026, 2, 1)
TABLE = pa.table(
    {
        "component_key": pa.array([1, 2, 3], pa.uint64()),
        "model": ["a", "a", None],
        "temperature_celsius": pa.array([30.5, None, 31], pa.float32()),
        "power_on_hours": pa.array([2**40, None, 7], pa.int64()),
    }
)


def test_a_day_is_read_back_with_its_types(lake: Lake) -> None:
    stored = lake.write_day("core_x", DAY, TABLE)
    assert lake.read_day("core_x", DAY).equals(TABLE)
    assert lake.read_day("core_x", DAY, columns=["model"]).column_names == ["model"]
    assert stored.n_rows == 3
    assert stored.sha256 == lake.digest_day("core_x", DAY)


def test_writing_a_day_again_replaces_it_with_the_same_bytes(lake: Lake) -> None:
    first = lake.write_day("core_x", DAY, TABLE)
    assert lake.write_day("core_x", DAY, TABLE) == first
    assert encode_parquet(TABLE) == encode_parquet(TABLE)


def test_parts_of_one_day_stay_apart(lake: Lake) -> None:
    lake.write_day("raw_x", DAY, TABLE, part="drives")
    lake.write_day("raw_x", DAY, TABLE.slice(0, 1), part="ssds")
    assert lake.read_day("raw_x", DAY, part="drives").num_rows == 3
    assert lake.read_day("raw_x", DAY, part="ssds").num_rows == 1
    assert lake.list_days("raw_x") == [DAY]


def test_each_shard_is_a_row_group_even_if_empty(lake: Lake) -> None:
    lake.write_day("core_x", DAY, TABLE, row_group_rows=[2, 0, 1])
    opened = lake.open_day("core_x", DAY)
    assert [opened.read_row_group(n).num_rows for n in range(opened.num_row_groups)] == [2, 0, 1]
    with pytest.raises(ValueError, match="row groups cover 2 of 3"):
        lake.write_day("core_x", DAY, TABLE, row_group_rows=[2])


def test_a_missing_day_names_the_command_that_makes_it(lake: Lake) -> None:
    with pytest.raises(MissingInputError, match=r"core_x has no data of 2026-02-01.*prefail build"):
        lake.read_day("core_x", DAY)


def test_a_truncated_file_is_an_error_that_names_the_day(lake: Lake) -> None:
    stored = lake.write_day("core_x", DAY, TABLE)
    lake.store.write(stored.key, lake.store.read(stored.key)[:100])
    with pytest.raises(PermanentError, match=r"not readable Parquet.*core_x for 2026-02-01"):
        lake.read_day("core_x", DAY)


def test_a_file_of_out_says_its_own_day_and_agrees_with_its_folder(lake: Lake) -> None:
    for day in (DAY, DAY + dt.timedelta(days=1)):
        named = TABLE.append_column("day", pa.array([day.isoformat()] * 3).dictionary_encode())
        lake.write_day("out_x", day, named)
    folder = pd.read_parquet(f"{lake.store.root}/out_x")
    assert sorted(folder["day"].astype(str).unique()) == ["2026-02-01", "2026-02-02"]
    one_file = pd.read_parquet(f"{lake.store.root}/out_x/day=2026-02-01/part-00.parquet")
    assert set(one_file["day"]) == {"2026-02-01"}
