"""Read whole component-days of a span into one cube; for a span of cubes, each file once."""

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.cube import Cube, CubeBuilder
from features.shards import ALL_SHARDS, N_SHARDS
from pipelines.cube_reading import REPEATED_TEXTS, end_of_day, read_cube
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.read_ahead import read_ahead

_DESCRIBING_COLUMNS = ("component_key", "model", "capacity_bytes", "known_at")


class ComponentDayReader:
    """Cubes of consecutive days; from the second cube on, its days stay in memory for the next one.

    Scoring a span day by day reads each file once this way (the first lookback twice), and the memory
    is that of one lookback. A single cube keeps nothing: touching that much memory costs more than
    reading it.
    """

    def __init__(self, lake: Lake, dataset: str, signals: Sequence[str]) -> None:
        self._lake = lake
        self._dataset = dataset
        self._columns = (*_DESCRIBING_COLUMNS, *signals)
        self._signals = tuple(signals)
        self._tables: dict[dt.date, pa.Table] = {}
        self._is_span = False

    def read_cube(self, first_day: dt.date, last_day: dt.date, shards: Sequence[int] = ALL_SHARDS) -> Cube:
        """Return the cube of ``[first_day, last_day]`` as known by the end of ``last_day``.

        A day without a file is a missing day, not an error, the last day too: nobody reported on it. Where
        only some ``shards`` are read, nothing is kept.
        """
        if len(shards) < N_SHARDS:
            return self._read_shards(first_day, last_day, shards)
        self._tables = {day: kept for day, kept in self._tables.items() if first_day <= day <= last_day}
        builder = CubeBuilder(self._signals, first_day, last_day)
        days = [first_day + dt.timedelta(days=offset) for offset in range((last_day - first_day).days + 1)]
        tables = read_ahead(days, self._read)
        for day, table in zip(days, tables, strict=True):
            if table is not None:
                builder.add_day(day, _known_by(table, last_day))
                if self._is_span:
                    self._tables[day] = table
        self._is_span = True
        return builder.build()

    def _read_shards(self, first_day: dt.date, last_day: dt.date, shards: Sequence[int]) -> Cube:
        return read_cube(
            self._lake,
            self._dataset,
            self._signals,
            days=self._lake.list_days(self._dataset),
            first_day=first_day,
            last_day=last_day,
            shards=shards,
            known_by=last_day,
        )

    def _read(self, day: dt.date) -> pa.Table | None:
        if day in self._tables:
            return self._tables[day]
        try:
            stored = self._lake.open_day(self._dataset, day, dictionary_columns=REPEATED_TEXTS)
        except MissingInputError:
            return None
        table = stored.read(columns=list(self._columns), use_threads=False)
        # Almost every row is known by the end of its own day: then the column says nothing more.
        is_late = table.num_rows and pc.max(table["known_at"]).as_py() >= end_of_day(day)
        return table if is_late else table.drop_columns(["known_at"])


def _known_by(table: pa.Table, day: dt.date) -> pa.Table:
    if "known_at" not in table.column_names:
        return table
    return table.filter(pc.less(table["known_at"], end_of_day(day))).drop_columns(["known_at"])
