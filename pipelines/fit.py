"""Fit a target's model to everything known at the end of a day, and write its card."""

import dataclasses
import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np

from data_contracts.loader import contract_digest
from features.calibration import Calibration, correct_prior, fit_calibration
from features.score_evaluation import ScoreEvaluation
from features.slices import measure_silent_share
from features.target import Target
from pipelines.code_version import code_version
from pipelines.errors import MissingInputError
from pipelines.failures import KnownFailures
from pipelines.folds import CHALLENGER, FoldResult, FoldResults, evaluate_folds, fit_recipe
from pipelines.lake import ONLY_PART, Lake
from pipelines.leak_check import check_folds, check_rows
from pipelines.model_card import (
    CardBudget,
    CardCalibration,
    CardData,
    CardFold,
    CardSample,
    CardScorer,
    ModelCard,
)
from pipelines.populations import DATASET as POPULATIONS
from pipelines.populations import population_part
from pipelines.risk_model import FORMAT, RiskModel
from pipelines.scorers import Scorer
from pipelines.training_set import TrainingSet, collect_training_set
from pipelines.training_settings import TrainingSettings

_LEAST_ROWS_OF_A_KIND = 10


@dataclass(frozen=True, kw_only=True)
class FittedTarget:
    """A model, its card, what it has learned from, and how its recipe did on the folds (None: no folds)."""

    model: RiskModel
    model_bytes: bytes
    card: ModelCard
    rows: TrainingSet
    failures: KnownFailures
    folds: FoldResults | None


def fit_target(
    target: Target,
    as_of: dt.date,
    failures: KnownFailures,
    lake: Lake,
    settings: TrainingSettings,
    *,
    champion: Scorer | None = None,
) -> FittedTarget:
    """Fit, judge on folds and calibrate; ``LeakAlarmError`` if a figure is too good to be true."""
    names = tuple(dict.fromkeys([*target.feature_names, *target.logistic_features]))
    rows = collect_training_set(target, names, as_of, failures, lake, settings)
    _check_both_kinds(target, rows)
    check_rows(target, rows, settings)
    folds = evaluate_folds(target, rows, failures, champion, lake, settings)
    if folds is not None:
        check_folds(target, as_of, folds)
    model = fit_recipe(target, rows, np.ones(len(rows.fails), dtype=np.bool_), settings)
    model_bytes = model.to_bytes()
    card = ModelCard(
        target=target.name,
        target_sha256=target.digest,
        component_kind=target.component_kind,
        label_definition=target.label_definition,
        horizon_days=target.horizon_days,
        lead_days=target.lead_days,
        as_of=as_of,
        model_sha256=hashlib.sha256(model_bytes).hexdigest(),
        model_format=FORMAT,
        features=target.feature_names,
        signals=target.signals,
        error_signals=target.error_signals,
        params=target.training.params,
        n_rounds=model.n_rounds,
        seed=settings.seed,
        n_threads=settings.n_threads,
        code_version=code_version(),
        settings_sha256=hashlib.sha256(settings.model_dump_json().encode()).hexdigest(),
        data=_describe_data(target, rows, failures, lake),
        sample=CardSample(
            n_failures=len(failures.day),
            n_positive_rows=int(rows.fails.sum()),
            n_negative_rows=int((~rows.fails).sum()),
            positive_share=rows.positive_share,
            negative_share=rows.negative_share,
        ),
        calibration=calibrate_on_folds(rows, folds),
        folds=() if folds is None else tuple(_describe_fold(each, folds) for each in folds.results),
    )
    return FittedTarget(
        model=model, model_bytes=model_bytes, card=card, rows=rows, failures=failures, folds=folds
    )


def _check_both_kinds(target: Target, rows: TrainingSet) -> None:
    """Without failing rows, or without healthy ones, there is nothing to tell apart."""
    n_failing = int(rows.fails.sum())
    if min(n_failing, len(rows.fails) - n_failing) < _LEAST_ROWS_OF_A_KIND:
        raise MissingInputError(
            f"{target.name} as of {rows.as_of}: {n_failing} failing and {len(rows.fails) - n_failing} healthy "
            f"component-days have a known label; at least {_LEAST_ROWS_OF_A_KIND} of each are needed. Nothing was "
            "stored; what is in use stays. Train again when more days are in.",
            n_failing=n_failing,
        )


def calibrate_on_folds(rows: TrainingSet, folds: FoldResults | None) -> CardCalibration:
    """Fit the calibration on what the folds' models said of days they had not seen."""
    prior = correct_prior(negative_share=rows.negative_share, positive_share=rows.positive_share)
    if folds is None:
        return CardCalibration(prior_offset=prior, slope=1.0, offset=0.0, n_component_days=0, n_positives=0)
    judged = [result.of(CHALLENGER).judged for result in folds.results]
    risk = np.concatenate([each.risk for each in judged])
    fails = np.concatenate([each.fails_in_horizon for each in judged])
    # The folds' risks carry the correction of the prior already; the margin does not.
    margin = np.log(risk) - np.log1p(-risk) - prior
    fitted: Calibration = fit_calibration(margin, fails, prior_offset=prior)
    return CardCalibration(
        **dataclasses.asdict(fitted), n_component_days=len(fails), n_positives=int(fails.sum())
    )


def _describe_data(target: Target, rows: TrainingSet, failures: KnownFailures, lake: Lake) -> CardData:
    uses_populations = any(name.endswith("_percentile") for name in target.feature_names)
    return CardData(
        dataset=target.dataset,
        first_day=rows.days[0],
        last_day=rows.days[-1],
        n_days=len(rows.days),
        partitions_sha256=_digest_days(lake, target.dataset, rows.days),
        failures_sha256=failures.sha256,
        populations_sha256=_digest_days(lake, POPULATIONS, rows.days, population_part(target.component_kind))
        if uses_populations
        else None,
        contracts={name: contract_digest(name) for name in (target.dataset, "core_failures")},
    )


def _digest_days(lake: Lake, dataset: str, days: tuple[dt.date, ...], part: str = ONLY_PART) -> str:
    digest = hashlib.sha256()
    for day in days:
        if lake.has_day(dataset, day, part=part):
            digest.update(f"{day} {lake.digest_day(dataset, day, part=part)}\n".encode())
    return digest.hexdigest()


def _describe_fold(result: FoldResult, folds: FoldResults) -> CardFold:
    ours = result.of(CHALLENGER)
    return CardFold(
        known_until=result.fold.known_until,
        first_day=result.fold.days[0],
        last_day=result.fold.days[-1],
        n_component_days=ours.ranking.n_component_days,
        n_positives=ours.ranking.n_positives,
        silent_share=measure_silent_share(ours.failures, folds.fleet.showed_error),
        # The champion is no part of what this model is; how it fared is in the ledger.
        scorers=tuple(describe_scorer(each) for each in result.evaluations if each.name != "champion"),
    )


def describe_scorer(evaluation: ScoreEvaluation) -> CardScorer:
    """Return one scorer's figures, as cards and reports hold them."""
    return CardScorer(
        name=evaluation.name,
        average_precision=evaluation.ranking.average_precision,
        roc_auc=evaluation.ranking.roc_auc,
        budgets=tuple(
            CardBudget(
                budget=each.budget,
                n_tickets=each.n_tickets,
                n_hits=each.n_hits,
                precision=each.precision,
                n_failures=each.n_failures,
                recall=each.recall,
                median_lead_days=each.median_lead_days,
                false_positives_per_10k_30d=each.false_positives_per_10k_30d,
            )
            for each in evaluation.budgets
        ),
    )
