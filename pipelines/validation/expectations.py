"""Which Great Expectations expectation a contract's rule becomes, as data: nothing is imported from there.

A suite does not depend on the day: what does is a named parameter, whose value ``parameters_of`` gives.
"""

import datetime as dt
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_contracts.model import (
    Contract,
    EqualsDay,
    InRange,
    IsJson,
    IsNull,
    Matches,
    NotBeforeDay,
    NotNull,
    OneOf,
    RowCount,
    RowCountOfUsual,
    Rule,
    Severity,
    UniqueKey,
    Where,
    WithinLatency,
)

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

# Great Expectations has three words for how bad a failure is, and no word for setting rows aside.
_SEVERITY = {Severity.BLOCK: "critical", Severity.QUARANTINE: "warning", Severity.WARN: "info"}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One expectation: ``type`` and ``kwargs`` are Great Expectations' own, ``rule`` is a rule's key."""

    rule: str
    type: str
    kwargs: Mapping[str, Json]
    severity: str
    note: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Suite:
    """The expectations of one contract. Compared by identity, so that what is built from it can be cached."""

    name: str
    expectations: tuple[Expectation, ...]


@functools.cache
def compile_suite(contract: Contract) -> Suite:
    """Return the contract's rules as expectations, one each, in the contract's order."""
    return Suite(name=contract.dataset, expectations=tuple(_compile(rule) for rule in contract.rules))


def parameters_of(contract: Contract, day: dt.date, usual_rows: int | None) -> dict[str, object]:
    """Return the values of the suite's parameters for one day.

    Without a usual count the bounds that come from it admit every count.
    """
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    values: dict[str, object] = {}
    for rule in contract.rules:
        match rule.check:
            case EqualsDay():
                values["day"] = [day.isoformat()]
            case NotBeforeDay():
                values["day_start"] = start
            case WithinLatency(days=days):
                values[_latest(days)] = start + dt.timedelta(days=1 + days)
            case RowCountOfUsual(minimum_pct=low, maximum_pct=high):
                usual = usual_rows or 0
                if low is not None:
                    values[f"rows_{low:g}_pct"] = math.ceil(usual * low / 100)
                if high is not None:
                    values[f"rows_{high:g}_pct"] = math.floor(usual * high / 100) if usual else 2**62
    return values


def _compile(rule: Rule) -> Expectation:
    kind, kwargs = _expect(rule)
    if rule.column is not None:
        kwargs = {"column": rule.column, **kwargs}
    return Expectation(
        rule=rule.key,
        type=kind,
        kwargs=kwargs,
        severity=_SEVERITY[rule.severity],
        note=f"{rule.claim} ({rule.severity}): {rule.reason}",
    )


def _expect(rule: Rule) -> tuple[str, dict[str, Json]]:
    match rule.check:
        case NotNull(where=where):
            return "expect_column_values_to_not_be_null", _row_condition(where)
        case IsNull(where=where):
            return "expect_column_values_to_be_null", _row_condition(where)
        case InRange(minimum=low, maximum=high):
            return "expect_column_values_to_be_between", _bounds(_exact(low), _exact(high))
        case OneOf(values=values):
            return "expect_column_values_to_be_in_set", {"value_set": list(values)}
        case Matches(pattern=pattern):
            return "expect_column_values_to_match_regex", {"regex": pattern}
        case IsJson():
            return "expect_column_values_to_be_json_parseable", {}
        case EqualsDay():
            return "expect_column_values_to_be_in_set", {"value_set": _parameter("day")}
        case NotBeforeDay():
            return "expect_column_values_to_be_between", _bounds(_parameter("day_start"), None)
        case WithinLatency(days=days):
            return "expect_column_values_to_be_between", _bounds(None, _parameter(_latest(days)))
        case UniqueKey(columns=(column,)):
            return "expect_column_values_to_be_unique", {"column": column}
        case UniqueKey(columns=columns):
            kwargs: dict[str, Json] = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
            return "expect_compound_columns_to_be_unique", kwargs
        case RowCount(minimum=low, maximum=high):
            return "expect_table_row_count_to_be_between", _bounds(low, high)
        case RowCountOfUsual(minimum_pct=low, maximum_pct=high):
            limits = [None if pct is None else _parameter(f"rows_{pct:g}_pct") for pct in (low, high)]
            return "expect_table_row_count_to_be_between", _bounds(*limits)


def _bounds(low: Json, high: Json) -> dict[str, Json]:
    return {name: bound for name, bound in (("min_value", low), ("max_value", high)) if bound is not None}


def _exact(bound: float | None) -> float | int | None:
    return int(bound) if bound is not None and float(bound).is_integer() else bound


def _parameter(name: str) -> Json:
    return {"$PARAMETER": name}


def _latest(days: int) -> str:
    return f"day_end_plus_{days}_days"


def _row_condition(where: Where | None) -> dict[str, Json]:
    if where is None:
        return {}
    return {"row_condition": {"type": "nullity", "column": {"name": where.column}, "is_null": where.is_null}}
