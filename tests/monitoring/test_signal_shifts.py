"""Counters grow, fleets grow, models are young: none of it is drift."""

import datetime as dt

import numpy as np
import pytest

from features.histograms import Histograms
from features.population import N_BINS, population_bins
from features.signal_shifts import HISTORY_DAYS, SignalShift, find_shifts

DAY = dt.date(2026, 6, 1)


def judge(levels: list[np.ndarray], *, is_counter: bool = True) -> SignalShift | None:
    """Return the verdict on one signal whose level per component and day is given, the last day is DAY."""
    counts = np.stack(
        [np.bincount(population_bins(each.astype(np.float32)), minlength=N_BINS) for each in levels]
    )
    histograms = Histograms(
        days=tuple(DAY - dt.timedelta(days=back) for back in reversed(range(len(levels)))),
        models=("X",),
        signals=("load_cycles",),
        counts=counts[:, None, None].astype(np.int32),
    )
    found = find_shifts(
        histograms, DAY, ["load_cycles"] if is_counter else [], psi_limit=0.25, minimum_components=50
    )
    return found[0] if found else None


def ages(first: int, n_days: int, spread: int = 3) -> list[np.ndarray]:
    """Return the age in days of 200 components that were installed within ``spread`` days."""
    return [first + day + np.arange(200) % spread for day in range(n_days)]


@pytest.mark.parametrize("first", [1, 10, 30, 60, 120, 400])
def test_a_uniform_young_batch_that_only_ages_has_not_shifted(first: int) -> None:
    for n_days in (21, 40, 55, HISTORY_DAYS):
        found = judge([each * 24.0 for each in ages(first, n_days)])
        assert found is None or not found.is_shifted, n_days


@pytest.mark.parametrize("n_new", [15, 30, 100, 400])
@pytest.mark.parametrize("n_days", [1, 6])
def test_new_drives_of_a_known_model_are_no_other_unit(n_new: int, n_days: int) -> None:
    levels = [each * 24.0 for each in ages(700, HISTORY_DAYS, spread=600)]
    for n in range(n_days):
        new = np.repeat(np.arange(n + 1) + 1.0, n_new)
        levels[n - n_days] = np.concatenate([levels[n - n_days], new * 24.0])
    found = judge(levels)
    assert found is None or not found.is_shifted


@pytest.mark.parametrize("since", range(2, 40, 3))
def test_a_batch_that_came_ages_by_octaves_and_is_no_other_unit(since: int) -> None:
    levels = [each * 24.0 for each in ages(300, HISTORY_DAYS, spread=60)]
    for day in range(since):
        levels[day - since] = np.concatenate([levels[day - since], np.full(90, 24.0 * (day + 1))])
    found = judge(levels)
    assert found is None or not found.is_shifted


def test_a_source_that_was_half_away_for_a_day_is_no_jump() -> None:
    levels = [each * 24.0 for each in ages(700, HISTORY_DAYS, spread=600)]
    levels[-1] = levels[-1][:100]
    found = judge(levels)
    assert found is not None
    assert not found.is_shifted


def test_a_firmware_that_a_twentieth_get_each_day_is_found_within_a_week() -> None:
    steady = [1000.0 + 2 * each for each in ages(0, HISTORY_DAYS, spread=600)]
    for back in range(6):
        # Since six days one more twentieth of them a day counts in another unit.
        levels = steady[len(steady) - 6 + back]
        levels[: 10 * (back + 1)] *= 60
    found = judge(steady)
    assert found is not None
    assert found.is_shifted
    assert found.jump_day is None


def test_a_jump_that_is_five_weeks_old_is_the_usual() -> None:
    levels = [each * 24.0 for each in ages(700, HISTORY_DAYS)]
    for n_after, is_found in ((1, True), (20, True), (34, True), (36, False)):
        changed = [each * (60.0 if n >= HISTORY_DAYS - n_after else 1.0) for n, each in enumerate(levels)]
        found = judge(changed)
        assert found is not None
        assert (found.jump_day is not None) == is_found, n_after
        assert found.is_shifted == is_found, n_after


def test_a_week_in_another_unit_is_over_when_it_is_over() -> None:
    levels = [each * 24.0 for each in ages(700, HISTORY_DAYS)]
    for n in range(HISTORY_DAYS - 12, HISTORY_DAYS - 5):
        levels[n] = levels[n] * 60
    found = judge(levels)
    assert found is not None
    assert not found.is_shifted


def test_few_components_or_few_days_say_nothing() -> None:
    assert judge([np.full(49, 7.0)] * HISTORY_DAYS) is None
    assert judge([np.full(200, 7.0)] * 20) is None
    assert judge([np.full(200, 7.0)] * 21) is not None
