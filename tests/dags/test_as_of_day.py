"""Which day a run is about."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefail_airflow.asof import decide_as_of_day

from pipelines.errors import PermanentError

MONDAY_0300 = dt.datetime(2026, 2, 2, 3, 0, tzinfo=dt.UTC)


def decide(
    partition_key: str | None = None,
    asof: object = None,
    ds: str | None = None,
    due: dt.datetime = MONDAY_0300,
) -> dt.date:
    conf = {} if asof is None else {"asof": asof}
    return decide_as_of_day(partition_key=partition_key, conf=conf, ds=ds, due=due)


def test_the_partition_key_decides_before_anything_else() -> None:
    assert decide(partition_key="2026-01-05", asof="2026-01-06", ds="2026-01-07") == dt.date(2026, 1, 5)


def test_the_asof_of_the_trigger_form_decides_before_the_date_of_the_run() -> None:
    assert decide(asof="2026-01-06", ds="2026-01-07") == dt.date(2026, 1, 6)


def test_an_empty_field_of_the_trigger_form_names_no_day() -> None:
    assert decide_as_of_day(
        partition_key=None, conf={"asof": None}, ds="2026-01-07", due=MONDAY_0300
    ) == dt.date(2026, 1, 7)


def test_a_logical_date_long_past_is_taken_as_it_stands() -> None:
    assert decide(ds="2026-01-07") == dt.date(2026, 1, 7)


def test_a_weekly_run_on_monday_is_about_sunday_because_monday_is_not_over() -> None:
    assert decide(ds="2026-02-02") == dt.date(2026, 2, 1)


def test_the_day_of_a_run_is_counted_in_utc() -> None:
    # 01:00 on Monday in Kolkata is Sunday 19:30 in UTC: Saturday is the last day that is over.
    kolkata = dt.timezone(dt.timedelta(hours=5, minutes=30))
    due = dt.datetime(2026, 2, 2, 1, 0, tzinfo=kolkata)
    assert decide(ds="2026-02-01", due=due) == dt.date(2026, 1, 31)


def test_a_run_that_names_no_day_says_how_to_name_one() -> None:
    with pytest.raises(PermanentError, match="As-of day") as refused:
        decide()
    assert "Nothing was run" in str(refused.value)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026-01-05T00:00:00", 7])
def test_what_is_not_a_day_is_refused_and_nothing_else_is_tried(text: object) -> None:
    with pytest.raises(PermanentError, match="is not a day") as refused:
        decide(asof=text, ds="2026-01-07")
    assert refused.value.facts["text"] == text


@given(
    ds=st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)),
    due=st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001 bounds are naive
)
def test_a_day_that_nobody_named_is_over_when_the_run_is_due(ds: dt.date, due: dt.datetime) -> None:
    day = decide(ds=ds.isoformat(), due=due)
    assert day < due.date()
    assert day <= ds
