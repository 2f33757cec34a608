"""What a quality entry of a contract file promises: which check it states, and whether it states one."""

from data_contracts.model import (
    Check,
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
    UniqueKey,
    Where,
    WithinLatency,
)
from data_contracts.odcs import Implementation, Quality


def read_rule(quality: Quality, column: str | None, latency_days: int) -> Rule | None:
    """Return the rule, or None where it says nothing that we know.

    ``column`` is None for entries of the table; ``latency_days`` is the contract's promise, for rules
    that point to it.
    """
    check = _check_of(quality, column, latency_days)
    if check is None:
        return None
    return Rule(
        rule_id=quality.id,
        column=column,
        name=quality.name,
        reason=" ".join(quality.business_impact.split()),
        severity=quality.severity,
        check=check,
    )


def _check_of(quality: Quality, column: str | None, latency_days: int) -> Check | None:
    if quality.type == "custom":
        if quality.engine is None or quality.implementation is None or quality.metric is not None:
            return None
        return _own_check(quality.implementation, column, latency_days)
    if quality.metric == "rowCount" and column is None:
        low, high = quality.must_be_greater_or_equal_to, quality.must_be_less_or_equal_to
        return RowCount(minimum=low, maximum=high) if (low is None) != (high is None) else None
    if quality.must_be != 0:
        return None
    said = quality.arguments
    if quality.metric == "duplicateValues":
        columns = said.properties or (() if column is None else (column,))
        return UniqueKey(columns=columns, ignoring=said.ignoring) if columns else None
    if quality.metric == "nullValues" and column is not None:
        return NotNull()
    if quality.metric == "invalidValues" and column is not None:
        if said.valid_values and not said.pattern:
            return OneOf(values=said.valid_values)
        if said.pattern and not said.valid_values:
            return Matches(pattern=said.pattern)
    return None


def _own_check(said: Implementation, column: str | None, latency_days: int) -> Check | None:
    if column is None:
        if said.check == "rowCountOfUsual":
            return RowCountOfUsual(minimum_pct=said.minimum, maximum_pct=said.maximum)
        return None
    where = None if said.where is None else Where(column=said.where.property, is_null=said.where.is_null)
    match said.check:
        case "range":
            return InRange(minimum=said.minimum, maximum=said.maximum)
        case "given" if where is not None:
            return NotNull(where=where)
        case "empty" if where is not None:
            return IsNull(where=where)
        case "json":
            return IsJson()
        case "equalsDay":
            return EqualsDay()
        case "notBeforeDay":
            return NotBeforeDay()
        case "withinLatency":
            return WithinLatency(days=latency_days)
    return None
