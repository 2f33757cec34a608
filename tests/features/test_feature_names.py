"""Rules of feature names: what each says, and how far back it looks."""

import pickle

import pytest

from features.feature_names import FeatureNameError, lookback_days, parse_feature, parse_features


@pytest.mark.parametrize(
    ("name", "signal", "aggregate", "window", "lookback"),
    [
        ("pending_sectors_level", "pending_sectors", "level", None, 0),
        ("pending_sectors_percentile", "pending_sectors", "percentile", None, 0),
        ("pending_sectors_min_1d", "pending_sectors", "min", 1, 0),
        ("temperature_celsius_std_30d", "temperature_celsius", "std", 30, 29),
        ("read_errors_delta_7d", "read_errors", "delta", 7, 13),
        ("read_errors_increase_90d", "read_errors", "increase", 90, 96),
        ("read_errors_dayssincechange", "read_errors", "dayssincechange", None, 96),
        ("signals_changed_7d", None, "signals_changed", 7, 13),
        ("signals_nonzero", None, "signals_nonzero", None, 0),
        ("days_reported_30d", None, "days_reported", 30, 29),
        ("capacity_bytes", None, "capacity_bytes", None, 0),
    ],
)
def test_a_name_says_signal_aggregate_and_window(
    name: str, signal: str | None, aggregate: str, window: int | None, lookback: int
) -> None:
    spec = parse_feature(name)
    assert (spec.signal, spec.aggregate, spec.window_days) == (signal, aggregate, window)
    assert spec.lookback_days == lookback


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("pending_sectors_delta", "needs a window, as in pending_sectors_delta_7d"),
        ("pending_sectors_level_7d", "has no window"),
        ("pending_sectors_mean_91d", "a window of 91 days"),
        ("pending_sectors_mean_0d", "not <signal>_<aggregate>"),
        ("pending_sectors_mean_07d", "not <signal>_<aggregate>"),
        ("level", "not <signal>_<aggregate>"),
        ("Pending_level", "not <signal>_<aggregate>"),
    ],
)
def test_a_name_outside_of_the_grammar_is_refused_with_the_reason(name: str, problem: str) -> None:
    with pytest.raises(FeatureNameError, match=problem):
        parse_feature(name)


def test_every_wrong_name_is_reported_at_once() -> None:
    names = ["a_level", "a_level", "b_level", "a_median_7d", "signals_missing"]
    with pytest.raises(FeatureNameError) as caught:
        parse_features(names, signals=["a"])
    assert caught.value.problems == (
        "a_level: named twice",
        "b_level: no signal b; there are a",
        "a_median_7d: not <signal>_<aggregate>[_<window>d] with a window of 1 to 90 days",
        "signals_missing: needs error signals, and none are named",
    )
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems
    with pytest.raises(FeatureNameError, match="c: an error signal that is not there"):
        parse_features(["signals_missing"], signals=["a"], error_signals=["c"])


def test_the_lookback_is_that_of_the_feature_that_looks_furthest() -> None:
    assert lookback_days([]) == 0
    assert lookback_days(parse_features(["a_level", "a_mean_30d", "a_delta_20d"], signals=["a"])) == 29
