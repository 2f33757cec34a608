"""Read the component-days of some shards over a span of days into one cube, in bounded memory.

Row group ``i`` of a large core_ partition is shard ``i``, so a pass reads a few row groups of each day;
small partitions are one row group, of which a pass keeps its shards.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.cube import Cube, CubeBuilder
from features.shards import ALL_SHARDS, N_SHARDS, shard_lengths, shard_of
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.read_ahead import read_ahead

_DESCRIBING_COLUMNS = ("component_key", "model", "capacity_bytes")
# A fleet has few hardware models: their codes are read in a fraction of the time of their names.
REPEATED_TEXTS = ("model",)
_BYTES_PER_VALUE = 4
# Components that come and go, uneven shards, and the features of the cells at work.
_HEADROOM = 2.0


# Below this a file of sixteen row groups takes longer to open than to read.
_LEAST_SHARDED_ROWS = 64_000


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """Which shards are read together, and the days there are to read, ascending."""

    days: tuple[dt.date, ...]
    passes: tuple[tuple[int, ...], ...]


def end_of_day(day: dt.date) -> dt.datetime:
    """Return the first moment after a UTC day: facts known before it were known that day."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)


def list_known_days(lake: Lake, dataset: str, first_day: dt.date, last_day: dt.date) -> tuple[dt.date, ...]:
    """Return the days of ``[first_day, last_day]`` that were written; ``MissingInputError`` if none."""
    days = tuple(day for day in lake.list_days(dataset) if first_day <= day <= last_day)
    if not days:
        raise MissingInputError(
            f"{dataset} has no day from {first_day} to {last_day}. Run for these days: "
            f"prefail ingest --from {first_day} --to {last_day}, then prefail build with the same span.",
            dataset=dataset,
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
        )
    return days


def plan_passes(
    lake: Lake, dataset: str, n_signals: int, first_day: dt.date, last_day: dt.date, memory_limit_mb: int
) -> ShardPlan:
    """Decide how many shards fit into the memory limit at once; what is computed does not depend on it."""
    days = list_known_days(lake, dataset, first_day, last_day)
    # The fleet grows and shrinks: a few days spread over the span show its size.
    probes = days[:: max(1, len(days) // 8)] + days[-1:]
    n_components = max(lake.open_day(dataset, day, by_range=True).metadata.num_rows for day in probes)
    n_days = (last_day - first_day).days + 1
    shard_bytes = n_components / N_SHARDS * n_days * (n_signals * _BYTES_PER_VALUE + 1) * _HEADROOM
    n_together = max(1, min(N_SHARDS, int(memory_limit_mb * 1_000_000 / max(shard_bytes, 1))))
    return ShardPlan(
        days=days,
        passes=tuple(ALL_SHARDS[start : start + n_together] for start in range(0, N_SHARDS, n_together)),
    )


def shard_row_groups(sorted_keys: npt.NDArray[np.uint64]) -> list[int] | None:
    """Return the lengths of a partition's row groups, one a shard; null for a small one: a single group."""
    return shard_lengths(sorted_keys) if len(sorted_keys) >= _LEAST_SHARDED_ROWS else None


def is_sharded(stored: pq.ParquetFile) -> bool:
    """Return whether row group ``i`` of the file is shard ``i``."""
    return bool(stored.num_row_groups == N_SHARDS)


def read_cube(
    lake: Lake,
    dataset: str,
    signals: Sequence[str],
    *,
    days: Sequence[dt.date],
    first_day: dt.date,
    last_day: dt.date,
    shards: Sequence[int],
    known_by: dt.date,
) -> Cube:
    """Return the cube of ``[first_day, last_day]``; ``days`` are those that exist.

    Rows that reached us after the end of ``known_by`` are left out.
    """
    builder = CubeBuilder(signals, first_day, last_day)
    wanted = [day for day in days if first_day <= day <= last_day]
    tables = read_ahead(wanted, lambda day: read_shards(lake, dataset, day, signals, shards, known_by))
    for day, table in zip(wanted, tables, strict=True):
        builder.add_day(day, table)
    return builder.build()


def read_shards(
    lake: Lake, dataset: str, day: dt.date, signals: Sequence[str], shards: Sequence[int], known_by: dt.date
) -> pa.Table:
    """Return the rows of some shards of one day, as known by the end of ``known_by``."""
    stored = lake.open_day(dataset, day, by_range=len(shards) < N_SHARDS, dictionary_columns=REPEATED_TEXTS)
    present = set(stored.schema_arrow.names)
    columns = [*_DESCRIBING_COLUMNS, *(signal for signal in signals if signal in present)]
    groups = list(shards) if is_sharded(stored) else list(range(stored.num_row_groups))
    if not _may_be_late(stored, groups, known_by):
        rows = stored.read_row_groups(groups, columns=columns, use_threads=False)
    else:
        rows = stored.read_row_groups(groups, columns=[*columns, "known_at"], use_threads=False)
        rows = rows.filter(pc.less(rows["known_at"], end_of_day(known_by))).drop_columns(["known_at"])
    if is_sharded(stored) or len(set(shards)) == N_SHARDS:
        return rows
    return rows.filter(pa.array(np.isin(shard_of(rows["component_key"].to_numpy()), shards)))


def _may_be_late(stored: pq.ParquetFile, groups: Sequence[int], known_by: dt.date) -> bool:
    """Return whether a row's ``known_at`` may lie after ``known_by``, from the file's statistics alone."""
    place = stored.schema_arrow.names.index("known_at")
    for index in groups:
        group = stored.metadata.row_group(index)
        statistics = group.column(place).statistics
        if group.num_rows and (statistics is None or not statistics.has_min_max):
            return True
        if group.num_rows and statistics.max >= end_of_day(known_by):
            return True
    return False
