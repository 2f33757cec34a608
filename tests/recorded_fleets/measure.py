"""Train on what was known at the split, judge on the days after it, beside what needs no training.

Every figure comes from the project's own parts: features, labels, recipe, scorers, leak alarm, ticket
walk, promotion gate. Nothing is chosen on the judged days.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.calibration import Calibration, correct_prior
from features.leak_alarm import LeakFinding, check_figures
from features.score_evaluation import ScoreEvaluation, evaluate_scores
from features.target import Target
from pipelines.failures import KnownFailures, day_of_number
from pipelines.folds import fit_recipe, make_baselines, plan_folds
from pipelines.leak_check import check_rows
from pipelines.promotion_gate import Contest, GateDecision, judge_first_model
from pipelines.scorers import Cells as ScorableCells
from pipelines.scorers import ModelScorer
from pipelines.training_set import TrainingSet
from pipelines.training_settings import TrainingSettings
from tests.recorded_fleets.intervals import Spread, draw_average_precisions, summarise
from tests.recorded_fleets.parts import find_leaning
from tests.recorded_fleets.recording import Recording, number_of
from tests.recorded_fleets.rows import Cells, collect_rows, fill_features, list_cells

MODEL, RULE, SO_FAR, RATE, LOGISTIC = "model", "rule", "failures so far", "rate of its group", "logistic"
SETTINGS = TrainingSettings(n_threads=1)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One scorer after the split. ``below_model``: the model's average precision minus its own, paired by component."""

    evaluation: ScoreEvaluation
    average_precision: Spread
    below_model: Spread


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one recording says of one target. ``gate``: what a fold before the split decided, None: no fold."""

    recording: Recording
    target: Target
    split: dt.date
    rows: TrainingSet
    judged: tuple[Judged, ...]
    gate: GateDecision | None
    alarms: tuple[LeakFinding, ...]
    leans_on: tuple[tuple[str, float], ...]
    first_day: dt.date
    last_day: dt.date

    def of(self, name: str) -> Judged:
        """Return one scorer's figures."""
        return next(each for each in self.judged if each.evaluation.name == name)


class RiskScorer(Protocol):
    """Whatever puts component-days in order: the project's scorers, and the count below."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that ``score`` expects, in order."""

    def score(self, cells: ScorableCells) -> npt.NDArray[np.float64]:
        """Return risk (N,)."""


@dataclass(frozen=True, kw_only=True)
class CountScorer:
    """As many as there were so far: the components with the worst past first."""

    feature: str

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The one column."""
        return (self.feature,)

    def score(self, cells: ScorableCells) -> npt.NDArray[np.float64]:
        """Return the count (N,); only its order matters."""
        return np.nan_to_num(cells.features[:, 0].astype(np.float64))


def measure(recording: Recording, target: Target, split: dt.date) -> Measurement:
    """Return every scorer's figures; ``LeakAlarmError`` where the rows to learn from know the future."""
    as_of = number_of(split)
    rows = collect_rows(recording, target, list_features(target), as_of, SETTINGS)
    check_rows(target, rows, SETTINGS)
    step = target.training.fold_step_days
    days = range(as_of + 1, recording.last_day - target.horizon_days + 1, step)
    scorers = _fit_scorers(recording, target, rows, split)
    model = scorers[0][1]
    assert isinstance(model, ModelScorer)
    cells = list_cells(recording.lives, days)
    evaluations = _judge(recording, target, scorers, cells, recording.last_day)
    draws = [_draw(recording, each) for each in evaluations]
    names = [each.name for each in evaluations]
    of_model = draws[names.index(MODEL)]
    return Measurement(
        recording=recording,
        target=target,
        split=split,
        rows=rows,
        judged=tuple(
            Judged(
                evaluation=evaluation,
                average_precision=summarise(values),
                below_model=summarise(of_model - values),
            )
            for evaluation, values in zip(evaluations, draws, strict=True)
        ),
        gate=_ask_gate(recording, target, rows, split),
        alarms=check_figures(evaluations[names.index(MODEL)].ranking, target.plausible_limits),
        leans_on=find_leaning(model.model, rows),
        first_day=day_of_number(days[0]),
        last_day=day_of_number(days[-1]),
    )


def list_features(target: Target) -> tuple[str, ...]:
    """Return every feature that the model or a baseline reads, each once."""
    rule = [
        f"{signal}_increase_{tier.window_days}d"
        for tier in target.rule.tiers
        for signal in target.rule.signals
    ]
    so_far = f"{target.rule.signals[0]}_level"
    return tuple(dict.fromkeys([*target.feature_names, *target.logistic_features, *rule, so_far]))


def _fit_scorers(
    recording: Recording, target: Target, rows: TrainingSet, known_until: dt.date
) -> tuple[tuple[str, RiskScorer], ...]:
    """Return the model and the baselines, all of what was known by the end of ``known_until``."""
    known = rows.known_by(known_until)
    prior = correct_prior(negative_share=rows.negative_share, positive_share=rows.positive_share)
    rule, rate, logistic = make_baselines(target, rows, known, _list_failures(recording, rows), known_until)
    return (
        (
            MODEL,
            ModelScorer(
                model_id=MODEL,
                model=fit_recipe(target, rows, known, SETTINGS),
                calibration=Calibration(prior_offset=prior, slope=1.0, offset=0.0),
                error_signals=target.error_signals,
            ),
        ),
        (RULE, rule),
        (SO_FAR, CountScorer(feature=f"{target.rule.signals[0]}_level")),
        (RATE, rate),
        (LOGISTIC, logistic),
    )


def _list_failures(recording: Recording, rows: TrainingSet) -> KnownFailures:
    """Return the failures of the span that is learned from."""
    lives = recording.lives
    chosen = np.flatnonzero(
        lives.has_failed
        & (lives.last_day >= number_of(rows.first_day))
        & (lives.known_on <= number_of(rows.as_of))
    )
    component = lives.component_index[chosen]
    return KnownFailures(
        component_keys=recording.keys[component],
        day=lives.last_day[chosen],
        known_day=lives.known_on[chosen],
        models=tuple(recording.models[component].tolist()),
        sha256="",
    )


def _judge(
    recording: Recording,
    target: Target,
    scorers: Sequence[tuple[str, RiskScorer]],
    cells: Cells,
    known_until: int,
) -> tuple[ScoreEvaluation, ...]:
    names = list_features(target)
    features = fill_features(recording, target, names, cells, SETTINGS.n_threads)
    models, code = np.unique(recording.models, return_inverse=True)
    model_codes = code[recording.lives.component_index[cells.life]].astype(np.int32)
    lives = recording.lives.as_known_by(known_until)
    found = []
    for name, scorer in scorers:
        columns = [names.index(each) for each in scorer.feature_names]
        risk = scorer.score(
            ScorableCells(
                features=features[:, columns],
                model_codes=model_codes,
                models=tuple(str(each) for each in models),
            )
        )
        found.append(
            evaluate_scores(
                name,
                lives,
                cells.life,
                cells.day,
                risk,
                horizon_days=target.horizon_days,
                lead_days=target.lead_days,
                budgets=(target.promotion.budget / 5, target.promotion.budget),
            )
        )
    return tuple(found)


def _draw(recording: Recording, evaluation: ScoreEvaluation) -> npt.NDArray[np.float64]:
    judged = evaluation.judged
    life = evaluation.rows.component_index[judged.is_judged]
    component = recording.lives.component_index[life]
    return draw_average_precisions(judged.risk, judged.fails_in_horizon, component, seed=SETTINGS.seed)


def _ask_gate(recording: Recording, target: Target, rows: TrainingSet, split: dt.date) -> GateDecision | None:
    """Decide as the product would have at the split: model or rule, on a fold that ends before it."""
    folds = plan_folds(target.training, target.horizon_days, rows.first_day, split)
    if not folds:
        return None
    fold = folds[-1]
    scorers = _fit_scorers(recording, target, rows, fold.known_until)[:2]
    cells = list_cells(recording.lives, [number_of(day) for day in fold.days])
    challenger, incumbent = _judge(recording, target, scorers, cells, number_of(split))
    # The gate draws lives again, not components: where nodes fail often its intervals are a little narrow.
    contest = Contest(
        challenger=(challenger,),
        incumbent=(incumbent,),
        models=recording.models[recording.lives.component_index],
        seed=SETTINGS.seed,
    )
    return judge_first_model(target.promotion, contest)
