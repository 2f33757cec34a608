"""What a data contract promises about one dataset: its columns, its grain and its rules.

Everything is frozen and hashable, so that whatever is compiled from a contract can be cached by it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What becomes of the data when a rule is broken."""

    BLOCK = "block"  # nothing flows on
    QUARANTINE = "quarantine"  # the rows at fault go aside with the reason, the rest flows
    WARN = "warn"  # all rows flow, a person should look


@dataclass(frozen=True, kw_only=True)
class Where:
    """The rows that a rule speaks about: those in which ``column`` is null, or is not."""

    column: str
    is_null: bool


@dataclass(frozen=True, kw_only=True)
class NotNull:
    """The column is given, in all rows or in those that ``where`` names."""

    where: Where | None = None


@dataclass(frozen=True, kw_only=True)
class IsNull:
    """The column is empty in the rows that ``where`` names."""

    where: Where


@dataclass(frozen=True, kw_only=True)
class InRange:
    """Values lie in ``[minimum, maximum]``; None is open; null passes."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """Values are of a closed list; null passes."""

    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Text matches a regular expression (ECMA-262, searched, so anchor it); null passes."""

    pattern: str


@dataclass(frozen=True, kw_only=True)
class IsJson:
    """Text is a JSON document; null passes."""


@dataclass(frozen=True, kw_only=True)
class EqualsDay:
    """Text is the ISO date of the partition."""


@dataclass(frozen=True, kw_only=True)
class NotBeforeDay:
    """The time lies at or after the day's first instant (UTC)."""


@dataclass(frozen=True, kw_only=True)
class WithinLatency:
    """The time lies at or before the day's end (UTC) plus ``days``, the promised latency."""

    days: int


@dataclass(frozen=True, kw_only=True)
class UniqueKey:
    """No two rows share the values of ``columns``; rows with a null in one of them pass.

    Where such a rule quarantines, exact copies lose all but the first row. Rows that share the key
    but differ elsewhere contradict each other: all of them go. ``ignoring`` names the columns that
    say where a row came from, not what it says.
    """

    columns: tuple[str, ...]
    ignoring: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """The number of rows lies in ``[minimum, maximum]``."""

    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, kw_only=True)
class RowCountOfUsual:
    """The number of rows lies in ``[minimum_pct, maximum_pct]`` per cent of the usual count."""

    minimum_pct: float | None = None
    maximum_pct: float | None = None


TableCheck = RowCount | RowCountOfUsual
Check = (
    NotNull
    | IsNull
    | InRange
    | OneOf
    | Matches
    | IsJson
    | EqualsDay
    | NotBeforeDay
    | WithinLatency
    | UniqueKey
) | TableCheck


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One promise. ``key`` names it within the contract, ``column`` is None for rules of the table."""

    rule_id: str
    column: str | None
    name: str
    reason: str
    severity: Severity
    check: Check

    @property
    def key(self) -> str:
        """Return the rule's name in verdicts: ``<column>.<rule id>``, or the rule id alone."""
        return self.rule_id if self.column is None else f"{self.column}.{self.rule_id}"

    @property
    def claim(self) -> str:
        """Return the rule as a sentence: ``serial_number is never null``."""
        return self.name if self.column is None else f"{self.column} {self.name}"

    @property
    def is_about_rows(self) -> bool:
        """Return whether single rows can be at fault."""
        return not isinstance(self.check, TableCheck)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. ``physical_type`` is an Arrow type as ``arrow_schema`` reads it."""

    name: str
    physical_type: str
    is_required: bool
    is_key: bool
    description: str
    unit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One dataset's contract. One row per ``grain`` and day; ``sha256`` is of the YAML file's bytes."""

    dataset: str
    version: str
    sha256: str
    status: str
    purpose: str
    limitations: str
    usage: str
    owner: str
    grain: tuple[str, ...]
    granularity: str
    latency_days: int
    quarantine_limit_pct: float
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]

    def column(self, name: str) -> Column:
        """Return the column of that name; ``KeyError`` if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
