"""How a span is cut into folds."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.day_span import split_span
from pipelines.errors import ConfigError

FIRST = dt.date(2026, 1, 1)


@given(n_days=st.integers(1, 60), n_folds=st.integers(1, 60))
def test_folds_follow_each_other_without_a_gap_and_differ_by_a_day_at_most(n_days: int, n_folds: int) -> None:
    last = FIRST + dt.timedelta(days=n_days - 1)
    if n_folds > n_days:
        with pytest.raises(ConfigError, match=f"{n_days} days .* can't be cut into {n_folds} folds"):
            split_span(FIRST, last, n_folds)
        return
    spans = split_span(FIRST, last, n_folds)
    days = [start + dt.timedelta(days=n) for start, end in spans for n in range((end - start).days + 1)]
    assert days == [FIRST + dt.timedelta(days=n) for n in range(n_days)]
    lengths = {(end - start).days for start, end in spans}
    assert len(spans) == n_folds
    assert max(lengths) - min(lengths) <= 1


def test_no_fold_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 folds"):
        split_span(FIRST, FIRST, 0)
