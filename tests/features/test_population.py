"""Rules of the population: its bins, its histogram, and the percentile that comes of them."""

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cubes import FIRST_DAY, SIGNALS, seeded_fleet

from features.cube import Cube
from features.kernel import compute_features
from features.population import PopulationTable, count_population, population_bins


def _core_table(cube: Cube, day: int) -> pa.Table:
    here = np.flatnonzero(cube.is_reported[day])
    columns = {
        signal: pa.array(cube.values[i, day, here], from_pandas=True) for i, signal in enumerate(cube.signals)
    }
    models = [cube.models[code] for code in cube.model_codes[here]]
    return pa.table({"model": pa.array(models, pa.string()), **columns})


def _dumb_bin(value: float) -> int:
    if value <= 0:
        return 0
    return 1 if value < 1 else 1 + min(63, math.floor(4 * math.log2(value)))


@settings(max_examples=300, deadline=None)
@given(st.floats(-10, 2.0**18, width=32) | st.integers(0, 2**24).map(float))
def test_a_bin_is_a_quarter_octave(value: float) -> None:
    assert population_bins(np.array([value], dtype=np.float32)).tolist() == [_dumb_bin(value)]


def test_bins_ascend_at_their_edges_and_end_at_64() -> None:
    edges = np.array([2.0 ** (quarter / 4) for quarter in range(64)])
    above = np.ceil(edges.astype(np.float64) * (1 + 1e-7)).astype(np.float32)
    assert population_bins((edges * (1 + 1e-6)).astype(np.float32)).tolist() == list(range(1, 65))
    assert population_bins((edges[1:] * (1 - 1e-6)).astype(np.float32)).tolist() == list(range(1, 64))
    assert np.all(np.diff(population_bins(above)) >= 0)
    assert population_bins(np.array([0.0, 0.3, np.nan, 3e38], dtype=np.float32)).tolist() == [0, 1, -1, 64]


def test_the_histogram_counts_each_known_value_once_in_a_fixed_order() -> None:
    rows = pa.table(
        {"model": ["b", "a", "b", "b", "b"], "pending": [0, 4, None, 5, 4], "crc": [1, 1, 1, 1, None]}
    )
    found = count_population(rows, ["pending", "crc"], "drive").to_pylist()
    assert {row.pop("component_kind") for row in found} == {"drive"}
    assert [tuple(row.values()) for row in found] == [
        ("a", "pending", 9, 1), ("a", "crc", 1, 1),
        ("b", "pending", 0, 1), ("b", "pending", 9, 1), ("b", "pending", 10, 1), ("b", "crc", 1, 3),
    ]  # fmt: skip
    shuffled = rows.take([3, 0, 4, 1, 2])
    assert count_population(shuffled, ["pending", "crc"], "drive").equals(
        count_population(rows, ["pending", "crc"], "drive")
    )


def test_a_day_without_rows_has_an_empty_population() -> None:
    empty = pa.table({"model": pa.array([], pa.string()), "pending": pa.array([], pa.int64())})
    assert count_population(empty, ["pending"], "drive").num_rows == 0


@pytest.mark.parametrize("is_one_day", [True, False])
def test_percentiles_are_mid_ranks_in_the_own_model_on_the_same_day(is_one_day: bool) -> None:
    cube = seeded_fleet(n_days=12, n_components=60)
    tables = {
        FIRST_DAY + dt.timedelta(days=day): count_population(_core_table(cube, day), SIGNALS, "drive")
        for day in range(cube.n_days)
        if day != 4
    }
    names = [f"{signal}_percentile" for signal in SIGNALS]
    days, components = (axis.ravel() for axis in np.indices((cube.n_days, cube.n_components)))
    if is_one_day:
        days, components = days[days == 7], components[days == 7]
    found = compute_features(cube, names, days, components, PopulationTable.from_tables(tables))
    for row, (day, component) in enumerate(zip(days, components, strict=True)):
        for column in range(2):
            peers = cube.values[column, day, cube.model_codes == cube.model_codes[component]]
            own = cube.values[column, day, component]
            bins = population_bins(peers[~np.isnan(peers)])
            expected = np.nan
            if not np.isnan(own) and day != 4:
                own_bin = population_bins(np.array([own]))[0]
                expected = (np.sum(bins < own_bin) + np.sum(bins == own_bin) / 2) / len(bins)
            np.testing.assert_allclose(found[row, column], expected, rtol=1e-6)


def test_an_unknown_model_has_no_percentile() -> None:
    cube = seeded_fleet(n_days=1, n_components=4)
    only_one = _core_table(cube, 0).filter(pa.array(cube.model_codes[cube.is_reported[0]] == 0))
    population = PopulationTable.from_tables({FIRST_DAY: count_population(only_one, SIGNALS, "drive")})
    found = compute_features(
        cube, ["temperature_celsius_percentile"], np.zeros(4, int), np.arange(4), population
    )
    is_known = (cube.model_codes == 0) & ~np.isnan(cube.values[1, 0])
    np.testing.assert_array_equal(~np.isnan(found[:, 0]), is_known)
