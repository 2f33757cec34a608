"""Rules of the kernel: what each feature is, and that nothing but its own lookback can change it."""

from random import Random

import numpy as np
import pytest
from feature_oracle import feature_value
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cubes import SIGNALS, column, cut_days, drawn_cubes, make_cube, pick_components, seeded_fleet

from features.cube import Cube
from features.feature_names import FeatureNameError, lookback_days, parse_features
from features.kernel import compute_features
from features.population import PopulationTable

_WINDOWED = ("delta", "increase", "changes", "maxstep", "min", "max", "mean", "std", "slope")


def _names(*windows: int) -> list[str]:
    names = [f"signals_changed_{w}d" for w in windows] + [f"days_reported_{w}d" for w in windows]
    for signal in SIGNALS:
        names += [f"{signal}_level", f"{signal}_dayssincechange", f"{signal}_dayssincefirst"]
        names += [f"{signal}_{aggregate}_{w}d" for aggregate in _WINDOWED for w in windows]
    return [*names, "signals_nonzero", "signals_missing", "capacity_bytes"]


SHORT = _names(1, 3, 7, 11)
LONG = _names(1, 7, 30, 64, 90)
drawn = settings(max_examples=30, deadline=None)


def all_cells(cube: Cube) -> tuple[np.ndarray, np.ndarray]:
    days, components = np.indices((cube.n_days, cube.n_components))
    return days.ravel(), components.ravel()


def features_of(cube: Cube, names: list[str], days: np.ndarray, components: np.ndarray) -> np.ndarray:
    return compute_features(cube, names, days, components, error_signals=SIGNALS)


def assert_same_bits(found: np.ndarray, expected: np.ndarray, names: list[str]) -> None:
    differs = (found.view(np.uint32) != expected.view(np.uint32)).any(axis=0)
    assert not differs.any(), [name for name, wrong in zip(names, differs, strict=True) if wrong]


def assert_equals_oracle(cube: Cube, names: list[str], days: np.ndarray, components: np.ndarray) -> None:
    found = features_of(cube, names, days, components)
    cells = list(zip(days, components, strict=True))
    expected = [[feature_value(cube, name, *cell, SIGNALS) for name in names] for cell in cells]
    np.testing.assert_allclose(found, expected, rtol=3e-6, atol=3e-6)


@settings(max_examples=25, deadline=None)
@given(drawn_cubes())
def test_every_feature_of_every_cell_equals_a_dumb_loop(cube: Cube) -> None:
    assert_equals_oracle(cube, SHORT, *all_cells(cube))


def test_long_windows_equal_a_dumb_loop() -> None:
    cube = seeded_fleet()
    rng = np.random.default_rng(1)
    assert_equals_oracle(cube, LONG, rng.integers(0, cube.n_days, 60), rng.integers(0, cube.n_components, 60))


@drawn
@given(drawn_cubes(), st.data())
def test_a_chosen_cell_equals_the_same_cell_of_the_whole_cube(cube: Cube, data: st.DataObject) -> None:
    days, components = all_cells(cube)
    whole = features_of(cube, SHORT, days, components)
    chosen = np.array(data.draw(st.lists(st.integers(0, len(days) - 1), max_size=12)), dtype=np.intp)
    assert_same_bits(features_of(cube, SHORT, days[chosen], components[chosen]), whole[chosen], SHORT)


@drawn
@given(drawn_cubes())
def test_a_day_on_its_own_equals_that_day_of_the_whole_cube(cube: Cube) -> None:
    days, components = all_cells(cube)
    whole = features_of(cube, SHORT, days, components)
    for day in range(cube.n_days):
        on_day = days == day
        one_day = features_of(cube, SHORT, days[on_day], components[on_day])
        assert_same_bits(one_day, whole[on_day], SHORT)


def test_scoring_from_the_lookback_equals_training_from_the_history_cell_for_cell() -> None:
    history = seeded_fleet(n_days=260)
    days, components = all_cells(history)
    trained = features_of(history, LONG, days, components)
    lookback = lookback_days(parse_features(LONG, signals=SIGNALS, error_signals=SIGNALS))
    assert lookback == 96
    for day in (130, 200, 259):
        cube = cut_days(history, day - lookback, day + 1)
        everyone = np.arange(cube.n_components)
        scored = features_of(cube, LONG, np.full_like(everyone, lookback), everyone)
        assert_same_bits(scored, trained[days == day], LONG)


def test_a_sampled_training_set_equals_the_whole_one_whatever_the_blocks_and_threads() -> None:
    cube = seeded_fleet(n_days=400, n_components=150)
    days, components = all_cells(cube)
    whole = compute_features(cube, LONG, days, components, error_signals=SIGNALS, n_threads=3)
    for share in (0.001, 0.05, 0.7):
        chosen = np.random.default_rng(2).permutation(len(days))[: int(share * len(days))]
        alone = compute_features(
            cube, LONG, days[chosen], components[chosen], error_signals=SIGNALS, n_threads=1
        )
        assert_same_bits(alone, whole[chosen], LONG)


@drawn
@given(drawn_cubes(), st.data())
def test_no_future_row_changes_the_features_of_a_day(cube: Cube, data: st.DataObject) -> None:
    day = data.draw(st.integers(0, cube.n_days - 1))
    days, components = all_cells(cube)
    until = days <= day
    before = features_of(cube, SHORT, days[until], components[until])
    cube.values[:, day + 1 :] = data.draw(st.sampled_from([np.nan, 0.0, 9e9]))
    cube.is_reported[day + 1 :] = data.draw(st.booleans())
    assert_same_bits(features_of(cube, SHORT, days[until], components[until]), before, SHORT)


@drawn
@given(drawn_cubes(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_components_never_matters(cube: Cube, random: Random) -> None:
    days, components = all_cells(cube)
    expected = features_of(cube, SHORT, days, components)
    rows = np.array(random.sample(range(len(days)), len(days)), dtype=np.intp)
    assert_same_bits(features_of(cube, SHORT, days[rows], components[rows]), expected[rows], SHORT)
    order = np.array(random.sample(range(cube.n_components), cube.n_components), dtype=np.intp)
    shuffled = features_of(pick_components(cube, order), SHORT, days, components)
    place = np.argsort(order)
    assert_same_bits(shuffled[days * cube.n_components + place[components]], expected, SHORT)


def test_a_component_alone_has_the_features_it_has_in_the_fleet() -> None:
    cube = seeded_fleet()
    days, components = all_cells(cube)
    fleet = features_of(cube, LONG, days, components)
    for component in range(0, cube.n_components, 7):
        alone = pick_components(cube, np.array([component]))
        found = features_of(alone, LONG, *all_cells(alone))
        assert_same_bits(found, fleet[components == component], LONG)


@drawn
@given(drawn_cubes())
def test_increments_are_never_negative(cube: Cube) -> None:
    names = [
        f"{signal}_{kind}_{w}d" for signal in SIGNALS for kind in ("increase", "maxstep") for w in (1, 7, 90)
    ]
    found = features_of(cube, names, *all_cells(cube))
    assert np.nanmin(found, initial=0.0) >= 0.0


def test_a_counter_that_restarts_is_a_new_life_and_not_a_repair() -> None:
    names = ["pending_sectors_increase_3d", "pending_sectors_delta_3d", "pending_sectors_changes_3d"]
    found = compute_features(column(5, 8, 0, 2), names, np.array([3]), np.array([0]))
    assert found.tolist() == [[5.0, -3.0, 3.0]]


def test_an_increase_is_known_though_the_day_itself_is_null() -> None:
    names = ["pending_sectors_increase_7d", "pending_sectors_level", "pending_sectors_dayssincechange"]
    found = compute_features(column(0, 4, None), names, np.array([2]), np.array([0]))
    np.testing.assert_array_equal(found, [[4.0, np.nan, 1.0]])


@pytest.mark.parametrize(("n_missing", "increase"), [(6, 9.0), (7, np.nan)])
def test_a_last_known_value_is_carried_for_seven_days_and_no_longer(n_missing: int, increase: float) -> None:
    cube = column(1, *[None] * n_missing, 10)
    found = compute_features(cube, ["pending_sectors_increase_1d"], np.array([n_missing + 1]), np.array([0]))
    np.testing.assert_array_equal(found, [[increase]])


@given(st.floats(-(2.0**100), 2.0**100, width=32), st.integers(2, 90))
@drawn
def test_a_constant_has_its_own_mean_and_exactly_no_spread_or_slope(level: float, days: int) -> None:
    # Two components: the other one moves, so that the constant goes through the sums as well.
    values = np.full((1, 97, 3), level, dtype=np.float32)
    values[0, :, 1] = values[0, :, 2] = np.arange(97)
    values[0, -1, 2] = np.nan
    cube = make_cube(values, signals=("pending_sectors",))
    names = [f"pending_sectors_{aggregate}_{days}d" for aggregate in ("mean", "min", "max", "std", "slope")]
    found = compute_features(cube, names, np.full(3, 96), np.arange(3))
    assert found[0].tolist() == [np.float32(level)] * 3 + [0.0, 0.0]


def test_the_spread_of_a_high_level_is_right_where_the_current_value_is_null() -> None:
    rng = np.random.default_rng(3)
    values = (50_000 + rng.integers(0, 9, 60)).astype(np.float32)
    values[-1] = np.nan
    found = compute_features(
        make_cube(values[np.newaxis, :, np.newaxis], signals=("a",)),
        ["a_std_30d"],
        np.array([59]),
        np.array([0]),
    )
    assert found[0, 0] == pytest.approx(values[30:59].astype(np.float64).std(), rel=1e-6)


def test_percentiles_are_those_of_the_own_model_on_the_same_day() -> None:
    cube = seeded_fleet(n_days=20)
    population = PopulationTable.from_tables({})
    names = ["pending_sectors_percentile"]
    unknown = compute_features(cube, names, *all_cells(cube), population)
    assert np.isnan(unknown).all()
    with pytest.raises(ValueError, match="need the population"):
        compute_features(cube, names, *all_cells(cube))


def test_all_wrong_names_are_reported_together() -> None:
    names = ["pending_sectors_level", "no_such_level", "pending_sectors_median_7d", "signals_nonzero"]
    with pytest.raises(FeatureNameError) as caught:
        compute_features(column(1.0), names, np.array([0]), np.array([0]))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(("day", "component"), [(1, 0), (0, 1), (-1, 0)])
def test_a_cell_outside_of_the_cube_is_refused(day: int, component: int) -> None:
    with pytest.raises(ValueError, match="the cube has 1"):
        compute_features(column(1.0), ["pending_sectors_level"], np.array([day]), np.array([component]))


def test_no_cells_have_no_rows() -> None:
    none = np.empty(0, dtype=np.int32)
    assert compute_features(column(1.0), ["pending_sectors_level"], none, none).shape == (0, 1)
