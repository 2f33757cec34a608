"""The list as the table that others read: out_at_risk_hosts, one row per listed component."""

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.evidence import write_reasons
from pipelines.report.content import ListEntry

DATASET = "out_at_risk_hosts"


def tabulate_entries(entries: Sequence[ListEntry], day: dt.date) -> pa.Table:
    """Return out_at_risk_hosts of ``day`` in rank order, with the columns and types of its contract.

    Evidence is JSON; ``due_day`` and ``day`` are ISO dates as text.
    """
    rows = [
        {
            "rank": entry.rank,
            "host_id": entry.host_id,
            "host_risk": entry.host_risk,
            "component_id": entry.component_id,
            "component_kind": entry.component_kind,
            "model": entry.model,
            "slot": entry.slot,
            "rack": entry.rack,
            "site": entry.site,
            "target": entry.target,
            "risk": entry.risk,
            "due_day": entry.due_day.isoformat(),
            "check_first": entry.check_first,
            "evidence": write_reasons(entry.reasons),
            "model_id": entry.model_id,
            "scored_by": entry.scored_by,
            "day": day.isoformat(),
        }
        for entry in sorted(entries, key=lambda entry: entry.rank)
    ]
    schema = schema_of(load_contract(DATASET))
    columns = [
        pa.array([row[name] for row in rows], _plain(schema.field(name).type)) for name in schema.names
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    # Python values can't be made into a dictionary type directly; the cast encodes them.
    return kind.value_type if pa.types.is_dictionary(kind) else kind
