"""Where a component sits on a day: slot, rack and site from what the sources' inventories say."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import Lake
from pipelines.settings import Settings

_PLACE = ("slot", "rack", "site")
_COLUMNS = ("component_id", *_PLACE, "slot_confidence")


def join_inventory(components: pa.Table, day: dt.date, settings: Settings, lake: Lake) -> pa.Table:
    """Return ``components`` with slot, rack and site of ``day`` after host_id; null where nobody knows.

    One row per component in, one row per component out, in the same order. A slot that the inventory is
    not sure of says so: ``bay 7 (60 % sure)``.
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
        _with_sureness(lake.read_day("raw_inventory", day, columns=_COLUMNS, part=source.name))
        for source in settings.sources
        if lake.has_day("raw_inventory", day, part=source.name)
    ]
    return pa.concat_tables(parts) if parts else None


def _with_sureness(inventory: pa.Table) -> pa.Table:
    # Parts that were written before the contract had slot_confidence lack it.
    if "slot_confidence" not in inventory.column_names:
        return inventory
    sure = inventory["slot_confidence"]
    percent = pc.round(pc.multiply(sure.cast(pa.float64()), 100.0)).cast(pa.int64()).cast(pa.string())
    noted = pc.binary_join_element_wise(inventory["slot"], " (", percent, " % sure)", "")
    is_unsure = pc.fill_null(pc.less(sure, 1.0), False)
    slot = pc.if_else(pc.and_(is_unsure, pc.is_valid(inventory["slot"])), noted, inventory["slot"])
    at = inventory.schema.get_field_index("slot")
    return inventory.set_column(at, "slot", slot).drop_columns(["slot_confidence"])
