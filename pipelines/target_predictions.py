"""What one target says of the components of some shards on a day: a risk, or the reason why none."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.cohort import CohortReason
from pipelines.failures import read_failures
from pipelines.lake import Lake
from pipelines.outage_reach import mark_fed
from pipelines.outage_words import SOURCE_DOWN
from pipelines.populations import read_populations
from pipelines.risk_scoring import predict_risks
from pipelines.settings import Settings
from pipelines.source_outages import SourceOutage
from pipelines.target_scorers import TargetScorer

_IN_SERVICE = [reason for reason in CohortReason if reason.is_abstention or reason is CohortReason.IN_COHORT]
_IDENTITY = ("component_key", "component_id", "model", "host_id")


def predict_target(
    day: dt.date,
    scoring: TargetScorer,
    shards: Sequence[int],
    outages: Sequence[SourceOutage],
    settings: Settings,
    lake: Lake,
) -> pa.Table:
    """Return one row per component of ``shards`` in service in the week to ``day``, in the order of their keys.

    The columns of out_predictions, save those that need the other shards or the inventory.
    """
    target, scorer = scoring.target, scoring.scorer
    first_day = day - dt.timedelta(days=scorer.lookback_days)
    cube = scoring.reader.read_cube(first_day, day, shards)
    risks = predict_risks(
        cube,
        scorer,
        day,
        read_populations(lake, [day], target.signals, component_kind=target.component_kind),
        read_failures(lake, target.component_kind, day, first_day=first_day),
        n_threads=settings.training.n_threads,
    )
    is_in_service = np.isin(risks.abstention_codes, _IN_SERVICE)
    known = _identify(cube.component_keys[is_in_service], day, target.dataset, lake)
    n = known.num_rows
    reasons = _word_reasons(risks.abstention_codes[is_in_service])
    if outages:
        is_down = mark_fed(target.component_kind, known, outages, lake)
        is_silent = pc.equal(reasons, CohortReason.NO_DATA_TODAY.name.lower())
        reasons = pc.if_else(pc.and_(pc.fill_null(is_silent, False), is_down), SOURCE_DOWN, reasons)
    return pa.table(
        {
            "component_id": known["component_id"],
            "component_kind": pa.array([target.component_kind] * n, pa.string()),
            "host_id": known["host_id"],
            "model": known["model"],
            "target": pa.array([target.name] * n, pa.string()),
            "day": pa.array([day.isoformat()] * n, pa.string()).dictionary_encode(),
            "risk": pa.array(risks.risk[is_in_service], pa.float64(), from_pandas=True),
            "abstention_reason": reasons,
            "model_id": pa.array([scorer.model_id] * n, pa.string()),
        }
    )


def rank_predictions(of_target: pa.Table) -> pa.Table:
    """Return the rows of one target, of all shards, with their rank: 1 for the riskiest.

    Ties go by component_id; null where there is no risk.
    """
    risk = of_target["risk"].to_numpy()
    ids = of_target["component_id"].to_pylist()
    order = sorted(np.flatnonzero(~np.isnan(risk)), key=lambda i: (-risk[i], ids[i]))
    ranks = np.zeros(len(risk), dtype=np.int32)
    ranks[order] = np.arange(1, len(order) + 1)
    after_risk = of_target.column_names.index("risk") + 1
    return of_target.add_column(after_risk, "rank", pa.array(ranks, mask=np.isnan(risk)))


def _word_reasons(codes: np.ndarray) -> pa.Array:
    """Return why each component is abstained on, null where it is not."""
    words = {int(reason): reason.name.lower() for reason in CohortReason if reason.is_abstention}
    by_code = [words.get(code) for code in range(max(CohortReason) + 1)]
    return pa.array(by_code, pa.string()).take(pa.array(codes))


def _identify(keys: np.ndarray, day: dt.date, dataset: str, lake: Lake) -> pa.Table:
    """Return id, model and host of each key, from the latest day of the last week that reports it."""
    if not len(keys):
        return pa.table({name: pa.array([], pa.string()) for name in _IDENTITY})
    found: pa.Table | None = None
    missing = keys
    back = 0
    while len(missing) and back <= 7:
        at = day - dt.timedelta(days=back)
        back += 1
        if not lake.has_day(dataset, at):
            continue
        table = lake.read_day(dataset, at, columns=_IDENTITY)
        wanted = table.filter(pc.is_in(table["component_key"], value_set=pa.array(missing, pa.uint64())))
        found = wanted if found is None else pa.concat_tables([found, wanted])
        missing = np.setdiff1d(missing, wanted["component_key"].to_numpy())
    assert found is not None, "no file of the week before the day it was read from"
    assert not len(missing), "a component of the cube is in no file it came from"
    return found.take(
        pc.index_in(pa.array(keys, pa.uint64()), value_set=found["component_key"].combine_chunks())
    )
