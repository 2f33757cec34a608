"""Distances of histograms: what the index is, what chance makes of it, what moves how far."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.drift import (
    bins_moved,
    group_edges,
    median_level,
    population_stability,
    stability_noise,
    without_turnover,
)
from features.population import N_BINS, population_bins


def histogram(**counts: float) -> np.ndarray:
    """Return counts by bin: ``histogram(b0=90, b20=10)``."""
    made = np.zeros(N_BINS)
    for name, count in counts.items():
        made[int(name[1:])] = count
    return made


HISTOGRAMS = st.lists(st.integers(0, 500), min_size=N_BINS, max_size=N_BINS).map(
    lambda counts: np.array(counts, dtype=np.float64)
)


@given(HISTOGRAMS)
def test_nothing_is_not_far_from_itself(counts: np.ndarray) -> None:
    if counts.any():
        assert population_stability(counts, counts) == 0
        assert bins_moved(counts, counts) == 0


@given(HISTOGRAMS, st.integers(2, 9))
def test_the_index_does_not_depend_on_how_many_there_are(counts: np.ndarray, factor: int) -> None:
    now = np.roll(counts, 3)
    counts, now = counts + 10, now + 10
    once, scaled = population_stability(counts, now), population_stability(counts * factor, now * factor)
    assert scaled == pytest.approx(once, rel=1e-9, abs=1e-12)


def test_the_index_is_the_sum_over_groups() -> None:
    before, now = histogram(b0=80, b20=20), histogram(b0=60, b20=40)
    # Groups below and above bin 20 hold nobody and count half a component on both sides.
    expected = (0.6 - 0.8) * math.log(0.6 / 0.8) + (0.4 - 0.2) * math.log(0.4 / 0.2)
    assert population_stability(before, now) == pytest.approx(expected)


def test_zero_and_what_nobody_had_are_groups_of_their_own() -> None:
    assert group_edges(histogram(b0=50, b20=25, b21=25)).tolist() == [0, 1, 20, 21, 22]
    assert group_edges(histogram(b0=50)).tolist() == [0, 1]


def test_another_unit_is_far_although_all_were_in_the_highest_group() -> None:
    assert population_stability(histogram(b20=100), histogram(b26=100)) > 4


def test_a_side_without_values_has_no_distance() -> None:
    assert math.isnan(population_stability(histogram(b0=5), histogram()))
    assert math.isnan(bins_moved(histogram(), histogram(b0=5)))
    assert math.isnan(median_level(histogram()))


@pytest.mark.parametrize("n", [60, 300, 2000])
def test_chance_alone_stays_below_the_noise(n: int) -> None:
    rng = np.random.default_rng([5, n])
    above = 0
    for _ in range(400):
        before, now = (
            np.bincount(population_bins(rng.lognormal(4, 1, n).astype(np.float32)), minlength=N_BINS)
            for _ in range(2)
        )
        above += population_stability(before * 1.0, now * 1.0) > stability_noise(before * 1.0, now * 1.0)
    assert above == 0


def test_a_batch_that_crosses_the_edge_of_a_bin_moved_one_bin() -> None:
    before, now = histogram(b30=100), histogram(b31=100)
    assert population_stability(before, now) > 1
    assert bins_moved(before, now) == 1


@pytest.mark.parametrize(("value", "lowest", "highest"), [(0.0, 0, 0), (30.0, 26, 33), (7000.0, 6000, 8200)])
def test_a_median_is_named_within_its_bin(value: float, lowest: float, highest: float) -> None:
    counts = np.bincount(population_bins(np.full(9, value, dtype=np.float32)), minlength=N_BINS)
    assert lowest <= median_level(counts * 1.0) <= highest


@given(HISTOGRAMS, HISTOGRAMS)
def test_without_turnover_both_have_the_same_sum_and_nobody_is_made_up(
    before: np.ndarray, now: np.ndarray
) -> None:
    a, b = without_turnover(before, now)
    assert a.sum() == pytest.approx(b.sum())
    assert (a <= before + 1e-9).all()
    assert (b <= now + 1e-9).all()


def test_who_came_did_not_move_and_who_moved_still_did() -> None:
    a, b = without_turnover(histogram(b30=100), histogram(b30=100, b2=40))
    assert bins_moved(a, b) == 0
    a, b = without_turnover(histogram(b30=100), histogram(b54=140))
    assert bins_moved(a, b) == pytest.approx(24)
