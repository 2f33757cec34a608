"""Read how the levels of each hardware model were distributed on given days."""

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.population import PopulationTable
from pipelines.lake import ONLY_PART, Lake

DATASET = "core_model_population"


def population_part(component_kind: str) -> str:
    """Return the part of a day that holds a kind's histograms."""
    return ONLY_PART if component_kind == "drive" else component_kind


def read_populations(
    lake: Lake, days: Sequence[dt.date], signals: Sequence[str] | None = None, *, component_kind: str
) -> PopulationTable:
    """Return a kind's populations of those of ``days`` that have one, of ``signals`` only if given.

    A day without population gives percentiles that are unknown, not an error.
    """
    tables = {}
    part = population_part(component_kind)
    for day in days:
        if lake.has_day(DATASET, day, part=part):
            counts = lake.read_day(DATASET, day, part=part)
            if signals is not None:
                counts = counts.filter(pc.is_in(counts["signal"], value_set=pa.array(signals, pa.string())))
            tables[day] = counts
    return PopulationTable.from_tables(tables)
