"""Say which components a source that is down used to feed: only they are missing because of it."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import load_contract
from pipelines.kind_inputs import list_raw_datasets
from pipelines.lake import Lake
from pipelines.source_outages import SourceOutage, week_to

# What a raw_ row may say it is about: a host with all its parts, or, of drives, the drive alone.
_NAMES = {"host_id": "host_id", "serial_number": "component_id"}
# A host that has nothing to report for some days is no less watched; of readings it has some every day.
_ONLY_WHERE_SOMETHING_HAPPENED = ("raw_hw_events",)


def mark_fed(
    component_kind: str, components: pa.Table, outages: Sequence[SourceOutage], lake: Lake
) -> pa.ChunkedArray:
    """Return for each component of a kind whether one of ``outages`` fed it on the last day it delivered.

    Of events, which a host may be without, in the week to that day.
    ``components`` has component_id and host_id. Nothing is read where no outage is of what the kind is made of.
    """
    is_fed = pa.chunked_array([pa.repeat(pa.scalar(False), components.num_rows)])
    wanted = set(list_raw_datasets(component_kind))
    for outage in outages:
        for dataset in outage.datasets:
            if dataset not in wanted:
                continue
            known = {column.name for column in load_contract(dataset).columns}
            names = [name for name in _NAMES if name in known]
            days = week_to(outage.last_day)[: None if dataset in _ONLY_WHERE_SOMETHING_HAPPENED else 1]
            for at in (each for each in days if lake.has_day(dataset, each, part=outage.source)):
                fed = lake.read_day(dataset, at, columns=names, part=outage.source)
                for name in names:
                    value_set = pc.unique(fed[name])
                    is_fed = pc.or_(is_fed, pc.is_in(components[_NAMES[name]], value_set=value_set))
    return is_fed
