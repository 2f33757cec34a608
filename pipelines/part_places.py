"""Which parts sat where on a day of the past, and which of them the log lines of that day speak of."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import find_component_kind
from features.event_components import name_parts
from pipelines.inventory import DATASET, find_inventory_days
from pipelines.lake import Lake
from pipelines.raw_parts import first_row_of_each
from pipelines.settings import Settings

HINT = "component_hint"
PLACE_COLUMNS = ("socket", "channel", "dimm", "rank", "bank")
_COLUMNS = ("component_id", "component_kind", "host_id", "slot")
_SURENESS = r" \(\d+ % sure\)$"
_HOST = "host"


def read_part_places(day: dt.date, settings: Settings, lake: Lake) -> pa.Table | None:
    """Return component_id, component_kind, host_id and slot of each part of ``day``; None where nobody said."""
    parts = [
        lake.read_day(DATASET, at, columns=_COLUMNS, part=name)
        for name, at in find_inventory_days(day, settings, lake)
    ]
    return first_row_of_each(["component_id"], pa.concat_tables(parts))[0] if parts else None


def places_of_predictions(predictions: pa.Table) -> pa.Table:
    """Return the same of the parts that ``predictions`` speak of: where they sit on the day of the list."""
    places = predictions.select(list(_COLUMNS))
    slots = pc.replace_substring_regex(places["slot"], pattern=_SURENESS, replacement="")
    return places.set_column(places.schema.get_field_index("slot"), "slot", slots)


def lay_to_parts(events: pa.Table, places: pa.Table) -> pa.Table:
    """Return the events with a column component_id: the part that each is about, as the build step decides it.

    ``places`` are those of the events' own day: a slot keeps its name when its part is changed.
    """
    of_no_part = events.filter(pc.is_null(events["component_kind"]))
    laid = [of_no_part.append_column("component_id", pa.nulls(of_no_part.num_rows, pa.string()))]
    for kind in sorted(set(pc.drop_null(events["component_kind"]).to_pylist())):
        rows = events.filter(pc.equal(events["component_kind"], kind))
        laid.append(rows.append_column("component_id", _name_parts(rows, kind, places)))
    return pa.concat_tables(laid)


def _name_parts(rows: pa.Table, kind: str, places: pa.Table) -> pa.Array:
    if kind == _HOST:
        return pa.nulls(rows.num_rows, pa.string())
    parts = places.filter(pc.equal(places["component_kind"], kind))
    declared = find_component_kind(kind)
    labels = () if declared is None else declared.label_forms
    columns = () if declared is None else declared.place_columns
    return name_parts(rows, parts, hint=HINT, labels=labels, place_columns=columns).ids
