"""Read which components failed when, as known at the end of a day."""

import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake

DATASET = "core_failures"
_COLUMNS = ("component_key", "component_kind", "model", "is_confirmed", "known_at")
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class KnownFailures:
    """The first failure of each component that failed, in ascending order of ``component_keys``.

    ``day`` (N,): when it failed; ``known_day`` (N,): when we knew. Both in days from 1970-01-01, UTC.
    ``sha256`` is over what was read.
    """

    component_keys: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int64]
    known_day: npt.NDArray[np.int64]
    models: tuple[str, ...]
    sha256: str


def day_number(day: dt.date) -> int:
    """Return the days from 1970-01-01."""
    return (day - _EPOCH).days


def day_of_number(number: int) -> dt.date:
    """Return the day that is ``number`` days from 1970-01-01."""
    return _EPOCH + dt.timedelta(days=int(number))


def read_failures(lake: Lake, component_kind: str, known_by: dt.date) -> KnownFailures:
    """Return confirmed failures of one kind of component up to and as known by the end of ``known_by``."""
    parts = []
    for day in lake.list_days(DATASET):
        if day > known_by:
            break
        rows = lake.read_day(DATASET, day, columns=_COLUMNS)
        is_ours = pc.and_(pc.equal(rows["component_kind"], component_kind), rows["is_confirmed"])
        rows = rows.filter(pc.and_(is_ours, pc.less(rows["known_at"], end_of_day(known_by))))
        if rows.num_rows:
            number = pa.array(np.full(rows.num_rows, day_number(day)), pa.int64())
            parts.append(rows.select(["component_key", "model", "known_at"]).append_column("day", number))
    if not parts:
        empty = np.empty(0, dtype=np.int64)
        return KnownFailures(
            component_keys=empty.astype(np.uint64),
            day=empty,
            known_day=empty,
            models=(),
            sha256=_digest(empty, empty),
        )
    rows = pa.concat_tables(parts).sort_by([("component_key", "ascending"), ("day", "ascending")])
    keys, first = np.unique(rows["component_key"].to_numpy(), return_index=True)
    rows = rows.take(pa.array(first))
    day_numbers = rows["day"].to_numpy()
    known_at = rows["known_at"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return KnownFailures(
        component_keys=keys,
        day=day_numbers,
        known_day=np.maximum(known_at, day_numbers),
        models=tuple(rows["model"].to_pylist()),
        sha256=_digest(keys, day_numbers),
    )


def _digest(keys: npt.NDArray[np.integer], days: npt.NDArray[np.int64]) -> str:
    return hashlib.sha256(keys.astype("<u8").tobytes() + days.astype("<i8").tobytes()).hexdigest()
