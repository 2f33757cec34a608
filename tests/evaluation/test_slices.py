import numpy as np
import pytest

from features.evaluation import TicketWalk
from features.slices import measure_silent_share, merge_small, name_age_bands, slice_walk

NAMES = np.array(["A", "A", "B", "B", "C"])
FAILURES = np.array([True, True, True, False, False])


def walk_of(tickets: list[tuple[int, bool]]) -> TicketWalk:
    component, is_hit = zip(*tickets, strict=True)
    return TicketWalk(
        budget=10.0,
        component_index=np.array(component),
        day=np.zeros(len(tickets), dtype=np.int64),
        is_hit=np.array(is_hit),
        days_to_last_day=np.ones(len(tickets), dtype=np.int64),
        exposure=1.0,
    )


def test_the_parts_add_up_to_the_whole() -> None:
    walk = walk_of([(0, True), (0, True), (1, False), (2, True), (3, False)])
    parts = slice_walk("model", NAMES, walk, FAILURES, np.ones(5, dtype=bool))
    assert [part.name for part in parts] == ["A", "B", "C"]
    assert sum(part.n_tickets for part in parts) == 5
    assert sum(part.n_failures for part in parts) == 3
    assert sum(part.n_components for part in parts) == 5


def test_two_hits_on_one_failure_are_one_failure_caught() -> None:
    walk = walk_of([(0, True), (0, True)])
    first = slice_walk("model", NAMES, walk, FAILURES, np.ones(5, dtype=bool))[0]
    assert (first.precision, first.recall) == (1.0, 0.5)


def test_a_part_without_tickets_or_failures_has_no_figures() -> None:
    last = slice_walk("model", NAMES, walk_of([(0, True)]), FAILURES, np.ones(5, dtype=bool))[-1]
    assert (last.name, last.precision, last.recall) == ("C", None, None)


def test_parts_with_few_failures_are_counted_together() -> None:
    assert merge_small(NAMES, FAILURES, 2).tolist() == ["A", "A", "other", "other", "other"]


@pytest.mark.parametrize(
    ("hours", "band"),
    [(0, "under 1 year"), (8_766, "1 to 2 years"), (200_000, "4 years and more"), (np.nan, "age unknown")],
)
def test_age_bands_are_years_of_power_on_hours(hours: float, band: str) -> None:
    assert name_age_bands(np.array([hours])).tolist() == [band]


def test_the_silent_share_counts_failures_only() -> None:
    assert measure_silent_share(FAILURES, np.array([True, False, False, False, True])) == pytest.approx(2 / 3)
    assert measure_silent_share(np.zeros(5, dtype=bool), FAILURES) is None
