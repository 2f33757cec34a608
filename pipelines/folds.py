"""Rolling-origin folds: models that know only the past, judged on the days that followed."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.baselines import estimate_model_rates, fit_logistic
from features.calibration import Calibration, correct_prior
from features.evaluation import BUDGETS
from features.score_evaluation import ScoreEvaluation, evaluate_scores
from features.target import Target, TrainingRecipe
from pipelines.component_lives import FleetLives, read_lives
from pipelines.failures import KnownFailures, day_number
from pipelines.lake import Lake
from pipelines.risk_model import LabelledRows, RiskModel, find_rounds, fit_model
from pipelines.scorers import LogisticScorer, ModelScorer, RateScorer, RuleScorer, Scorer
from pipelines.span_scoring import SpanScores, score_span
from pipelines.training_set import TrainingSet
from pipelines.training_settings import TrainingSettings

log = logging.getLogger(__name__)

CHALLENGER = "model"
CHAMPION = "champion"
_LEAST_FOLD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Known by the end of ``known_until``; judged on ``days``, all later and all with known answers."""

    known_until: dt.date
    days: tuple[dt.date, ...]


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """One fold's evaluations by scorer, all of the same components and days."""

    fold: Fold
    evaluations: tuple[ScoreEvaluation, ...]
    scores: SpanScores
    component_index: npt.NDArray[np.int64]
    scorers: tuple[Scorer, ...]

    def of(self, name: str) -> ScoreEvaluation:
        """Return one scorer's evaluation."""
        return next(each for each in self.evaluations if each.name == name)


@dataclass(frozen=True, kw_only=True)
class FoldResults:
    """All folds, over one list of components."""

    fleet: FleetLives
    results: tuple[FoldResult, ...]


def plan_folds(
    recipe: TrainingRecipe, horizon_days: int, first_day: dt.date, as_of: dt.date
) -> tuple[Fold, ...]:
    """Cut the last days with known answers into folds, oldest first; none if the history is too short.

    A short history makes shorter folds: at least as much is left to learn from as to judge on.
    """
    last_judged = as_of - dt.timedelta(days=horizon_days)
    # The first label is known a horizon after the first day.
    n_usable = (last_judged - first_day).days - horizon_days
    fold_days = min(recipe.fold_days, n_usable // (recipe.n_folds + 1))
    if fold_days < _LEAST_FOLD_DAYS:
        return ()
    folds = []
    for number in range(recipe.n_folds, 0, -1):
        known_until = last_judged - dt.timedelta(days=number * fold_days)
        days = [known_until + dt.timedelta(days=n) for n in range(1, fold_days + 1, recipe.fold_step_days)]
        folds.append(Fold(known_until=known_until, days=tuple(days)))
    return tuple(folds)


def evaluate_folds(
    target: Target,
    rows: TrainingSet,
    failures: KnownFailures,
    champion: Scorer | None,
    lake: Lake,
    settings: TrainingSettings,
) -> FoldResults | None:
    """Fit and judge the recipe on each fold, beside the baselines and the champion; None without folds.

    A fold in which too few failures were known is left out.
    """
    planned = plan_folds(target.training, target.horizon_days, rows.first_day, rows.as_of)
    least = max(2, target.training.minimum_failures // 2)
    folds = [
        fold
        for fold in planned
        if np.sum(failures.known_day <= day_number(fold.known_until)) >= least
        and rows.fails[rows.known_by(fold.known_until)].any()
    ]
    if not folds:
        return None
    fleet = read_lives(lake, target, first_day=folds[0].days[0], known_until=rows.as_of)
    results = [
        _evaluate_fold(target, fold, rows, failures, champion, fleet, lake, settings) for fold in folds
    ]
    return FoldResults(fleet=fleet, results=tuple(results))


def _evaluate_fold(
    target: Target,
    fold: Fold,
    rows: TrainingSet,
    failures: KnownFailures,
    champion: Scorer | None,
    fleet: FleetLives,
    lake: Lake,
    settings: TrainingSettings,
) -> FoldResult:
    known = rows.known_by(fold.known_until)
    model = fit_recipe(target, rows, known, settings)
    prior = correct_prior(negative_share=rows.negative_share, positive_share=rows.positive_share)
    calibration = Calibration(prior_offset=prior, slope=1.0, offset=0.0)
    scorers: list[Scorer] = [
        ModelScorer(
            model_id=CHALLENGER, model=model, calibration=calibration, error_signals=target.error_signals
        ),
        *make_baselines(target, rows, known, failures, fold.known_until),
    ]
    names = [scorer.model_id for scorer in scorers]
    if champion is not None:
        scorers.append(champion)
        names.append(CHAMPION)
    scores = score_span(
        lake,
        target,
        scorers,
        fold.days,
        known_by=rows.as_of,
        memory_limit_mb=settings.memory_limit_mb,
        n_threads=settings.n_threads,
        title=f"judging what was known by {fold.known_until}",
    )
    index = fleet.index_of(scores.component_keys)[scores.component_index]
    return FoldResult(
        fold=fold,
        evaluations=evaluate_span(target, fleet, scores, index, names),
        scores=scores,
        component_index=index,
        scorers=tuple(scorers),
    )


def evaluate_span(
    target: Target,
    fleet: FleetLives,
    scores: SpanScores,
    component_index: npt.NDArray[np.int64],
    names: Sequence[str],
    budgets: Sequence[float] = BUDGETS,
) -> tuple[ScoreEvaluation, ...]:
    """Judge each scorer of a span; ``component_index`` (N,) points into the fleet's lives."""
    wanted = tuple(sorted({*budgets, target.promotion.budget}))
    return tuple(
        evaluate_scores(
            name,
            fleet.lives,
            component_index,
            scores.day,
            scores.risks[number],
            horizon_days=target.horizon_days,
            lead_days=target.lead_days,
            budgets=wanted,
        )
        for number, name in enumerate(names)
    )


def fit_recipe(
    target: Target, rows: TrainingSet, known: npt.NDArray[np.bool_], settings: TrainingSettings
) -> RiskModel:
    """Fit the target's model to the rows marked ``known`` (N,).

    With early stopping, the last days of those decide how many rounds; then all of them are learned.
    """
    recipe = target.training
    columns = rows.columns(target.feature_names)
    rounds = recipe.rounds
    if recipe.early_stopping is not None:
        split = int(rows.day[known].max()) - recipe.early_stopping.validation_days
        # A label that came to be known after the split is of the future, as seen from the split.
        before = known & (rows.label_known_day <= split)
        after = known & (rows.day > split)
        if rows.fails[before].any() and rows.fails[after].any():
            rounds = find_rounds(
                labelled(rows, before, columns),
                labelled(rows, after, columns),
                recipe.early_stopping,
                feature_names=target.feature_names,
                monotone=target.monotone_directions,
                params=recipe.params,
                rounds=recipe.rounds,
                seed=settings.seed,
                n_threads=settings.n_threads,
            )
    return fit_model(
        labelled(rows, known, columns),
        feature_names=target.feature_names,
        monotone=target.monotone_directions,
        params=recipe.params,
        rounds=rounds,
        seed=settings.seed,
        n_threads=settings.n_threads,
        dask_scheduler=settings.dask_scheduler,
    )


def labelled(rows: TrainingSet, chosen: npt.NDArray[np.bool_], columns: npt.NDArray[np.intp]) -> LabelledRows:
    """Return some rows and columns; without a copy where all are wanted."""
    features = rows.features
    if not chosen.all():
        features = features[chosen]
    if len(columns) != features.shape[1] or np.any(np.diff(columns) != 1):
        features = features[:, columns]
    return LabelledRows(features=features, fails=rows.fails[chosen])


def make_baselines(
    target: Target,
    rows: TrainingSet,
    known: npt.NDArray[np.bool_],
    failures: KnownFailures,
    known_until: dt.date,
) -> tuple[RuleScorer, RateScorer, LogisticScorer]:
    """Return the rule, the failure rate of the hardware model, and a logistic regression, as known then."""
    learned = labelled(rows, known, rows.columns(target.logistic_features))
    return (
        RuleScorer(target=target),
        make_rate_scorer(target, rows, failures, known_until),
        LogisticScorer(
            baseline=fit_logistic(target.logistic_features, learned.features, learned.fails),
            error_signals=target.error_signals,
        ),
    )


def make_rate_scorer(
    target: Target, rows: TrainingSet, failures: KnownFailures, known_until: dt.date
) -> RateScorer:
    """Return the failure rates by hardware model, from what was known by the end of a day."""
    n_days = (known_until - rows.first_day).days + 1
    was_known = failures.known_day <= day_number(known_until)
    failed = [model for model, known in zip(failures.models, was_known.tolist(), strict=True) if known]
    return RateScorer(
        rates=estimate_model_rates(
            rows.models,
            rows.n_days_of_model[:, :n_days].sum(axis=1).astype(np.float64),
            np.array([failed.count(model) for model in rows.models], dtype=np.float64),
            window_days=target.horizon_days - target.lead_days,
        )
    )
