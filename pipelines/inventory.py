"""Where a component sits on a day: slot, rack and site from what the sources' inventories say."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import Lake
from pipelines.settings import Settings

_PLACE = ("slot", "rack", "site")


def join_inventory(components: pa.Table, day: dt.date, settings: Settings, lake: Lake) -> pa.Table:
    """Return ``components`` with slot, rack and site of ``day`` after host_id; null where nobody knows.

    One row per component in, one row per component out, in the same order.
    """
    inventory = _read_inventory(day, settings, lake)
    if inventory is None:
        places = [pa.nulls(components.num_rows, pa.string()) for _ in _PLACE]
    else:
        at = pc.index_in(components["component_id"], value_set=inventory["component_id"].combine_chunks())
        places = [inventory[column].take(at) for column in _PLACE]
    for offset, (column, values) in enumerate(zip(_PLACE, places, strict=True)):
        components = components.add_column(4 + offset, column, values)
    return components


def _read_inventory(day: dt.date, settings: Settings, lake: Lake) -> pa.Table | None:
    parts = [
        lake.read_day("raw_inventory", day, columns=("component_id", *_PLACE), part=source.name)
        for source in settings.sources
        if lake.has_day("raw_inventory", day, part=source.name)
    ]
    return pa.concat_tables(parts) if parts else None
