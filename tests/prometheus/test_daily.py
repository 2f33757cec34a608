"""What a day of samples adds up to, against a dumb loop and by hand."""

import datetime as dt
import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prometheus.daily import DaySpan, DaySums, sum_up_day
from pipelines.prometheus.remote_read import SeriesSamples

DAY = dt.date(2026, 2, 1)
SPAN = DaySpan.of(DAY)
HOUR = 3_600_000


def samples_of(*series: list[tuple[int, float]]) -> SeriesSamples:
    """Return series whose times are milliseconds after midnight."""
    flat = [sample for each in series for sample in each]
    return SeriesSamples(
        labels=tuple({"n": str(n)} for n in range(len(series))),
        counts=np.array([len(each) for each in series], np.int64),
        times_ms=np.array([SPAN.start_ms + time for time, _ in flat], np.int64),
        values=np.array([value for _, value in flat], np.float64),
    )


def sum_up(*series: list[tuple[int, float]], **options: float | bool) -> DaySums:
    own = np.arange(len(series), dtype=np.int64)
    return sum_up_day(samples_of(*series), own, own, SPAN, **options)


def test_a_gauge_gives_extremes_mean_and_last() -> None:
    sums = sum_up([(HOUR, 2.0), (2 * HOUR, 8.0), (3 * HOUR, 5.0)])
    assert (sums.value_min[0], sums.value_max[0], sums.value_mean[0], sums.value_last[0]) == (2, 8, 5, 5)
    assert sums.n_samples.tolist() == [3]


def test_a_counter_that_starts_anew_counts_from_zero() -> None:
    assert sum_up([(1, 5.0), (2, 9.0), (3, 2.0), (4, 3.0)]).increase.tolist() == [4 + 2 + 1]


def test_growth_since_yesterdays_last_scrape_belongs_to_today() -> None:
    sums = sum_up([(-600_000, 1.0), (-300_000, 2.0), (1, 7.0)])
    assert (sums.increase[0], sums.n_samples[0], sums.value_min[0]) == (5, 1, 7)


def test_missing_scrapes_stay_visible() -> None:
    whole = [(300_000 * i, 1.0) for i in range(288)]
    half = [sample for sample in whole if not 6 * HOUR <= sample[0] < 18 * HOUR]
    sums = sum_up(whole, half, whole[:1])
    assert sums.covered_share.tolist() == [1.0, 0.5, 1 / 288]
    assert sums.longest_gap_seconds.tolist() == [300.0, 12 * 3600 + 300, 24 * 3600]


def test_the_interval_of_the_settings_wins_over_the_fleets() -> None:
    assert sum_up([(HOUR * i, 1.0) for i in range(12)], interval_ms=HOUR).covered_share.tolist() == [0.5]


def test_pieces_of_a_sensor_are_one_series_in_the_order_of_time() -> None:
    pieces = samples_of([(3, 9.0), (4, 10.0)], [(1, 1.0), (2, 4.0), (3, 9.0)])
    sums = sum_up_day(pieces, np.array([0, 0]), np.array([0]), SPAN)
    assert (sums.increase[0], sums.n_samples[0], sums.value_last[0]) == (9, 4, 10)


def test_sensors_of_a_part_are_put_together() -> None:
    two = samples_of([(1, 40.0), (2, 44.0)], [(1, 80.0)])
    sums = sum_up_day(two, np.array([0, 1]), np.array([0, 0]), SPAN)
    assert (sums.value_min[0], sums.value_max[0], sums.value_last[0], sums.n_samples[0]) == (40, 80, 80, 3)
    assert math.isclose(sums.value_mean[0], (40 + 44 + 80) / 3)
    summed = sum_up_day(two, np.array([0, 1]), np.array([0, 0]), SPAN, sums_last=True)
    assert summed.value_last[0] == 44 + 80


def test_series_without_a_part_are_left_out() -> None:
    sums = sum_up_day(samples_of([(1, 1.0)], [(1, 2.0)]), np.array([-1, 0]), np.array([0]), SPAN)
    assert sums.value_last.tolist() == [2.0]


def test_no_number_is_no_scrape() -> None:
    sums = sum_up([(1, math.nan), (2, 3.0), (3, math.inf)], [(1, math.nan)])
    assert (sums.part.tolist(), sums.n_samples.tolist()) == ([0], [1])


def test_a_day_without_samples_has_no_rows() -> None:
    assert sum_up().part.tolist() == []
    assert sum_up([(-1, 5.0)], [(24 * HOUR, 5.0)]).part.tolist() == []


_one_series = st.lists(
    st.tuples(
        st.integers(-900_000, 24 * HOUR + 5), st.sampled_from([0.0, 1.0, 2.0, 5.0, 1e12, math.nan, -1.0])
    ),
    max_size=12,
    unique_by=lambda sample: sample[0],
).map(sorted)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(_one_series, st.integers(-1, 3)), min_size=1, max_size=6))
def test_any_day_adds_up_to_what_a_dumb_loop_says(
    drawn: list[tuple[list[tuple[int, float]], int]],
) -> None:
    series, sensors = [each for each, _ in drawn], [sensor for _, sensor in drawn]
    parts = np.array([0, 1, 1, 2])
    sums = sum_up_day(samples_of(*series), np.array(sensors), parts, SPAN, interval_ms=300_000)
    expected = _dumb(series, sensors, parts.tolist())
    assert sums.part.tolist() == sorted(expected)
    assert (sums.increase >= 0).all()
    for row, part in enumerate(sums.part.tolist()):
        low, high, mean, last, increase, count, share, gap = expected[part]
        assert (sums.value_min[row], sums.value_max[row], sums.value_last[row]) == (low, high, last)
        assert math.isclose(sums.value_mean[row], mean, rel_tol=1e-9)
        assert math.isclose(sums.increase[row], increase, rel_tol=1e-9)
        assert (sums.n_samples[row], sums.longest_gap_seconds[row]) == (count, gap)
        assert math.isclose(sums.covered_share[row], share)


def _dumb(
    series: list[list[tuple[int, float]]], sensors: list[int], parts: list[int]
) -> dict[int, tuple[float, ...]]:
    by_part: dict[int, list[tuple[float, ...]]] = {}
    for sensor in set(sensors) - {-1}:
        merged: dict[int, float] = {}
        for each, own in zip(series, sensors, strict=True):
            if own == sensor:
                for time, value in each:
                    merged.setdefault(time, value)
        points = sorted((t, v) for t, v in merged.items() if math.isfinite(v) and t < 24 * HOUR)
        today = [(t, v) for t, v in points if t >= 0]
        if not today:
            continue
        increase, before = 0.0, next((v for t, v in reversed(points) if t < 0), None)
        for _, value in today:
            if before is not None:
                increase += max(0.0, value if value < before else value - before)
            before = value
        times = [0, *(t for t, _ in today), 24 * HOUR]
        gap = max(b - a for a, b in itertools.pairwise(times)) / 1000
        values = [v for _, v in today]
        share = min(1.0, len(today) / 288)
        row = (min(values), max(values), sum(values), values[-1], increase, len(values), share, gap)
        by_part.setdefault(parts[sensor], []).append(row)
    return {
        part: (
            min(r[0] for r in rows),
            max(r[1] for r in rows),
            sum(r[2] for r in rows) / sum(r[5] for r in rows),
            max(r[3] for r in rows),
            sum(r[4] for r in rows),
            sum(r[5] for r in rows),
            max(r[6] for r in rows),
            min(r[7] for r in rows),
        )
        for part, rows in by_part.items()
    }
