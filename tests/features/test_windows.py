"""Rules of the window trees: right sums, and the same bits from every layout."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.layouts import DaySpan, LastDay, Layout, ScatteredCells
from features.windows import ExtremeTree, FirstTree, MomentTree, SinceTree, SumTree, blocks_of_window


@given(st.integers(1, 90))
def test_blocks_of_a_window_cover_each_of_its_days_once(days: int) -> None:
    covered = [offset + age for exponent, offset in blocks_of_window(days) for age in range(1 << exponent)]
    assert covered == list(range(days))


@given(st.integers(1, 90))
def test_each_block_starts_at_a_multiple_of_its_length(days: int) -> None:
    assert all(offset % (1 << exponent) == 0 for exponent, offset in blocks_of_window(days))


def _layouts(n_rows: int, n_columns: int) -> list[tuple[Layout, tuple[np.ndarray, np.ndarray]]]:
    """Return each layout and the rows and columns of its cells."""
    rows, columns = np.indices((n_rows, n_columns))
    return [
        (DaySpan(0, n_rows, n_columns), (rows, columns)),
        (DaySpan(n_rows // 2, n_rows, n_columns), (rows[n_rows // 2 :], columns[n_rows // 2 :])),
        (ScatteredCells(rows.ravel()[::-1], columns.ravel()[::-1], n_columns),
         (rows.ravel()[::-1], columns.ravel()[::-1])),
        (LastDay(n_rows, n_columns), (rows[-1], columns[-1])),
    ]  # fmt: skip


def _dumb(plane: np.ndarray, row: int, column: int, days: int) -> np.ndarray:
    return plane[max(0, row - days + 1) : row + 1, column][::-1]  # latest first


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 100), st.integers(1, 90), st.integers(0, 1000))
def test_every_tree_in_every_layout_equals_a_dumb_loop(n_rows: int, days: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    integers = rng.integers(0, 50, (n_rows, 3)).astype(np.float64)
    holds = rng.random((n_rows, 3)) < 0.05
    for layout, (rows, columns) in _layouts(n_rows, 3):
        sums = SumTree(layout, integers)
        found = {
            "sum": sums.window(days),
            "moment": MomentTree(layout, sums).window(days),
            "max": ExtremeTree(layout, integers, np.maximum).window(days),
            "any": ExtremeTree(layout, holds, np.logical_or).window(days),
            "since": SinceTree(layout, holds, 90).window(days),
            "first": FirstTree(layout, holds).window(days),
        }
        for cell in np.ndindex(layout.shape):
            window = _dumb(integers, rows[cell], columns[cell], days)
            held = _dumb(holds, rows[cell], columns[cell], days)
            assert found["sum"][cell] == window.sum()
            assert found["moment"][cell] == (np.arange(len(window)) * window).sum()
            assert found["max"][cell] == window.max()
            assert found["any"][cell] == held.any()
            assert found["first"][cell] == (np.flatnonzero(held)[-1] if held.any() else -1)
            assert found["since"][cell] == (np.argmax(held) if held.any() else 90)


@pytest.mark.parametrize("days", [3, 7, 30, 90])
def test_sums_of_fractions_have_the_same_bits_wherever_the_plane_starts(days: int) -> None:
    plane = np.random.default_rng(days).normal(0, 1e3, (200, 5))
    whole = SumTree(DaySpan(0, 200, 5), plane).window(days)
    for start in (1, 50, 110):
        part = SumTree(LastDay(200 - start, 5), plane[start:]).window(days)
        assert part.tobytes() == whole[-1].tobytes()
        span = SumTree(DaySpan(days, 200 - start, 5), plane[start:]).window(days)
        assert span.tobytes() == whole[start + days :].tobytes()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.sets(st.integers(0, 5), min_size=1))
def test_a_narrow_layout_has_the_cells_of_its_columns(n_rows: int, chosen: set[int]) -> None:
    columns = np.array(sorted(chosen))
    plane = np.arange(n_rows * 6, dtype=np.float32).reshape(n_rows, 6)
    for layout, _ in _layouts(n_rows, 6):
        narrow, where = layout.narrow(columns)
        for days_ago in (0, 2):
            whole = layout.days_ago(plane, days_ago)
            np.testing.assert_array_equal(narrow.days_ago(plane[:, columns], days_ago), whole[where])
