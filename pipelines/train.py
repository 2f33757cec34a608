"""Train a challenger on what was known by a day, and let the gate decide about the champion."""

import dataclasses
import datetime as dt
import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.score_evaluation import ScoreEvaluation
from features.target import Target
from pipelines.errors import MissingInputError
from pipelines.failures import day_number, read_failures
from pipelines.fit import FittedTarget, fit_target
from pipelines.folds import CHALLENGER, CHAMPION, FoldResult, FoldResults, evaluate_span
from pipelines.lake import Lake
from pipelines.ledger import read_ledger
from pipelines.promotion_gate import Contest, GateDecision, judge_challenger, judge_first_model
from pipelines.proposals import propose_model
from pipelines.registry import champion, load_card, promote_model, reject_model, save_model
from pipelines.scorers import RULE_PREFIX, open_scorer
from pipelines.settings import Settings
from pipelines.targets import find_target

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainFacts:
    """One training. ``model_id`` is None where there were too few failures to learn from.

    ``in_use`` is what scores from now on: a model, or ``rule:<target>``. ``is_waiting``: the model passed the
    gate and waits for a person (``pipelines.proposals``).
    """

    target: str
    as_of: dt.date
    model_id: str | None
    is_promoted: bool
    in_use: str
    why: str
    comparison: tuple[str, ...]
    n_failures: int
    n_rows: int
    is_waiting: bool = False

    @property
    def summary(self) -> str:
        """Return the step's one log line."""
        return (
            f"trained {self.target} {self.as_of}: failures={self.n_failures} rows={self.n_rows} "
            f"model={self.model_id} promoted={self._outcome} in_use={self.in_use} "
            f"why={self.why!r}"
        )

    @property
    def _outcome(self) -> str:
        return "waits_for_approval" if self.is_waiting else "yes" if self.is_promoted else "no"


def train_target(
    target_name: str,
    as_of: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    promote: bool = True,
    who: str = "prefail train",
) -> TrainFacts:
    """Train, store and, if ``promote``, decide; the decision and its reason go into the ledger.

    Nothing that became known after the end of ``as_of`` is used. Running it twice writes nothing new. With
    ``approval.promotion``, a model that passes the gate only waits: ``proposals.settle_proposal`` decides.
    """
    target = find_target(target_name)
    _check_day(target, as_of, lake)
    failures = read_failures(lake, target.component_kind, as_of)
    in_use = champion(target.name, lake)
    why = _find_what_is_missing(target, as_of, len(failures.day), lake)
    if why is not None:
        facts = TrainFacts(
            target=target.name,
            as_of=as_of,
            model_id=None,
            is_promoted=False,
            in_use=in_use or RULE_PREFIX + target.name,
            why=why,
            comparison=(),
            n_failures=len(failures.day),
            n_rows=0,
        )
        log.info(facts.summary)
        return facts
    scorer = open_scorer(target, lake, n_threads=settings.training.n_threads) if in_use else None
    fitted = fit_target(target, as_of, failures, lake, settings.training, champion=scorer)
    model_id = save_model(fitted.card, fitted.model_bytes, lake)
    decision = decide(target, model_id, in_use, fitted, lake, seed=settings.training.seed)
    is_promoted = False
    is_waiting = promote and decision.is_promoted and settings.approval.promotion and model_id != in_use
    if is_waiting:
        propose_model(
            model_id, target.name, lake, as_of=as_of, why=decision.why, comparison=decision.comparison
        )
    elif promote:
        in_use = _record(target, model_id, decision, lake, who=who, as_of=as_of)
        is_promoted = in_use == model_id
    facts = TrainFacts(
        target=target.name,
        as_of=as_of,
        model_id=model_id,
        is_promoted=is_promoted,
        in_use=in_use or RULE_PREFIX + target.name,
        why=decision.why if promote else f"not asked to promote; the gate says: {decision.why}",
        comparison=decision.comparison,
        n_failures=len(failures.day),
        n_rows=len(fitted.rows.fails),
        is_waiting=is_waiting,
    )
    log.info(facts.summary)
    return facts


def _find_what_is_missing(target: Target, as_of: dt.date, n_failures: int, lake: Lake) -> str | None:
    """Return why nothing can be learned yet, None if it can: a young fleet is no error."""
    if n_failures < target.training.minimum_failures:
        return f"{n_failures} failures are known; {target.training.minimum_failures} are needed to learn from"
    n_days = (as_of - lake.list_days(target.dataset)[0]).days + 1
    if n_days < 2 * target.horizon_days:
        return f"there are {n_days} days of history; {2 * target.horizon_days} are needed to learn from"
    return None


def _check_day(target: Target, as_of: dt.date, lake: Lake) -> None:
    """A training as of a day without data would silently be one as of an earlier day."""
    if not lake.has_day(target.dataset, as_of):
        days = lake.list_days(target.dataset)
        span = f"It has {days[0]} to {days[-1]}." if days else "It has no day at all."
        raise MissingInputError(
            f"{target.dataset} has no data of {as_of}. {span} Nothing was trained. Run prefail ingest and prefail "
            "build for that day, or train as of a day that is there.",
            dataset=target.dataset,
            day=as_of.isoformat(),
        )


def _record(
    target: Target, model_id: str, decision: GateDecision, lake: Lake, *, who: str, as_of: dt.date
) -> str | None:
    """Write the decision into the ledger and return the champion after it."""
    write = promote_model if decision.is_promoted else reject_model
    entry = write(
        model_id, target.name, lake, who=who, why=decision.why, as_of=as_of, comparison=decision.comparison
    )
    return entry.champion


def _models_of(folds: FoldResults) -> npt.NDArray[np.str_]:
    """Return the hardware model of each component of the folds' list, "" where it was never scored."""
    models = np.full(len(folds.fleet.component_keys), "", dtype=np.object_)
    for result in folds.results:
        models[folds.fleet.index_of(result.scores.component_keys)] = result.scores.models
    return models.astype(np.str_)


def _restrict_to_unseen(
    target: Target, result: FoldResult, folds: FoldResults, champion_knew: dt.date
) -> tuple[ScoreEvaluation, ScoreEvaluation] | None:
    """Judge both on the fold's days after what the champion knew; None if no failure is left to catch."""
    is_unseen = result.scores.day > day_number(champion_knew)
    if is_unseen.all():
        return result.of(CHALLENGER), result.of(CHAMPION)
    if not is_unseen.any():
        return None
    names = [each.name for each in result.evaluations]
    both = [names.index(CHALLENGER), names.index(CHAMPION)]
    scores = dataclasses.replace(
        result.scores,
        component_index=result.scores.component_index[is_unseen],
        day=result.scores.day[is_unseen],
        risks=result.scores.risks[both][:, is_unseen],
    )
    judged = evaluate_span(
        target, folds.fleet, scores, result.component_index[is_unseen], (CHALLENGER, CHAMPION), budgets=()
    )
    return (judged[0], judged[1]) if judged[0].failures.any() else None


def decide(
    target: Target, model_id: str, in_use: str | None, fitted: FittedTarget, lake: Lake, *, seed: int
) -> GateDecision:
    """Let the gate compare the challenger with what is in use, on days that neither has learned from."""
    if fitted.folds is None:
        why = "the history is too short to judge it on later days"
        return GateDecision(is_promoted=False, why=why, comparison=())
    if any(
        entry.event == "rolled_back" and entry.previous_champion == model_id
        for entry in read_ledger(target.name, lake)
    ):
        return GateDecision(is_promoted=False, why="it was rolled back before", comparison=())
    if in_use == model_id:
        return GateDecision(is_promoted=True, why="it is the champion already", comparison=())
    models = _models_of(fitted.folds)
    rule = target.promotion
    if in_use is None:
        challenger = tuple(result.of(CHALLENGER) for result in fitted.folds.results)
        incumbent = tuple(result.of(RULE_PREFIX + target.name) for result in fitted.folds.results)
        contest = Contest(challenger=challenger, incumbent=incumbent, models=models, seed=seed)
        return judge_first_model(rule, contest)
    champion_knew = load_card(in_use, lake).as_of
    unseen = [
        _restrict_to_unseen(target, result, fitted.folds, champion_knew) for result in fitted.folds.results
    ]
    pairs = [pair for pair in unseen if pair is not None]
    if not pairs:
        why = f"the champion has learned from all days of the folds (it knows {champion_knew}); compare again later"
        return GateDecision(is_promoted=False, why=why, comparison=())
    contest = Contest(
        challenger=tuple(pair[0] for pair in pairs),
        incumbent=tuple(pair[1] for pair in pairs),
        models=models,
        seed=seed,
    )
    return judge_challenger(rule, contest)
