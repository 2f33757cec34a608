"""Where rows at fault go: ``quarantine/<dataset>/day=…/part-NN.parquet``, with the reason beside each."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipelines.lake import Lake, partition_key
from pipelines.validation.row_faults import RowFault, reasons_by_row

REASON = "quarantine_reason"
# Of a blocked day the rows are evidence, not data: enough to see the pattern.
MOST_BLOCKED_ROWS = 10_000


def write_quarantine(
    lake: Lake,
    dataset: str,
    day: dt.date,
    part: str,
    table: pa.Table,
    rows: np.ndarray,
    faults: Sequence[RowFault],
) -> str:
    """Store ``rows`` (positions in ``table``) with their reasons and return the key."""
    reasons = reasons_by_row(faults, rows, table)
    aside = table.take(pa.array(rows, pa.int64())).append_column(REASON, pa.array(reasons, pa.string()))
    return lake.write_day(f"quarantine/{dataset}", day, aside, part=part).key


def write_sample(lake: Lake, dataset: str, day: dt.date, part: str, table: pa.Table, reason: str) -> str:
    """Store the first rows of a table that is wrong as a whole and return the key."""
    sample = table.slice(0, MOST_BLOCKED_ROWS)
    names = [
        name if table.schema.names.count(name) == 1 else f"{name}_{i}"
        for i, name in enumerate(table.schema.names)
    ]
    sample = sample.rename_columns(names).append_column(
        REASON, pa.array([reason] * sample.num_rows, pa.string())
    )
    return lake.write_day(f"quarantine/{dataset}", day, sample, part=part).key


def clear_quarantine(lake: Lake, dataset: str, day: dt.date, part: str) -> None:
    """Remove what an earlier attempt set aside."""
    key = partition_key(f"quarantine/{dataset}", day, part)
    if lake.store.exists(key):
        lake.store.delete(key)
