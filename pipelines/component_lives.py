"""Find out what became of each component by a day, and whether it ever showed an error.

This is the answer key of an evaluation. It knows the future of the scored days; nothing here may
reach a feature.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.evaluation import ComponentLives
from features.labels import ComponentFailures
from features.target import Target
from pipelines.cube_reading import list_known_days
from pipelines.failures import DatedEvents, KnownFailures, day_number, day_of_number, read_failures
from pipelines.lake import Lake


@dataclass(frozen=True, kw_only=True)
class FleetLives:
    """The lives, and the key of each component in the same order.

    ``showed_error`` (C,): an error signal stood above zero on some day before the failure, early
    enough to act; False for components that did not fail.
    """

    lives: ComponentLives
    component_keys: npt.NDArray[np.uint64]
    showed_error: npt.NDArray[np.bool_]

    def index_of(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return the place of each key in the lives; every key must be there."""
        order = np.argsort(self.component_keys)
        place = order[np.searchsorted(self.component_keys[order], keys)]
        assert np.array_equal(self.component_keys[place], keys), (
            "a scored component is in no file of the span"
        )
        return np.asarray(place, dtype=np.int64)


def read_lives(lake: Lake, target: Target, *, first_day: dt.date, known_until: dt.date) -> FleetLives:
    """Return the lives of all components that reported in ``[first_day, known_until]``.

    A life ends with the first failure of the span; what is reported after it is no candidate.
    """
    days = list_known_days(lake, target.dataset, first_day, known_until)
    last_seen, names = _read_last_days(lake, target.dataset, days)
    failures = read_failures(lake, target.component_kind, known_until, first_day=first_day)
    keys = np.fromiter(names, dtype=np.uint64, count=len(names))
    ids = np.array(list(names.values()), dtype=np.str_)
    order = np.argsort(ids, kind="stable")
    keys, ids = keys[order], ids[order]
    last_day, has_failed = _end_lives(keys, last_seen, failures)
    return FleetLives(
        lives=ComponentLives(
            component_ids=ids,
            last_day=last_day,
            has_failed=has_failed,
            known_until=day_number(known_until),
            unconfirmed_changes=_find_changes(keys, failures.unconfirmed),
        ),
        component_keys=keys,
        showed_error=_find_shown_errors(lake, target, keys, last_day, has_failed, known_until),
    )


def _read_last_days(
    lake: Lake, dataset: str, days: Sequence[dt.date]
) -> tuple[dict[int, int], dict[int, str]]:
    """Return the last day and the id of each key. Ids are read only on days that bring new keys."""
    last_seen: dict[int, int] = {}
    names: dict[int, str] = {}
    known = np.empty(0, dtype=np.uint64)
    for day in days:
        stored = lake.open_day(dataset, day, by_range=True)
        keys = stored.read(columns=["component_key"])["component_key"].to_numpy()
        is_new = ~np.isin(keys, known, assume_unique=True)
        if is_new.any():
            ids = stored.read(columns=["component_id"])["component_id"].filter(pa.array(is_new))
            names.update(zip(keys[is_new].tolist(), ids.to_pylist(), strict=True))
            known = np.union1d(known, keys[is_new])
        last_seen.update(dict.fromkeys(keys.tolist(), day_number(day)))
    return last_seen, names


def _end_lives(
    keys: npt.NDArray[np.uint64], last_seen: dict[int, int], failures: KnownFailures
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    # In order of day, so that read backwards the first failure of each component is the one that stays.
    failed_on = dict(zip(failures.component_keys[::-1].tolist(), failures.day[::-1].tolist(), strict=True))
    last_day = np.array([failed_on.get(key, last_seen[key]) for key in keys.tolist()], dtype=np.int64)
    has_failed = np.array([key in failed_on for key in keys.tolist()], dtype=np.bool_)
    return last_day, has_failed


def _find_changes(keys: npt.NDArray[np.uint64], unconfirmed: DatedEvents) -> ComponentFailures:
    """Return the unconfirmed changes by place in ``keys``, which are in the order of the components' ids."""
    order = np.argsort(keys)
    placed = unconfirmed.of_keys(keys[order])
    return dataclasses.replace(placed, component_index=order[placed.component_index])


def _find_shown_errors(
    lake: Lake,
    target: Target,
    keys: npt.NDArray[np.uint64],
    last_day: npt.NDArray[np.int64],
    has_failed: npt.NDArray[np.bool_],
    known_until: dt.date,
) -> npt.NDArray[np.bool_]:
    """Look through all history for errors of the components that failed."""
    showed = np.zeros(len(keys), dtype=np.bool_)
    failed = np.flatnonzero(has_failed)
    if not len(failed):
        return showed
    failed = failed[np.argsort(keys[failed])]
    failed_keys, too_late = keys[failed], last_day[failed] - target.lead_days
    last_useful = day_of_number(int(too_late.max()) - 1)
    for day in lake.list_days(target.dataset):
        if day > min(last_useful, known_until):
            break
        stored = lake.open_day(target.dataset, day, by_range=True)
        columns = [name for name in target.error_signals if name in stored.schema_arrow.names]
        rows = stored.read(columns=["component_key", *columns])
        rows = rows.filter(pc.is_in(rows["component_key"], value_set=pa.array(failed_keys, pa.uint64())))
        place = np.searchsorted(failed_keys, rows["component_key"].to_numpy())
        is_error = np.zeros(rows.num_rows, dtype=np.bool_)
        for name in columns:
            is_error |= pc.fill_null(pc.greater(rows[name], 0), False).to_numpy()
        is_error &= day_number(day) < too_late[place]
        showed[failed[place[is_error]]] = True
    return showed
