"""Read which components failed when, as known at the end of a day."""

import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.cube import Cube
from features.labels import ComponentFailures
from pipelines.cube_reading import end_of_day
from pipelines.failure_days import read_failure_days
from pipelines.lake import Lake

_EPOCH = dt.date(1970, 1, 1)
_SCHEMA = pa.schema(
    [("component_key", pa.uint64()), ("model", pa.string()), ("day", pa.int64()), ("known_day", pa.int64())]
)


@dataclass(frozen=True, kw_only=True)
class KnownFailures:
    """One entry per failure, in order of component key, then day; a component may fail more than once.

    ``day`` (N,): when it failed; ``known_day`` (N,): the day on whose evening we knew. Both in days from
    1970-01-01, UTC. ``sha256`` is over what was read.
    """

    component_keys: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int64]
    known_day: npt.NDArray[np.int64]
    models: tuple[str, ...]
    sha256: str

    def of_cube(self, cube: Cube) -> ComponentFailures:
        """Return the failures of the cube's components, by their place in it."""
        place = np.searchsorted(cube.component_keys, self.component_keys)
        is_there = place < cube.n_components
        is_there[is_there] = cube.component_keys[place[is_there]] == self.component_keys[is_there]
        return ComponentFailures(
            component_index=place[is_there].astype(np.int64),
            day_numbers=self.day[is_there],
            known_on=self.known_day[is_there],
        )


def day_number(day: dt.date) -> int:
    """Return the days from 1970-01-01."""
    return (day - _EPOCH).days


def day_of_number(number: int) -> dt.date:
    """Return the day that is ``number`` days from 1970-01-01."""
    return _EPOCH + dt.timedelta(days=int(number))


def read_failures(
    lake: Lake, component_kind: str, known_by: dt.date, *, first_day: dt.date | None = None
) -> KnownFailures:
    """Return confirmed failures of one kind of component in ``[first_day, known_by]``.

    Only what had reached us by the end of ``known_by``; without ``first_day`` from the beginning.
    """
    rows = _SCHEMA.empty_table()
    parts = [rows]
    for day, found in read_failure_days(lake, first_day, known_by):
        is_ours = pc.and_(pc.equal(found["component_kind"], component_kind), found["is_confirmed"])
        found = found.filter(pc.and_(is_ours, pc.less(found["known_at"], end_of_day(known_by))))
        if found.num_rows:
            known_day = pc.cast(found["known_at"], pa.timestamp("us")).to_numpy().astype("datetime64[D]")
            n_day = np.full(found.num_rows, day_number(day))
            parts.append(
                pa.table(
                    [
                        found["component_key"],
                        found["model"],
                        n_day,
                        np.maximum(known_day.astype(np.int64), n_day),
                    ],
                    schema=_SCHEMA,
                )
            )
    rows = pa.concat_tables(parts).sort_by([("component_key", "ascending"), ("day", "ascending")])
    keys, days, known = (rows[name].to_numpy() for name in ("component_key", "day", "known_day"))
    digest = hashlib.sha256(
        keys.astype("<u8").tobytes() + days.astype("<i8").tobytes() + known.astype("<i8").tobytes()
    )
    return KnownFailures(
        component_keys=keys,
        day=days,
        known_day=known,
        models=tuple(rows["model"].to_pylist()),
        sha256=digest.hexdigest(),
    )
