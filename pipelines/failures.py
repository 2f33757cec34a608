"""Read which components failed when, or were changed on our advice, as known at the end of a day."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import days_out_after_failure
from features.cube import Cube
from features.feature_names import MAX_WINDOW_DAYS
from features.labels import ComponentFailures
from pipelines.cube_reading import end_of_day
from pipelines.failure_days import read_failure_parts
from pipelines.lake import Lake

_EPOCH = dt.date(1970, 1, 1)
_SCHEMA = pa.schema(
    [
        ("component_key", pa.uint64()),
        ("model", pa.string()),
        ("day", pa.int64()),
        ("known_day", pa.int64()),
        ("is_confirmed", pa.bool_()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class DatedEvents:
    """One entry per event, in order of component key, then day; a component may have more than one.

    ``day`` (N,): when it happened; ``known_day`` (N,): the day on whose evening we knew. Both in days
    from 1970-01-01, UTC.
    """

    component_keys: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int64]
    known_day: npt.NDArray[np.int64]

    def of_keys(self, sorted_keys: npt.NDArray[np.uint64]) -> ComponentFailures:
        """Return the events of these components, by their place among the ascending keys."""
        place = np.searchsorted(sorted_keys, self.component_keys)
        is_there = place < len(sorted_keys)
        is_there[is_there] = sorted_keys[place[is_there]] == self.component_keys[is_there]
        return ComponentFailures(
            component_index=place[is_there].astype(np.int64),
            day_numbers=self.day[is_there],
            known_on=self.known_day[is_there],
        )

    def digest(self) -> bytes:
        """Return the events as bytes, for a digest of what was read."""
        keys, days, known = self.component_keys, self.day, self.known_day
        return keys.astype("<u8").tobytes() + days.astype("<i8").tobytes() + known.astype("<i8").tobytes()


def _no_events() -> DatedEvents:
    nothing = np.empty(0, dtype=np.int64)
    return DatedEvents(component_keys=nothing.astype(np.uint64), day=nothing, known_day=nothing)


@dataclass(frozen=True, kw_only=True)
class KnownFailures(DatedEvents):
    """Confirmed failures, and in ``unconfirmed`` the parts that were changed on our advice alone.

    ``models`` are the hardware models of the failures. ``sha256`` is over what was read. ``days_out``:
    how long a component of the kind is out of the cohort after a failure.
    """

    models: tuple[str, ...]
    sha256: str
    days_out: int = MAX_WINDOW_DAYS
    unconfirmed: DatedEvents = field(default_factory=_no_events)

    def of_cube(self, cube: Cube) -> ComponentFailures:
        """Return the failures of the cube's components, by their place in it."""
        return self.of_keys(cube.component_keys)


def day_number(day: dt.date) -> int:
    """Return the days from 1970-01-01."""
    return (day - _EPOCH).days


def day_of_number(number: int) -> dt.date:
    """Return the day that is ``number`` days from 1970-01-01."""
    return _EPOCH + dt.timedelta(days=int(number))


def read_failures(
    lake: Lake, component_kind: str, known_by: dt.date, *, first_day: dt.date | None = None
) -> KnownFailures:
    """Return confirmed failures and unconfirmed changes of one kind of component in ``[first_day, known_by]``.

    Only what had reached us by the end of ``known_by``; without ``first_day`` from the beginning.
    """
    parts = [_SCHEMA.empty_table()]
    for found in read_failure_parts(lake, first_day, known_by):
        rows = found.rows.filter(
            pc.and_(
                pc.equal(found.rows["component_kind"], component_kind),
                pc.less(found.rows["known_at"], end_of_day(known_by)),
            )
        )
        if rows.num_rows:
            known_day = pc.cast(rows["known_at"], pa.timestamp("us")).to_numpy().astype("datetime64[D]")
            n_day = np.full(rows.num_rows, day_number(found.day))
            columns = [
                rows["component_key"],
                rows["model"],
                n_day,
                np.maximum(known_day.astype(np.int64), n_day),
                rows["is_confirmed"],
            ]
            parts.append(pa.table(columns, schema=_SCHEMA))
    rows = pa.concat_tables(parts).sort_by([("component_key", "ascending"), ("day", "ascending")])
    confirmed = rows.filter(rows["is_confirmed"])
    failures = _dated_events(confirmed)
    unconfirmed = _dated_events(rows.filter(pc.invert(rows["is_confirmed"])))
    return KnownFailures(
        component_keys=failures.component_keys,
        day=failures.day,
        known_day=failures.known_day,
        models=tuple(confirmed["model"].to_pylist()),
        sha256=hashlib.sha256(failures.digest() + unconfirmed.digest()).hexdigest(),
        days_out=days_out_after_failure(component_kind),
        unconfirmed=unconfirmed,
    )


def _dated_events(rows: pa.Table) -> DatedEvents:
    keys, days, known = (rows[name].to_numpy() for name in ("component_key", "day", "known_day"))
    return DatedEvents(component_keys=keys, day=days, known_day=known)
