"""One row of raw_outcomes, as a value and as a table."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.tracker import OUR_OUTCOMES

DATASET = "raw_outcomes"


@dataclass(frozen=True, kw_only=True)
class OutcomeRow:
    """One closed ticket. The columns are described in data_contracts/raw_outcomes.odcs.yaml."""

    ticket_id: str
    environment: str
    host_id: str
    component_id: str
    component_kind: str
    target: str
    opened_at: dt.datetime
    closed_at: dt.datetime
    outcome: Finding
    decided_by: str
    remarks: str | None
    changed_at: dt.datetime | None
    is_in_failure_record: bool
    lead_days: int | None
    risk_at_opening: float | None
    rank_at_opening: int | None
    model_id: str
    model: str | None
    site: str | None
    playbook_rule: str | None
    source: str
    known_at: dt.datetime

    @property
    def opened_day(self) -> dt.date:
        """The day on whose list the ticket was opened."""
        return self.opened_at.date()

    @property
    def closed_day(self) -> dt.date:
        """The day of closing: the partition."""
        return self.closed_at.date()

    @property
    def is_unmapped(self) -> bool:
        """Whether people wrote something that no outcome, or more than one, can be read from."""
        is_by_us = self.decided_by in OUR_OUTCOMES
        return self.outcome is Finding.UNKNOWN and self.remarks is not None and not is_by_us

    def says_the_same(self, other: "OutcomeRow") -> bool:
        """Return whether both make the same failure, or none."""
        return (self.closed_at, self.outcome, self.changed_at, self.is_in_failure_record) == (
            other.closed_at,
            other.outcome,
            other.changed_at,
            other.is_in_failure_record,
        )


def start_of(day: dt.date) -> dt.datetime:
    """Return the first instant of a UTC day."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def table_of(rows: Iterable[OutcomeRow]) -> pa.Table:
    """Return rows in the contract's form, by ticket."""
    ordered = sorted(rows, key=lambda row: row.ticket_id)
    return pa.Table.from_pylist([asdict(row) for row in ordered], schema_of(load_contract(DATASET)))


def rows_of(table: pa.Table) -> list[OutcomeRow]:
    """Return the rows of a table of raw_outcomes."""
    return [OutcomeRow(**{**row, "outcome": Finding(row["outcome"])}) for row in table.to_pylist()]
