"""Read which values a raw_ dataset showed in the days before a day, for signals that count what is new."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import ComponentKind
from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake
from pipelines.settings import Settings

Codes = npt.NDArray[np.int64]

NOVELTY_DAYS = 30
# With less than a week of it, nearly everything would be new.
LEAST_DAYS = 7
_ONE_DAY = dt.timedelta(days=1)


def read_earlier_values(
    kind: ComponentKind, day: dt.date, raw: Mapping[str, pa.Table], settings: Settings, lake: Lake
) -> dict[tuple[str, str], pa.Table]:
    """Return, by dataset and column, what of ``day`` was seen in ``[day - 30, day - 1]`` already.

    Rows of host_id and value: a host and a value of it; a value that any host showed (host_id null); a host
    that was heard (value null). A dataset of which fewer than ``LEAST_DAYS`` of these days were delivered is
    left out: nothing can be called new.

    Only rows known before ``day`` began count. A line that reached us later ("known at the end of the day in
    whose folder it was found") can't have been in a list of ``day``, so it never changes the day when that is
    made again; no later day is made again because an earlier one was.
    """
    wanted = {
        (signal.source.dataset, signal.source.column) for signal in kind.signals if signal.source.new_to
    }
    earlier = {}
    for dataset, column in sorted(each for each in wanted if each[0] in raw):
        seen = _Seen(raw[dataset]["host_id"], raw[dataset][column])
        n_days = 0
        for back in range(NOVELTY_DAYS, 0, -1):
            at = day - dt.timedelta(days=back)
            parts = _read_parts(dataset, column, at, end_of_day(day - _ONE_DAY), settings, lake)
            n_days += bool(parts)
            for rows in parts:
                seen.add(rows["host_id"], rows[column])
        if n_days >= LEAST_DAYS:
            earlier[dataset, column] = seen.table()
    return earlier


class _Seen:
    """Marks which hosts, values and pairs of a day occur elsewhere; its memory is that of the day."""

    def __init__(self, hosts: pa.ChunkedArray, values: pa.ChunkedArray) -> None:
        self._hosts, self._values = pc.unique(hosts), pc.unique(values)
        self._pairs = np.unique(self._codes(hosts, values)[2])
        self._is_host_seen = np.zeros(len(self._hosts), dtype=np.bool_)
        self._is_value_seen = np.zeros(len(self._values), dtype=np.bool_)
        self._is_pair_seen = np.zeros(len(self._pairs), dtype=np.bool_)

    def add(self, hosts: pa.ChunkedArray, values: pa.ChunkedArray) -> None:
        """Mark what occurs in these rows."""
        of_hosts, of_values, pairs = self._codes(hosts, values)
        self._is_host_seen[of_hosts[of_hosts >= 0]] = True
        self._is_value_seen[of_values[of_values >= 0]] = True
        at = np.minimum(np.searchsorted(self._pairs, pairs), max(len(self._pairs) - 1, 0))
        self._is_pair_seen[at[self._pairs[at] == pairs] if len(self._pairs) else []] = True

    def table(self) -> pa.Table:
        """Return the marked pairs, values and hosts."""
        pairs = self._pairs[self._is_pair_seen]
        hosts = self._hosts.take(pa.array(pairs // max(len(self._values), 1)))
        values = self._values.take(pa.array(pairs % max(len(self._values), 1)))
        only_values = self._values.filter(pa.array(self._is_value_seen))
        only_hosts = self._hosts.filter(pa.array(self._is_host_seen))
        nobody = pa.nulls(len(only_values), self._hosts.type)
        nothing = pa.nulls(len(only_hosts), self._values.type)
        return pa.table(
            {
                "host_id": pa.chunked_array([hosts, nobody, only_hosts]),
                "value": pa.chunked_array([values, only_values, nothing]),
            }
        )

    def _codes(self, hosts: pa.ChunkedArray, values: pa.ChunkedArray) -> tuple[Codes, Codes, Codes]:
        """Return the place of each row's host and value, -1 where the day has none, and of each known pair."""
        of_hosts, of_values = (
            pc.fill_null(pc.index_in(column, value_set=known), -1).to_numpy().astype(np.int64)
            for column, known in ((hosts, self._hosts), (values, self._values))
        )
        is_known = (of_hosts >= 0) & (of_values >= 0)
        return of_hosts, of_values, of_hosts[is_known] * len(self._values) + of_values[is_known]


def _read_parts(
    dataset: str, column: str, at: dt.date, known_before: dt.datetime, settings: Settings, lake: Lake
) -> list[pa.Table]:
    """Return what sources delivered of a day, as known before a moment."""
    parts = []
    for source in settings.sources:
        if lake.has_day(dataset, at, part=source.name):
            stored = lake.open_day(dataset, at, part=source.name, by_range=True)
            rows = stored.read(columns=["host_id", column, "known_at"])
            parts.append(rows.filter(pc.less(rows["known_at"], known_before)))
    return parts
