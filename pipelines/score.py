"""Give every component in service on a day its calibrated risk, or say why not."""

import datetime as dt
import logging
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import load_contract
from features.cohort import CohortReason
from features.target import Target, load_target
from pipelines.component_days import ComponentDayReader
from pipelines.errors import ContractBlockedError
from pipelines.failures import read_failures
from pipelines.inventory import join_inventory
from pipelines.lake import Lake
from pipelines.populations import read_populations
from pipelines.risk_scoring import predict_risks
from pipelines.scorers import Scorer, open_scorer
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts
from pipelines.validation import validate_day

log = logging.getLogger(__name__)

_IN_SERVICE = [reason for reason in CohortReason if reason.is_abstention or reason is CohortReason.IN_COHORT]
_IDENTITY = ("component_key", "component_id", "model", "host_id")


@dataclass(frozen=True, kw_only=True)
class TargetScorer:
    """A target, what scores it, and the days it has read: one for a whole span of days."""

    target: Target
    scorer: Scorer
    reader: ComponentDayReader


def open_target_scorers(
    settings: Settings, lake: Lake, *, model_id: str | None = None
) -> tuple[TargetScorer, ...]:
    """Open each target's champion (or the named model) once."""
    opened = []
    for name in settings.targets:
        target = load_target(name)
        scorer = open_scorer(target, lake, model_id=model_id, n_threads=settings.training.n_threads)
        reader = ComponentDayReader(lake, target.dataset, target.signals)
        opened.append(TargetScorer(target=target, scorer=scorer, reader=reader))
    return tuple(opened)


def score_day(
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    model_id: str | None = None,
    scorers: tuple[TargetScorer, ...] | None = None,
) -> StepFacts:
    """Write out_predictions of ``day``: one row per component in service in the last week and target.

    Only what was known by the end of ``day`` is used. ``scorers`` may be passed for a span of days.
    """
    scorers = scorers or open_target_scorers(settings, lake, model_id=model_id)
    tables = [predict_target_day(day, each, settings, lake) for each in scorers]
    predictions = pa.concat_tables(tables)
    validated = validate_day(load_contract("out_predictions"), predictions, day, lake)
    if validated.n_quarantined:
        # Our own output: a row at fault is our defect, never something to set aside quietly.
        raise ContractBlockedError(
            f"out_predictions of {day} has {validated.n_quarantined} rows that break its contract. "
            "Nothing was published. This is a defect of Prefail, please report it with the rows at "
            f"quarantine/out_predictions/day={day}/.",
            dataset="out_predictions",
            day=day.isoformat(),
        )
    lake.write_day("out_predictions", day, validated.table)
    n_abstained = validated.table["risk"].null_count
    facts = StepFacts(
        step="scored",
        day=day,
        facts=(
            ("scored", predictions.num_rows - n_abstained),
            ("abstained", n_abstained),
            ("models", ",".join(sorted({each.scorer.model_id for each in scorers}))),
            ("highest_risk", f"{pc.max(predictions['risk']).as_py() or 0.0:.3f}"),
        ),
    )
    log.info(facts.summary)
    return facts


def predict_target_day(day: dt.date, scoring: TargetScorer, settings: Settings, lake: Lake) -> pa.Table:
    """Return one row per component in service in the week to ``day``: its risk, or the reason why none."""
    target, scorer = scoring.target, scoring.scorer
    first_day = day - dt.timedelta(days=scorer.lookback_days)
    cube = scoring.reader.read_cube(first_day, day)
    risks = predict_risks(
        cube,
        scorer,
        day,
        read_populations(lake, [day], target.signals),
        read_failures(lake, target.component_kind, day, first_day=first_day),
        n_threads=settings.training.n_threads,
    )
    reasons = [CohortReason(int(code)) for code in risks.abstention_codes]
    is_in_service = np.array([reason in _IN_SERVICE for reason in reasons], dtype=np.bool_)
    keys = cube.component_keys[is_in_service]
    known = _identify(keys, day, target.dataset, lake)
    risk = risks.risk[is_in_service]
    rank = _rank(risk, known["component_id"].to_pylist())
    n = len(keys)
    table = pa.table(
        {
            "component_id": known["component_id"],
            "component_kind": pa.array([target.component_kind] * n, pa.string()),
            "host_id": known["host_id"],
            "model": known["model"],
            "target": pa.array([target.name] * n, pa.string()),
            "day": pa.array([day.isoformat()] * n, pa.string()).dictionary_encode(),
            "risk": pa.array(risk, pa.float64(), from_pandas=True),
            "rank": rank,
            "abstention_reason": pa.array(
                [r.name.lower() if r.is_abstention else None for r in reasons if r in _IN_SERVICE],
                pa.string(),
            ),
            "model_id": pa.array([scorer.model_id] * n, pa.string()),
        }
    )
    return join_inventory(table, day, settings, lake)


def _rank(risk: np.ndarray, ids: list[str]) -> pa.Array:
    """Return 1 for the riskiest; ties go by component_id; null where there is no risk."""
    order = sorted(np.flatnonzero(~np.isnan(risk)), key=lambda i: (-risk[i], ids[i]))
    ranks = np.zeros(len(risk), dtype=np.int32)
    ranks[order] = np.arange(1, len(order) + 1)
    return pa.array(ranks, mask=np.isnan(risk))


def _identify(keys: np.ndarray, day: dt.date, dataset: str, lake: Lake) -> pa.Table:
    """Return id, model and host of each key, from the latest day of the last week that reports it."""
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
