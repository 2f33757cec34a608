"""The cheap first pass says of a rule what the rule's own expectation says, whatever the values."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.validation import gx_runner
from pipelines.validation.expectations import Expectation, Json, Suite
from pipelines.validation.first_pass import first_pass_of
from pipelines.validation.gx_runner import run_suite

NOON = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)
PARAMETERS = {"day": ["2026-02-01"], "day_start": dt.datetime(2026, 2, 1, tzinfo=dt.UTC)}
IF_NAMED = {"row_condition": {"type": "nullity", "column": {"name": "name"}, "is_null": False}}
COLUMNS = {
    "name": [
        pa.array(["a-1", None, "b-2", "b-2"]),
        pa.array(["a-1", "b\n", "", None]),
        pa.array([None] * 4, pa.string()),
    ],
    "total": [
        pa.array([0, 5, 2**53, 7], pa.int64()),
        pa.array([-1, None, 3, 3], pa.int64()),
        pa.array([None] * 4, pa.int64()),
    ],
    "level": [
        pa.array([0.0, float("nan"), 150.0, None], pa.float32()),
        pa.array([0.0, 150.1, float("inf"), None], pa.float32()),
        pa.array([-0.1, 1.0, 1.0, float("-inf")], pa.float64()),
    ],
    "known_at": [
        pa.array([NOON, None, NOON, NOON], pa.timestamp("us", tz="UTC")),
        pa.array([NOON - dt.timedelta(days=1), NOON, NOON, NOON], pa.timestamp("us", tz="UTC")),
        pa.array([PARAMETERS["day_start"]] * 4, pa.timestamp("us", tz="UTC")),
    ],
    "day": [
        pa.array(["2026-02-01"] * 4).dictionary_encode(),
        pa.array(["2026-02-01", "2026-02-02", None, "2026-02-01"]).dictionary_encode(),
        pa.array([None] * 4, pa.string()),
    ],
}
RULES: list[tuple[str, dict[str, Json]]] = [
    *(("expect_column_values_to_not_be_null", {"column": column}) for column in COLUMNS),
    *(
        ("expect_column_values_to_not_be_null", {"column": column, **IF_NAMED})
        for column in ("total", "level")
    ),
    *(("expect_column_values_to_be_null", {"column": column, **IF_NAMED}) for column in ("total", "day")),
    ("expect_column_values_to_be_between", {"column": "total", "min_value": 0}),
    ("expect_column_values_to_be_between", {"column": "total", "max_value": 5}),
    ("expect_column_values_to_be_between", {"column": "level", "min_value": 0, "max_value": 150}),
    ("expect_column_values_to_be_between", {"column": "known_at", "min_value": {"$PARAMETER": "day_start"}}),
    ("expect_column_values_to_be_between", {"column": "known_at", "max_value": {"$PARAMETER": "day_start"}}),
    ("expect_column_values_to_be_in_set", {"column": "day", "value_set": {"$PARAMETER": "day"}}),
    ("expect_column_values_to_be_in_set", {"column": "name", "value_set": ["a-1", "b-2"]}),
    ("expect_column_values_to_match_regex", {"column": "name", "regex": r"^[a-z0-9-]+$(?!\n)"}),
]
SUITE = Suite(
    name="odd_values",
    expectations=tuple(
        Expectation(
            rule=f"{kwargs['column']}.{number}", type=kind, kwargs=kwargs, severity="critical", note=""
        )
        for number, (kind, kwargs) in enumerate(RULES)
    ),
)


@pytest.mark.parametrize("variant", range(3))
def test_the_first_pass_and_each_rules_own_expectation_agree(
    variant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame: pd.DataFrame = pa.table({name: each[variant] for name, each in COLUMNS.items()}).to_pandas()
    quick = run_suite(SUITE, frame, PARAMETERS)
    every_rule = frozenset(each.rule for each in SUITE.expectations)
    monkeypatch.setattr(gx_runner, "_find_unmet", lambda *_: every_rule)
    slow = run_suite(SUITE, frame, PARAMETERS)
    assert [finding.is_met for finding in quick] == [finding.is_met for finding in slow]
    assert {finding.crash for finding in (*quick, *slow)} == {None}
    assert [finding.rows.tolist() for finding in quick] == [finding.rows.tolist() for finding in slow]
    assert {finding.is_met for finding in quick} == {True, False}


def test_rules_of_a_table_and_keys_stand_for_themselves() -> None:
    key = Expectation(
        rule="one_row_per_name",
        type="expect_column_values_to_be_unique",
        kwargs={"column": "name"},
        severity="critical",
        note="",
    )
    first = first_pass_of(Suite(name="odd", expectations=(key, *SUITE.expectations)))
    assert len(first.suite.expectations) == 2
    assert first.members["one_row_per_name"] == ("one_row_per_name",)
    assert {rule for rules in first.members.values() for rule in rules} == {
        "one_row_per_name",
        *(each.rule for each in SUITE.expectations),
    }
