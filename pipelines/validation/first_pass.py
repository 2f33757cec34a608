"""Which expectations of a suite are checked together first: all that speak of the values of one column."""

import functools
import json
from dataclasses import dataclass

from pipelines.validation.expectations import Expectation, Suite

COLUMN_RULES_TYPE = "expect_table_columns_to_keep_their_rules"
# The name under which all of the suite's parameters, as JSON, reach that expectation.
PARAMETERS = "parameters"

NOT_NULL = "expect_column_values_to_not_be_null"
IS_NULL = "expect_column_values_to_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
MATCHES = "expect_column_values_to_match_regex"
_OF_COLUMNS = (NOT_NULL, IS_NULL, BETWEEN, IN_SET, MATCHES)


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstPass:
    """The suite that is run first. ``members`` gives the rules that one of its expectations stands for."""

    suite: Suite
    members: dict[str, tuple[str, ...]]


@functools.lru_cache(maxsize=64)
def first_pass_of(suite: Suite) -> FirstPass:
    """Return the suite with one expectation for all rules of single columns; others stand for themselves."""
    together = [expectation for expectation in suite.expectations if expectation.type in _OF_COLUMNS]
    expectations = [each for each in suite.expectations if each not in together]
    members: dict[str, tuple[str, ...]] = {each.rule: (each.rule,) for each in expectations}
    if together:
        first = _together(together)
        expectations.append(first)
        members[first.rule] = tuple(each.rule for each in together)
    return FirstPass(suite=Suite(name=suite.name, expectations=tuple(expectations)), members=members)


def _together(expectations: list[Expectation]) -> Expectation:
    rules = [{"rule": each.rule, "type": each.type, "kwargs": dict(each.kwargs)} for each in expectations]
    return Expectation(
        rule=f"{expectations[0].rule} and {len(expectations) - 1} more",
        type=COLUMN_RULES_TYPE,
        # As text: Great Expectations walks through whatever it is given a dozen times.
        kwargs={"rules": json.dumps(rules), PARAMETERS: {"$PARAMETER": PARAMETERS}},
        severity=expectations[0].severity,
        note=f"{len(expectations)} rules of single columns",
    )
