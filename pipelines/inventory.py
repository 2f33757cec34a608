"""What the sources' inventories say of a day: which parts there are, and where each sits."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.deliveries import has_delivered
from pipelines.lake import Lake
from pipelines.raw_parts import first_row_of_each
from pipelines.settings import Settings
from pipelines.source_outages import week_before

DATASET = "raw_inventory"
_PLACE = ("slot", "rack", "site")
_COLUMNS = ("component_id", *_PLACE, "slot_confidence")


def join_inventory(components: pa.Table, day: dt.date, settings: Settings, lake: Lake) -> pa.Table:
    """Return ``components`` with slot, rack and site of ``day`` after host_id; null where nobody knows.

    Of a source that is down, its last inventory of the week stands (``find_inventory_days``).

    One row per component in, one row per component out, in the same order. A slot that the inventory is
    not sure of says so: ``bay 7 (60 % sure)``.
    """
    inventory = _read_places(day, settings, lake)
    if inventory is None:
        places = [pa.nulls(components.num_rows, pa.string()) for _ in _PLACE]
    else:
        at = pc.index_in(components["component_id"], value_set=inventory["component_id"].combine_chunks())
        places = [inventory[column].take(at) for column in _PLACE]
    for offset, (column, values) in enumerate(zip(_PLACE, places, strict=True)):
        components = components.add_column(4 + offset, column, values)
    return components


def find_inventory_days(day: dt.date, settings: Settings, lake: Lake) -> tuple[tuple[str, dt.date], ...]:
    """Return for each source that knows inventory which day of it speaks of ``day``, in the settings' order.

    Where a source delivered nothing of the day, its latest inventory of the week before stands: parts seldom
    move, and a list without slots because an export is late helps nobody.
    """
    found = []
    for source in settings.sources:
        if lake.has_day(DATASET, day, part=source.name):
            found.append((source.name, day))
        elif not has_delivered(source.name, day, lake):
            last = next((at for at in week_before(day) if lake.has_day(DATASET, at, part=source.name)), None)
            if last is not None:
                found.append((source.name, last))
    return tuple(found)


def read_inventory(day: dt.date, settings: Settings, lake: Lake) -> pa.Table | None:
    """Return what is known of ``day``, one row per component_id: the source named first in the settings wins."""
    parts = [lake.read_day(DATASET, at, part=name) for name, at in find_inventory_days(day, settings, lake)]
    # A part written before its contract had a column lacks it: null there.
    return (
        first_row_of_each(["component_id"], pa.concat_tables(parts, promote_options="default"))[0]
        if parts
        else None
    )


def _read_places(day: dt.date, settings: Settings, lake: Lake) -> pa.Table | None:
    parts = [
        _with_sureness(lake.read_day(DATASET, at, columns=_COLUMNS, part=name))
        for name, at in find_inventory_days(day, settings, lake)
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
