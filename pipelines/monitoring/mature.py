"""What became of a past day's risks and list, now that their horizon is over."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.shards import component_keys
from features.target import Target
from pipelines.at_risk_table import DATASET as LISTED
from pipelines.failures import DatedEvents, day_number, read_failures
from pipelines.lake import Lake


@dataclass(frozen=True, kw_only=True)
class JudgedDay:
    """One target's predictions of ``day``. ``n_expected``: the sum of its risks; ``n_observed``: who failed.

    Components that failed within the lead time, or were changed on our advice alone, count nowhere.
    """

    day: dt.date
    n_expected: float
    n_observed: int
    n_listed: int
    n_hits: int


def judge_mature_day(target: Target, known_by: dt.date, lake: Lake) -> JudgedDay | None:
    """Return what became of the day whose ``(day + lead, day + horizon]`` ends with ``known_by``.

    None where the target was not scored that day.
    """
    day = known_by - dt.timedelta(days=target.horizon_days)
    if not lake.has_day("out_predictions", day):
        return None
    predictions = lake.read_day("out_predictions", day, ("target", "component_id", "risk"))
    scored = predictions.filter(
        pc.and_(pc.equal(predictions["target"], target.name), pc.is_valid(predictions["risk"]))
    )
    if not scored.num_rows:
        return None
    failures = read_failures(lake, target.component_kind, known_by, first_day=day)
    first = day_number(day)
    too_soon = _keys_in(failures, first, first + target.lead_days)
    unjudged = np.union1d(too_soon, _keys_in(failures.unconfirmed, first, first + target.horizon_days))
    failing = _keys_in(failures, first + target.lead_days, first + target.horizon_days)
    keys, risks = component_keys(scored["component_id"]), scored["risk"].to_numpy()
    is_judged = ~np.isin(keys, unjudged)
    listed = _listed_keys(target, day, lake)
    listed = listed[~np.isin(listed, unjudged)]
    return JudgedDay(
        day=day,
        n_expected=float(risks[is_judged].sum()),
        n_observed=int(np.isin(keys[is_judged], failing).sum()),
        n_listed=len(listed),
        n_hits=int(np.isin(listed, failing).sum()),
    )


def _keys_in(events: DatedEvents, after: int, until: int) -> npt.NDArray[np.uint64]:
    """Return the components with an event in ``(after, until]``, in days from 1970-01-01."""
    return events.component_keys[(events.day > after) & (events.day <= until)]


def _listed_keys(target: Target, day: dt.date, lake: Lake) -> npt.NDArray[np.uint64]:
    if not lake.has_day(LISTED, day):
        return np.empty(0, dtype=np.uint64)
    listed = lake.read_day(LISTED, day, ("target", "component_id"))
    ids: pa.ChunkedArray = listed.filter(pc.equal(listed["target"], target.name))["component_id"]
    return component_keys(ids) if len(ids) else np.empty(0, dtype=np.uint64)
