"""What outcomes say about failures: the parts of core_failures that come from tickets.

A part holds what one as-of day taught about one day: ``core_failures/day=<changed on>/part-outcomes-<known on>``.
What is learned later goes into parts of its own, so a list that was published before still has the inputs
that its manifest names.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.shards import component_keys
from pipelines.failure_days import DATASET, OUTCOME_PART
from pipelines.lake import Lake
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.outcomes.outcome_row import OutcomeRow
from pipelines.validation import validate_day

FAILURE_SOURCE = "tickets"
_UNKNOWN_MODEL = "unknown"

Partition = tuple[dt.date, str]
"""Day and part."""


def partition_of(row: OutcomeRow) -> Partition | None:
    """Return where a row's failure belongs, None if it makes none.

    A confirmed part failed. A part that was changed without a confirmation is written down as
    unconfirmed: no label counts it, and the component-days before it have none. What a source reports
    itself is there already.
    """
    if row.changed_at is None or (row.is_in_failure_record and row.outcome is Finding.CONFIRMED):
        return None
    return row.changed_at.date(), f"{OUTCOME_PART}{row.known_at.date()}"


def write_failure_parts(
    rows: Iterable[OutcomeRow], suspects: Collection[Partition], first_day: dt.date, lake: Lake
) -> tuple[dt.date, ...]:
    """Bring the parts of days since ``first_day`` in line with all ``rows``; return the days that changed.

    Parts that are missing are written and those that no row asks for are deleted; of the others only
    ``suspects`` are compared with what is there.
    """
    wanted: dict[Partition, list[OutcomeRow]] = {}
    for row in rows:
        partition = partition_of(row)
        if partition is not None and partition[0] >= first_day:
            wanted.setdefault(partition, []).append(row)
    stored = {
        (day, part)
        for day, part in lake.list_parts(DATASET)
        if part.startswith(OUTCOME_PART) and day >= first_day
    }
    changed = {partition for partition in stored if partition not in wanted}
    for day, part in sorted(changed):
        lake.delete_day(DATASET, day, part=part)
    for (day, part), members in sorted(wanted.items()):
        is_stored = (day, part) in stored
        if is_stored and (day, part) not in suspects:
            continue
        table = _table_of(members)
        if is_stored and lake.read_day(DATASET, day, part=part).equals(table):
            continue
        validated = validate_day(load_contract(DATASET), table, day, lake, part=part)
        lake.write_day(DATASET, day, validated.table, part=part)
        changed.add((day, part))
    return tuple(sorted({day for day, _ in changed}))


def _table_of(rows: Iterable[OutcomeRow]) -> pa.Table:
    """Return one row per component; of two tickets about one part, the confirmed one counts."""
    by_component: dict[str, OutcomeRow] = {}
    for row in sorted(rows, key=lambda row: (row.outcome is not Finding.CONFIRMED, row.ticket_id)):
        by_component.setdefault(row.component_id, row)
    ids = sorted(by_component)
    chosen = [by_component[component_id] for component_id in ids]
    columns: Mapping[str, list[object]] = {
        "component_id": list(ids),
        "component_key": component_keys(ids).tolist(),
        "component_kind": [row.component_kind for row in chosen],
        "model": [row.model or _UNKNOWN_MODEL for row in chosen],
        "host_id": [row.host_id for row in chosen],
        "failure_source": [FAILURE_SOURCE] * len(chosen),
        "is_confirmed": [row.outcome is Finding.CONFIRMED for row in chosen],
        "known_at": [row.known_at for row in chosen],
    }
    schema = schema_of(load_contract(DATASET))
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema)
