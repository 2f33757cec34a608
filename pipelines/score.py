"""Give every component in service on a day its calibrated risk, or say why not."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import load_contract
from features.cohort import CohortReason
from features.feature_names import MAX_GAP_DAYS
from features.target import Target, load_target
from pipelines.component_days import ComponentDayReader
from pipelines.errors import ContractBlockedError, MissingInputError, ModelRefusedError
from pipelines.failures import read_failures
from pipelines.inventory import join_inventory
from pipelines.lake import Lake
from pipelines.outage_reach import mark_fed
from pipelines.outage_words import SOURCE_DOWN, describe_outages
from pipelines.populations import read_populations
from pipelines.registry import load_card
from pipelines.risk_scoring import predict_risks
from pipelines.scorers import RULE_PREFIX, Scorer, open_scorer
from pipelines.settings import Settings
from pipelines.source_outages import SourceOutage, find_outages
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
    """Open each target's champion once; the target of the model (or rule) ``model_id`` gets that instead."""
    chosen = {} if model_id is None else {_target_of(model_id, settings, lake): model_id}
    opened = []
    for name in settings.targets:
        target = load_target(name)
        scorer = open_scorer(target, lake, model_id=chosen.get(name), n_threads=settings.training.n_threads)
        reader = ComponentDayReader(lake, target.dataset, target.signals)
        opened.append(TargetScorer(target=target, scorer=scorer, reader=reader))
    return tuple(opened)


def _target_of(model_id: str, settings: Settings, lake: Lake) -> str:
    name = (
        model_id.removeprefix(RULE_PREFIX)
        if model_id.startswith(RULE_PREFIX)
        else load_card(model_id, lake).target
    )
    if name not in settings.targets:
        raise ModelRefusedError(
            f"{model_id} scores {name}, which is not among the targets of the settings: "
            f"{', '.join(settings.targets)}. Nothing was scored.",
            model_id=model_id,
            target=name,
        )
    return name


def score_day(
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    model_id: str | None = None,
    scorers: tuple[TargetScorer, ...] | None = None,
) -> StepFacts:
    """Write out_predictions of ``day``: one row per component in service in the last week and target.

    Only what was known by the end of ``day`` is used. A target that no day of the last week speaks of is
    passed over; of one whose own day was not built all components are abstained on. ``MissingInputError``
    if no target's day was built. ``scorers`` may be passed for a span of days.
    """
    scorers = scorers or open_target_scorers(settings, lake, model_id=model_id)
    in_service = [each for each in scorers if _was_built_lately(each.target.dataset, day, lake)]
    if not any(lake.has_day(each.target.dataset, day) for each in in_service):
        raise _nothing_built(day, scorers)
    outages = find_outages(day, settings, lake)
    tables = [_predict_target(day, each, outages, settings, lake) for each in in_service]
    predictions = join_inventory(pa.concat_tables(tables), day, settings, lake)
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
    facts = StepFacts(
        step="scored",
        day=day,
        facts=(*_facts(predictions, scorers, in_service), *_outage_facts(outages, predictions)),
    )
    log.info(facts.summary)
    for sentence in describe_outages(day, outages, predictions, lake):
        log.warning(sentence)
    return facts


def _was_built_lately(dataset: str, day: dt.date, lake: Lake) -> bool:
    """Return whether ``dataset`` has a day in ``(day - 7, day]``: else none of its components is in service."""
    if lake.has_day(dataset, day):
        return True
    return any(day - dt.timedelta(days=MAX_GAP_DAYS) < found <= day for found in lake.list_days(dataset))


def _nothing_built(day: dt.date, scorers: Sequence[TargetScorer]) -> MissingInputError:
    datasets = dict.fromkeys(each.target.dataset for each in scorers)
    return MissingInputError(
        f"{' and '.join(datasets)} {'has' if len(datasets) == 1 else 'have'} no data of {day}. Nothing was scored; "
        f"the list before stays. Run: prefail build --day {day}",
        dataset=next(iter(datasets), None),
        day=day.isoformat(),
    )


def _facts(
    predictions: pa.Table, scorers: Sequence[TargetScorer], in_service: Sequence[TargetScorer]
) -> list[tuple[str, object]]:
    n_abstained = predictions["risk"].null_count
    passed_over = [each.target.name for each in scorers if each not in in_service]
    return [
        ("scored", predictions.num_rows - n_abstained),
        ("abstained", n_abstained),
        ("models", ",".join(sorted({each.scorer.model_id for each in in_service}))),
        ("highest_risk", f"{pc.max(predictions['risk']).as_py() or 0.0:.3f}"),
        *([("without_components", ",".join(passed_over))] if passed_over else []),
    ]


def _outage_facts(outages: Sequence[SourceOutage], predictions: pa.Table) -> list[tuple[str, object]]:
    if not outages:
        return []
    n_down = pc.sum(pc.equal(predictions["abstention_reason"], SOURCE_DOWN)).as_py() or 0
    return [("sources_down", ",".join(each.source for each in outages)), ("abstained_for_them", n_down)]


def _predict_target(
    day: dt.date, scoring: TargetScorer, outages: Sequence[SourceOutage], settings: Settings, lake: Lake
) -> pa.Table:
    """Return one row per component in service in the week to ``day``: its risk, or the reason why none."""
    target, scorer = scoring.target, scoring.scorer
    first_day = day - dt.timedelta(days=scorer.lookback_days)
    cube = scoring.reader.read_cube(first_day, day)
    risks = predict_risks(
        cube,
        scorer,
        day,
        read_populations(lake, [day], target.signals, component_kind=target.component_kind),
        read_failures(lake, target.component_kind, day, first_day=first_day),
        n_threads=settings.training.n_threads,
    )
    is_in_service = np.isin(risks.abstention_codes, _IN_SERVICE)
    keys = cube.component_keys[is_in_service]
    known = _identify(keys, day, target.dataset, lake)
    risk = risks.risk[is_in_service]
    rank = _rank(risk, known["component_id"].to_pylist())
    n = len(keys)
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
            "risk": pa.array(risk, pa.float64(), from_pandas=True),
            "rank": rank,
            "abstention_reason": reasons,
            "model_id": pa.array([scorer.model_id] * n, pa.string()),
        }
    )


def _word_reasons(codes: np.ndarray) -> pa.Array:
    """Return why each component is abstained on, null where it is not."""
    words = {int(reason): reason.name.lower() for reason in CohortReason if reason.is_abstention}
    by_code = [words.get(code) for code in range(max(CohortReason) + 1)]
    return pa.array(by_code, pa.string()).take(pa.array(codes))


def _rank(risk: np.ndarray, ids: list[str]) -> pa.Array:
    """Return 1 for the riskiest; ties go by component_id; null where there is no risk."""
    order = sorted(np.flatnonzero(~np.isnan(risk)), key=lambda i: (-risk[i], ids[i]))
    ranks = np.zeros(len(risk), dtype=np.int32)
    ranks[order] = np.arange(1, len(order) + 1)
    return pa.array(ranks, mask=np.isnan(risk))


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
