"""Which hosts speak, in logs or metrics, that no inventory names: scored all the same, and said."""

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.inventory import DATASET as INVENTORY
from pipelines.inventory import find_inventory_days
from pipelines.lake import Lake
from pipelines.raw_parts import read_raw_parts
from pipelines.settings import Settings

_SPOKEN_IN = ("raw_hw_events", "raw_host_metrics")
_HOST = ["host_id"]


def find_unknown_hosts(day: dt.date, settings: Settings, lake: Lake) -> tuple[str, ...]:
    """Return the hosts of the day's events and metrics that are in no inventory, by name.

    None where there is no inventory at all: then nobody could know them.
    """
    inventories = find_inventory_days(day, settings, lake)
    if not inventories:
        return ()
    known = [lake.read_day(INVENTORY, at, columns=_HOST, part=name) for name, at in inventories]
    spoken = [read_raw_parts(dataset, day, settings, lake, columns=_HOST) for dataset in _SPOKEN_IN]
    heard = pa.chunked_array(
        [chunk for table in spoken if table is not None for chunk in table["host_id"].chunks], pa.string()
    )
    names = pc.unique(heard.filter(pc.invert(pc.is_in(heard, value_set=pa.concat_tables(known)["host_id"]))))
    return tuple(sorted(names.to_pylist()))


def describe_unknown_hosts(day: dt.date, hosts: tuple[str, ...]) -> str:
    """Return a sentence with at most three of the hosts."""
    more = f" and {len(hosts) - 3:,} more" if len(hosts) > 3 else ""
    which = "1 host is" if len(hosts) == 1 else f"{len(hosts):,} hosts are"
    return (
        f"{which} in the logs or metrics of {day} and in no inventory: {', '.join(hosts[:3])}{more}. They are scored, "
        "their parts by the names that the logs use; add them to the inventory to have slot, rack and model."
    )
