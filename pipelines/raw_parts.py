"""A day's raw_ rows of all sources together, as the build step reads them."""

import datetime as dt
from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from pipelines.lake import Lake
from pipelines.settings import Settings


def read_raw_parts(
    dataset: str, day: dt.date, settings: Settings, lake: Lake, *, columns: Collection[str] | None = None
) -> pa.Table | None:
    """Return the parts of all sources, in the order of the settings; None where no source has one.

    Only ``columns`` if given.
    """
    parts = [
        _read_part(dataset, day, source.name, lake, columns)
        for source in settings.sources
        if lake.has_day(dataset, day, part=source.name)
    ]
    # A part written before its contract had a column lacks it: null there.
    return pa.concat_tables(parts, promote_options="default") if parts else None


def _read_part(
    dataset: str, day: dt.date, part: str, lake: Lake, columns: Collection[str] | None
) -> pa.Table:
    stored = lake.open_day(dataset, day, part=part)
    present = stored.schema_arrow.names
    return stored.read(columns=None if columns is None else [name for name in present if name in columns])


def first_row_of_each(key: Sequence[str], table: pa.Table) -> tuple[pa.Table, int]:
    """Return the first row of each value of the columns ``key``, in their order, and how many others there were."""
    numbered = table.select(list(key)).append_column("row", pa.array(np.arange(table.num_rows)))
    first = numbered.group_by(list(key), use_threads=False).aggregate([("row", "min")])["row_min"]
    if len(first) == table.num_rows:
        return table, 0
    return table.take(pa.array(np.sort(first.to_numpy()))), table.num_rows - len(first)
