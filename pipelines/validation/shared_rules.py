"""Which expectations of a suite can be checked together first, because columns share a rule."""

import functools
import json
from collections import defaultdict
from dataclasses import dataclass

from pipelines.validation.expectations import Expectation, Json, Suite

SHARED_RULE_TYPE = "expect_multicolumn_values_to_keep_shared_rule"
_NOT_NULL = "expect_column_values_to_not_be_null"
_BETWEEN = "expect_column_values_to_be_between"


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstPass:
    """The suite that is run first. ``members`` gives the rules that one of its expectations stands for."""

    suite: Suite
    members: dict[str, tuple[str, ...]]


@functools.lru_cache(maxsize=64)
def first_pass_of(suite: Suite) -> FirstPass:
    """Return the suite with expectations of one rule for many columns replaced by one; others stand for themselves."""
    groups: dict[str, list[Expectation]] = defaultdict(list)
    for expectation in suite.expectations:
        groups[_shared_key(expectation) or expectation.rule].append(expectation)
    expectations = []
    members = {}
    for group in groups.values():
        first = group[0] if len(group) == 1 else _together(group)
        expectations.append(first)
        members[first.rule] = tuple(member.rule for member in group)
    return FirstPass(suite=Suite(name=suite.name, expectations=tuple(expectations)), members=members)


def _shared_key(expectation: Expectation) -> str | None:
    said = {name: value for name, value in expectation.kwargs.items() if name != "column"}
    is_plain = not any(isinstance(value, dict) for value in said.values())  # no parameter, no row condition
    if expectation.type in (_NOT_NULL, _BETWEEN) and is_plain:
        return json.dumps([expectation.type, said], sort_keys=True)
    return None


def _together(group: list[Expectation]) -> Expectation:
    first = group[0]
    kwargs: dict[str, Json] = {name: value for name, value in first.kwargs.items() if name != "column"}
    kwargs["column_list"] = [member.kwargs["column"] for member in group]
    if first.type == _NOT_NULL:
        kwargs["is_required"] = True
    return Expectation(
        rule=f"{first.rule} and {len(group) - 1} more",
        type=SHARED_RULE_TYPE,
        kwargs=kwargs,
        severity=first.severity,
        note=first.note,
    )
