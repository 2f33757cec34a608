"""The last task of a morning says which sources failed, what became of the day, and what to do."""

import datetime as dt

import pytest
from prefail_airflow.source_check import check_sources

from pipelines.errors import ConfigError, PermanentError

DAY = dt.date(2026, 2, 1)


def refusal(sources: list[str] | None, delivered: list[str], *, is_built: bool) -> PermanentError:
    with pytest.raises(PermanentError) as refused:
        check_sources(DAY, sources, delivered, is_built=is_built)
    return refused.value


def test_a_morning_on_which_all_delivered_ends_in_one_line() -> None:
    said = check_sources(DAY, ["drives", "ipmi"], ["ipmi", "drives"], is_built=True)
    assert said == "all sources delivered 2026-02-01: drives, ipmi"


def test_a_source_that_failed_is_named_with_what_became_of_the_day_and_the_next_command() -> None:
    error = refusal(["drives", "ipmi", "logs"], ["drives", "logs"], is_built=True)
    assert error.message.startswith("1 of 3 sources failed for 2026-02-01: ipmi. The day was built")
    assert "abstains" in error.message
    assert "prefail ingest --day 2026-02-01 --source ipmi," in error.message
    assert error.facts["sources"] == ("ipmi",)


def test_where_all_failed_nothing_was_built() -> None:
    error = refusal(["drives", "ipmi"], [], is_built=False)
    assert "2 of 2 sources failed for 2026-02-01: drives, ipmi. Nothing was built" in error.message
    assert "--source drives --source ipmi" in error.message


def test_a_day_that_was_not_built_fails_the_run_whatever_the_sources_did() -> None:
    assert "was not built" in refusal(["drives"], ["drives"], is_built=False).message
    assert "could not be built from the others" in refusal(["a", "b"], ["a"], is_built=False).message


def test_a_run_without_sources_is_not_a_success() -> None:
    assert "could not be listed" in refusal(None, [], is_built=False).message
    error = refusal([], [], is_built=False)
    assert isinstance(error, ConfigError)
    assert "[[sources]]" in error.message
