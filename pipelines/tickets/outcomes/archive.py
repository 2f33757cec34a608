"""raw_outcomes in the lake: one partition a day of closing, one part a tracker, each written whole."""

import datetime as dt
from collections.abc import Mapping, Sequence

from data_contracts.loader import load_contract
from pipelines.lake import Lake
from pipelines.tickets.outcomes.outcome_row import DATASET, OutcomeRow, rows_of, table_of
from pipelines.tickets.tracker import Ticket
from pipelines.validation import validate_day


def read_outcomes(lake: Lake, first_day: dt.date) -> Mapping[str, tuple[OutcomeRow, ...]]:
    """Return the rows of all tickets closed since ``first_day``, by part, in order of closing."""
    rows: dict[str, list[OutcomeRow]] = {}
    for day, part in lake.list_parts(DATASET):
        if day >= first_day:
            rows.setdefault(part, []).extend(rows_of(lake.read_day(DATASET, day, part=part)))
    return {part: tuple(found) for part, found in rows.items()}


def find_outcome(ticket: Ticket, part: str, lake: Lake) -> OutcomeRow | None:
    """Return what was collected of a closed ticket; None while it is open or before its day is collected."""
    if ticket.closed_day is None or not lake.has_day(DATASET, ticket.closed_day, part=part):
        return None
    rows = rows_of(lake.read_day(DATASET, ticket.closed_day, part=part))
    return next((row for row in rows if row.ticket_id == ticket.ticket_id), None)


def write_outcomes(
    former: Sequence[OutcomeRow], rows: Sequence[OutcomeRow], part: str, lake: Lake
) -> tuple[dt.date, ...]:
    """Write the days of ``part`` whose rows differ from the ``former`` ones; return those days.

    ``ContractBlockedError`` where a day breaks the contract; the days before it are written.
    """
    before, after = _group_by_day(former), _group_by_day(rows)
    changed = sorted(day for day in before.keys() | after.keys() if before.get(day) != after.get(day))
    for day in changed:
        if day in after:
            validated = validate_day(load_contract(DATASET), table_of(after[day]), day, lake, part=part)
            lake.write_day(DATASET, day, validated.table, part=part)
        else:
            lake.delete_day(DATASET, day, part=part)
    return tuple(changed)


def _group_by_day(rows: Sequence[OutcomeRow]) -> Mapping[dt.date, list[OutcomeRow]]:
    days: dict[dt.date, list[OutcomeRow]] = {}
    for row in sorted(rows, key=lambda row: row.ticket_id):
        days.setdefault(row.closed_day, []).append(row)
    return days
