"""What is said about a listed component agrees with what it reported and what the model made of it."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.evidence import (
    MAX_REASONS,
    ComponentLevels,
    Reason,
    SignalWording,
    add_up_days,
    find_reasons,
    level_before,
    read_reasons,
    sum_by_signal,
    tell_ages,
    write_reasons,
)

N_DAYS = 40


def levels(**series: list[float]) -> ComponentLevels:
    """Levels of the last days of each series; the days before were not reported."""
    values = np.full((len(series), N_DAYS), np.nan, dtype=np.float32)
    for row, tail in enumerate(series.values()):
        values[row, N_DAYS - len(tail) :] = tail
    return ComponentLevels(
        signals=tuple(series), levels=values, percentiles=np.full(len(series), 99.97, dtype=np.float32)
    )


def test_a_reason_has_the_hand_computed_numbers() -> None:
    pending = [float(index) for index in range(31)]  # 0 thirty days ago, 23 seven days ago, 30 now
    wording = SignalWording(signal="pending", label="Pending sectors", unit="sectors")
    reasons = find_reasons(
        np.array([0.5, -0.125, 0.25], dtype=np.float32),
        ["pending", "pending", "age"],
        levels(pending=pending),
        [wording],
    )
    assert reasons == (
        Reason(
            signal="pending",
            label="Pending sectors",
            unit="sectors",
            now=30.0,
            before_7d=23.0,
            before_30d=0.0,
            percentile=99.9,
            contribution=0.375,
        ),
        Reason(
            signal="age",
            label="age",
            unit="",
            now=None,
            before_7d=None,
            before_30d=None,
            percentile=None,
            contribution=0.25,
        ),
    )


def test_signals_that_lower_the_risk_are_no_reasons() -> None:
    found = find_reasons(np.array([0.5, -0.6], dtype=np.float32), ["a", "a"], levels(a=[1.0]), [])
    assert found == ()


def test_equal_contributions_are_ordered_by_name_and_the_number_is_bounded() -> None:
    names = [f"s{index}" for index in (7, 3, 9, 1, 5, 8, 2, 4)]
    found = find_reasons(np.full(8, 0.5, dtype=np.float32), names, levels(a=[1.0]), [])
    assert [reason.signal for reason in found] == sorted(names)[:MAX_REASONS]


def test_an_unreported_day_shows_the_last_report_of_three_days_and_no_older_one() -> None:
    series = np.full(N_DAYS, np.nan, dtype=np.float32)
    series[N_DAYS - 1 - 3] = 5.0
    assert level_before(series, 0) == 5.0
    series[N_DAYS - 1 - 3], series[N_DAYS - 1 - 4] = np.nan, 5.0
    assert level_before(series, 0) is None


def test_a_day_before_the_lookback_is_unknown() -> None:
    assert level_before(np.ones(5, dtype=np.float32), 7) is None
    assert level_before(np.ones(8, dtype=np.float32), 7) == 1.0


def test_an_almost_highest_level_does_not_read_as_above_all() -> None:
    found = find_reasons(np.array([1.0], dtype=np.float32), ["a"], levels(a=[3.0]), [])
    assert found[0].percentile == 99.9


def test_contributions_and_features_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 contributions for 1 features"):
        sum_by_signal(np.zeros(2), ["a"])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-5, 5, width=32)), max_size=20), st.randoms())
def test_the_order_of_features_never_changes_a_reason(parts: list[tuple[str, float]], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)

    def reasons(chosen: list[tuple[str, float]]) -> tuple[Reason, ...]:
        values = np.array([value for _, value in chosen], dtype=np.float32)
        return find_reasons(values, [signal for signal, _ in chosen], levels(a=[1.0]), [])

    assert reasons(parts) == reasons(shuffled)


def test_reasons_survive_the_column_they_are_stored_in() -> None:
    found = find_reasons(np.array([1.0], dtype=np.float32), ["a"], levels(a=[3.25, np.nan]), [])
    assert read_reasons(write_reasons(found)) == found
    assert write_reasons(()) == "[]"


def test_a_signal_that_nobody_can_look_at_is_named_only_where_no_other_is() -> None:
    levels = ComponentLevels(
        signals=("pending_sectors", "power_cycles"),
        levels=np.array([np.full(31, 4.0), np.zeros(31)], dtype=np.float32),
        percentiles=np.array([99.0, 50.0], dtype=np.float32),
    )
    wordings: tuple[SignalWording, ...] = ()
    both = find_reasons(np.array([0.5, 0.9]), ("pending_sectors", "power_cycles"), levels, wordings)
    assert [reason.signal for reason in both] == ["pending_sectors"]
    only_silent = find_reasons(np.array([-0.5, 0.9]), ("pending_sectors", "power_cycles"), levels, wordings)
    assert [reason.signal for reason in only_silent] == ["power_cycles"]


def test_amounts_of_a_day_are_shown_as_running_totals_and_have_no_percentile() -> None:
    reported = levels(errors=[3.0, 0.0, float("nan"), 4.0], rpm=[900.0, 800.0, 700.0, 600.0])
    shown = add_up_days(reported, frozenset({"errors"}), first_column=N_DAYS - 3)
    assert shown.levels[0, -4:].tolist() == pytest.approx([np.nan, 0.0, np.nan, 4.0], nan_ok=True)
    assert np.array_equal(shown.levels[1], reported.levels[1], equal_nan=True)
    assert np.isnan(shown.percentiles[0])
    assert shown.percentiles[1] == reported.percentiles[1]


def test_errors_of_last_week_are_a_reason_though_today_was_quiet() -> None:
    errors = [0.0] * 31 + [1e7, 1e7, 1.0, 0.0, 0.0]
    shown = add_up_days(levels(errors=errors), frozenset({"errors"}))
    (reason,) = find_reasons(np.array([0.5], dtype=np.float32), ["errors"], shown, [])
    assert (reason.now, reason.before_7d, reason.before_30d) == (20_000_001.0, 0.0, 0.0)


def test_levels_without_amounts_stay_the_same_object() -> None:
    reported = levels(rpm=[900.0])
    assert add_up_days(reported, frozenset({"errors"})) is reported


def test_a_moment_is_told_as_the_days_since_on_each_day() -> None:
    day = dt.date(2026, 2, 10)
    start = dt.datetime(2026, 2, 10, 12, tzinfo=dt.UTC).timestamp()
    before = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()
    reported = ComponentLevels(
        signals=("boot_time_seconds", "errors"),
        levels=np.array([[before, np.nan, start], [1.0, 2.0, 3.0]], dtype=np.float32),
        percentiles=np.array([99.0, 50.0]),
    )
    told = tell_ages(reported, frozenset({"boot_time_seconds"}), day)
    assert told.levels[0, [0, 2]].tolist() == [39.0, 0.5]
    assert np.isnan(told.levels[0, 1])
    assert told.levels[1].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(told.percentiles[0])
    assert tell_ages(reported, frozenset(), day) is reported
