"""The benchmarks work, say what they should, and keep what was measured; no time is asserted."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import MissingInputError
from pipelines.fleet_simulation import FleetPlan, simulate_fleet
from pipelines.simulated_readings import render_day
from tests.benchmarks.discovery import list_benchmarks, run_alone, title_of
from tests.benchmarks.document import render_section, render_table, replace_sections
from tests.benchmarks.drive_stats_day import list_header, render_drive_stats_day
from tests.benchmarks.history import choose_span, run_history
from tests.benchmarks.machine import look_at_machine
from tests.benchmarks.rows import Row, Timing
from tests.benchmarks.timing import Side, read_peak_mb, reset_peak, time_in_turn

TINY = 0.002


def timing(seconds: float, peak_mb: float = 100.0) -> Timing:
    return Timing(what="work", wall_seconds=seconds, cpu_seconds=2 * seconds, peak_mb=peak_mb)


@pytest.mark.slow
@pytest.mark.parametrize("name", list_benchmarks())
def test_every_benchmark_runs_at_a_tiny_scale(name: str) -> None:
    rows = run_alone(name, TINY)

    assert rows
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        sides = [side for side in (row.subject, row.reference) if side is not None]
        assert all(0 < side.wall_seconds < math.inf and side.peak_mb > 0 for side in sides), row


@pytest.mark.parametrize(
    ("at_most", "at_least", "peak", "verdict"),
    [
        (2.0, None, None, "ok"),
        (1.9, None, None, "short"),
        (None, 2.0, None, "ok"),
        (None, 2.1, None, "short"),
        (None, None, 100.0, "ok"),
        (None, None, 99.0, "short"),
        (3.0, None, 99.0, "short"),
        (None, None, None, ""),
    ],
)
def test_a_limit_is_kept_up_to_and_including_itself(
    at_most: float | None, at_least: float | None, peak: float | None, verdict: str
) -> None:
    row = Row(
        name="x",
        subject=timing(2.0),
        reference=timing(1.0),
        ratio_at_most=at_most,
        ratio_at_least=at_least,
        peak_at_most_mb=peak,
    )

    assert row.verdict == verdict
    assert bool(row.shortfalls) == (verdict == "short")


def test_sides_are_timed_in_turn_and_the_best_run_counts() -> None:
    order: list[str] = []

    timings = time_in_turn(
        Side(what="a", work=lambda: order.append("a")),
        Side(what="b", work=lambda: order.append("b")),
        n_runs=2,
    )

    assert order == ["a", "b", "a", "b"]
    assert [each.what for each in timings] == ["a", "b"]


def test_memory_that_a_side_gives_back_is_part_of_its_peak() -> None:
    reset_peak()
    before = read_peak_mb()
    array = np.ones(25_000_000)  # 200 MB
    del array

    assert read_peak_mb() >= before + 150


def test_a_new_measurement_replaces_its_own_section_and_no_other() -> None:
    first = replace_sections("", {"one": "## One\n\nold\n", "two": "## Two\n"})
    with_history = replace_sections(first, {"history": "## History\n\nhours\n"})
    second = replace_sections(with_history, {"one": "## One\n\nnew\n"})

    assert "--history PATH_TO_DRIVE_STATS_FOLDER" in first
    assert "old" not in second
    assert [second.index(text) for text in ("new", "## Two", "hours")] == sorted(
        second.index(text) for text in ("new", "## Two", "hours")
    )
    assert replace_sections(second, {}) == second


def test_a_section_says_what_falls_short_and_by_how_much() -> None:
    rows = [
        Row(
            name="slow one", subject=timing(3.0), reference=timing(1.0), ratio_at_most=2.0, note="three rows"
        ),
        Row(name="alone", subject=timing(1.0)),
    ]

    text = render_section("Title", "a command", rows, look_at_machine(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))

    assert "slow one: 3.00 × (3.00 × of processor time) is 50% above 2 ×" in text
    assert "slow one: three rows." in text
    assert "Measured on 2026-01-01" in text
    assert render_table(rows).count("\n") == 3


def test_the_history_is_learned_from_up_to_a_year_before_its_end() -> None:
    days = [dt.date(2013, 6, 1) + dt.timedelta(days=n) for n in range(1035)]

    span = choose_span(days)

    assert span.as_of == dt.date(2015, 3, 31)
    assert (span.first_tested, span.last_tested) == (dt.date(2015, 4, 1), dt.date(2016, 2, 29))


@pytest.mark.slow
def test_a_history_is_ingested_trained_on_and_back_tested(tmp_path: Path) -> None:
    first_day, n_days = dt.date(2024, 1, 1), 66
    plan = FleetPlan(n_hosts=20, drives_per_host=20, n_days=n_days, seed=2, annual_failure_rate=0.95)
    fleet = simulate_fleet(plan)
    (tmp_path / "drive_stats").mkdir()
    for number in range(n_days):
        day = first_day + dt.timedelta(days=number)
        (tmp_path / "drive_stats" / f"{day}.csv").write_bytes(render_day(fleet, number, day))

    rows = run_history(tmp_path / "drive_stats", tmp_path / "work")

    assert [row.name for row in rows] == [f"prefail {s}" for s in ("ingest", "build", "train", "backtest")]
    assert all(row.verdict == "ok" and row.subject.peak_mb > 50 for row in rows)
    assert "66 days, " in rows[0].note
    assert list((tmp_path / "work" / "lake" / "backtests").iterdir())


def test_a_history_of_weeks_is_refused() -> None:
    with pytest.raises(MissingInputError, match="too short"):
        choose_span([dt.date(2024, 1, 1), dt.date(2024, 3, 1)])


def test_the_csv_has_the_published_columns_and_is_seeded() -> None:
    data = render_drive_stats_day(400)

    assert data == render_drive_stats_day(400)
    assert data.splitlines()[0].decode().split(",") == list(list_header())
    assert len(list_header()) == 197
    assert 380 < data.count(b"\n") <= 401


def test_every_benchmark_has_a_title() -> None:
    assert {"features", "ingest", "scoring"} <= set(list_benchmarks())
    assert all(len(title_of(name)) > 20 for name in list_benchmarks())
