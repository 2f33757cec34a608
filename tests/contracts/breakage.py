"""One broken frame for each statement of a contract, made from the statement itself."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from data_contracts.loader import list_contracts, load_contract
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
    Severity,
    UniqueKey,
    WithinLatency,
)
from tests.factories import make_valid_table, with_values

DAY = dt.date(2026, 2, 1)
# One row a rule stays below every quarantine limit.
N_ROWS = 2_500


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """The rules of one contract that state the same of several columns, and which end of it is broken."""

    dataset: str
    rules: tuple[Rule, ...]
    variant: str

    @property
    def name(self) -> str:
        columns = f" of {len(self.rules)} columns" if len(self.rules) > 1 else ""
        return f"{self.dataset}: {self.rules[0].key}{columns}, {self.variant}"


@dataclass(frozen=True, kw_only=True)
class BrokenTable:
    """A table that breaks each rule in the rows that ``rows`` names (none for rules of the table)."""

    table: pa.Table
    usual_rows: int | None
    rows: dict[str, tuple[int, ...]]


def list_breakages() -> list[Breakage]:
    """Return every way to break every rule of every contract."""
    breakages = []
    for dataset in list_contracts():
        groups: dict[tuple[str, Check, Severity], list[Rule]] = {}
        for rule in load_contract(dataset).rules:
            groups.setdefault((rule.rule_id, rule.check, rule.severity), []).append(rule)
        for rules in groups.values():
            for variant in _variants(rules[0].check):
                breakages.append(Breakage(dataset=dataset, rules=tuple(rules), variant=variant))
    return breakages


def _variants(check: Check) -> Sequence[str]:
    match check:
        case InRange(minimum=low, maximum=high):
            return [end for end, bound in (("too low", low), ("too high", high)) if bound is not None]
        case Matches():
            return ["empty text", "line end"]
        case _:
            return ["broken"]


def break_rules(breakage: Breakage) -> BrokenTable:
    """Return a valid table of ``DAY`` in which each rule of the breakage is broken in rows of its own."""
    table = make_valid_table(breakage.dataset, N_ROWS, DAY)
    check = breakage.rules[0].check
    if isinstance(check, RowCount | RowCountOfUsual):
        return _break_count(table, breakage.rules[0], check)
    rows: dict[str, tuple[int, ...]] = {}
    for i, rule in enumerate(breakage.rules):
        table, rows[rule.key] = _break_row(table, rule, 10 * i, breakage.variant)
    return BrokenTable(table=table, usual_rows=N_ROWS, rows=rows)


def _break_count(table: pa.Table, rule: Rule, check: RowCount | RowCountOfUsual) -> BrokenTable:
    match check:
        case RowCount(minimum=int(low)):
            return BrokenTable(table=table.slice(0, low - 1), usual_rows=None, rows={rule.key: ()})
        case RowCountOfUsual(minimum_pct=float(low)):
            usual = int(table.num_rows * 100 / low) + 2
        case RowCountOfUsual(maximum_pct=float(high)):
            usual = int(table.num_rows * 100 / high) - 1
        case _:
            raise AssertionError(f"no breakage for {rule.key}")
    return BrokenTable(table=table, usual_rows=usual, rows={rule.key: ()})


def _break_row(table: pa.Table, rule: Rule, row: int, variant: str) -> tuple[pa.Table, tuple[int, ...]]:
    check = rule.check
    if isinstance(check, UniqueKey):
        row = next(
            i for i in range(row, N_ROWS) if _has_key(table, check, i) and _has_key(table, check, i + 1)
        )
        for name in check.columns:
            table = with_values(table, name, {row + 1: table[name][row].as_py()})
        return table, (row, row + 1)
    assert rule.column is not None
    if isinstance(check, NotNull | IsNull) and check.where is not None:
        spoken_of = (
            table[check.where.column].is_null()
            if check.where.is_null
            else table[check.where.column].is_valid()
        )
        row = spoken_of.to_pylist().index(True)
    return with_values(table, rule.column, {row: _bad_value(table, rule, variant)}), (row,)


def _has_key(table: pa.Table, check: UniqueKey, row: int) -> bool:
    return all(table[name][row].is_valid for name in check.columns)


def _bad_value(table: pa.Table, rule: Rule, variant: str) -> object:
    start = dt.datetime.combine(DAY, dt.time(), dt.UTC)
    match rule.check:
        case NotNull():
            return None
        case IsNull():
            assert rule.column is not None
            given = next(value for value in table[rule.column].to_pylist() if value is not None)
            # A number that no other row has: ranks are unique.
            return N_ROWS + 1 if isinstance(given, int) else given
        case InRange(minimum=float(low)) if variant == "too low":
            return low - 1
        case InRange(maximum=float(high)):
            return high + 1
        case OneOf():
            return "abacus"
        case Matches():
            return "" if variant == "empty text" else "\n"
        case IsJson():
            return "{"
        case EqualsDay():
            return (DAY - dt.timedelta(days=1)).isoformat()
        case NotBeforeDay():
            return start - dt.timedelta(microseconds=1)
        case WithinLatency(days=days):
            return start + dt.timedelta(days=1 + days, microseconds=1)
    raise AssertionError(f"no breakage for {rule.key}")
