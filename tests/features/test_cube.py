"""Rules of the cube: every value in its place, whatever order days and components come in."""

import datetime as dt
import tracemalloc
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cubes import FIRST_DAY

from features.cube import Cube, CubeBuilder, column_as_float32

SIGNALS = ("pending_sectors", "temperature_celsius")


def drive_days(keys: list[int], values: list[int | None], model: str = "ST4000DM000") -> pa.Table:
    """Return one day's core rows; the temperature is the key, the other signal is given."""
    return pa.table(
        {
            "component_key": pa.array(keys, pa.uint64()),
            "model": pa.array([model] * len(keys), pa.string()),
            "capacity_bytes": pa.array([4_000] * len(keys), pa.int64()),
            "pending_sectors": pa.array(values, pa.int64()),
            "temperature_celsius": pa.array([float(key) for key in keys], pa.float32()),
        }
    )


def build(days: dict[int, pa.Table], n_days: int, order: list[int] | None = None) -> Cube:
    builder = CubeBuilder(SIGNALS, FIRST_DAY, FIRST_DAY + dt.timedelta(days=n_days - 1))
    for offset in order or sorted(days):
        builder.add_day(FIRST_DAY + dt.timedelta(days=offset), days[offset])
    return builder.build()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 7),
        st.dictionaries(st.integers(0, 2**64 - 1) | st.integers(0, 12), st.none() | st.integers(0, 99)),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
def test_each_value_lies_at_its_day_and_component(
    rows: dict[int, dict[int, int | None]], random: Random
) -> None:
    tables = {
        day: drive_days(sorted(of_day), [of_day[key] for key in sorted(of_day)])
        for day, of_day in rows.items()
    }
    order = sorted(tables)
    random.shuffle(order)
    cube = build(tables, 8, order)
    keys = sorted({key for of_day in rows.values() for key in of_day})
    assert cube.component_keys.tolist() == keys
    expected = np.full((2, 8, len(keys)), np.nan, dtype=np.float32)
    is_reported = np.zeros((8, len(keys)), dtype=bool)
    for day, of_day in rows.items():
        for key, value in of_day.items():
            is_reported[day, keys.index(key)] = True
            expected[0, day, keys.index(key)] = np.nan if value is None else value
            expected[1, day, keys.index(key)] = np.float32(key)
    np.testing.assert_array_equal(cube.values, expected)
    np.testing.assert_array_equal(cube.is_reported, is_reported)
    assert cube.values.flags.c_contiguous


def test_a_day_that_is_added_twice_has_its_latest_rows_only() -> None:
    builder = CubeBuilder(SIGNALS, FIRST_DAY, FIRST_DAY)
    builder.add_day(FIRST_DAY, drive_days([1, 2], [5, 6]))
    builder.add_day(FIRST_DAY, drive_days([2], [7]))
    cube = builder.build()
    np.testing.assert_array_equal(cube.values[0], [[np.nan, 7]])
    assert cube.is_reported.tolist() == [[False, True]]


def test_model_and_capacity_are_those_of_the_latest_row_in_any_order_of_days() -> None:
    days = {
        0: drive_days([1, 2], [0, 0], "old"),
        1: drive_days([1], [0], "new"),
        2: drive_days([3], [0], "other"),
    }
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        cube = build(days, 3, order)
        assert [cube.models[code] for code in cube.model_codes] == ["new", "old", "other"]
        assert cube.capacity_bytes.tolist() == [4000.0] * 3


def test_a_signal_that_a_day_does_not_have_was_not_reported() -> None:
    cube = build({0: drive_days([1], [5]).drop_columns(["pending_sectors"])}, 1)
    np.testing.assert_array_equal(cube.values[:, 0, 0], [np.nan, 1.0])


def test_keys_out_of_order_or_twice_are_refused_and_the_day_is_not_added() -> None:
    builder = CubeBuilder(SIGNALS, FIRST_DAY, FIRST_DAY)
    for keys in ([2, 1], [1, 1]):
        with pytest.raises(ValueError, match="must ascend"):
            builder.add_day(FIRST_DAY, drive_days(keys, [0, 0]))
    builder.add_day(FIRST_DAY, drive_days([9], [3]))
    assert builder.build().component_keys.tolist() == [9]


def test_a_day_outside_of_the_cube_is_refused() -> None:
    builder = CubeBuilder(SIGNALS, FIRST_DAY, FIRST_DAY)
    with pytest.raises(ValueError, match="outside of the cube"):
        builder.add_day(FIRST_DAY + dt.timedelta(days=1), drive_days([1], [0]))
    cube = builder.build()
    assert cube.n_components == 0
    assert cube.day_index(FIRST_DAY) == 0
    with pytest.raises(ValueError, match="is not in the cube"):
        cube.day_index(FIRST_DAY - dt.timedelta(days=1))


@pytest.mark.parametrize("dtype", [pa.int64(), pa.int32(), pa.uint8(), pa.float32(), pa.float64()])
def test_nulls_become_nan_and_numbers_stay_whatever_their_type_and_slice(dtype: pa.DataType) -> None:
    column = pa.array([9, None, 3, 0, None, *range(10)], dtype).slice(1, 12)
    found = column_as_float32(pa.chunked_array([column.slice(0, 5), column.slice(5)]))
    np.testing.assert_array_equal(found, [np.nan, 3, 0, np.nan, *range(8)])


def test_there_is_one_zero_and_one_nan() -> None:
    other_nan = np.uint32(0xFFC00001).view(np.float32)
    found = column_as_float32(pa.array(np.array([-0.0, other_nan, np.inf], dtype=np.float32)))
    assert found.tobytes() == np.array([0.0, np.nan, np.nan], dtype=np.float32).tobytes()


def test_a_column_of_nulls_and_one_of_booleans_are_read_as_well() -> None:
    np.testing.assert_array_equal(column_as_float32(pa.nulls(2)), [np.nan, np.nan])
    np.testing.assert_array_equal(column_as_float32(pa.array([True, None, False])), [1.0, np.nan, 0.0])


def test_memory_stays_near_the_final_array_though_components_keep_coming() -> None:
    n_days, n_first, new_a_day = 60, 3000, 40
    tables = [
        drive_days(keys, [0] * len(keys))
        for keys in ([*range(10_000 - new_a_day * day, 10_000 + n_first)] for day in range(n_days))
    ]
    builder = CubeBuilder(SIGNALS, FIRST_DAY, FIRST_DAY + dt.timedelta(days=n_days - 1))
    tracemalloc.start()
    for day, table in enumerate(tables):
        builder.add_day(FIRST_DAY + dt.timedelta(days=day), table)
    cube = builder.build()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    final_bytes = cube.values.nbytes + cube.is_reported.nbytes
    assert cube.n_components == n_first + new_a_day * (n_days - 1)
    assert peak_bytes < 1.4 * final_bytes
