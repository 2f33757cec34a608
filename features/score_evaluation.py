"""Everything that is said about one set of predictions, from one pass over it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.bootstrap import BudgetIntervals, bootstrap_difference, bootstrap_walk
from features.calibration import CalibrationBin, bin_calibration
from features.evaluation import (
    BUDGETS,
    BoolArray,
    BudgetResult,
    ComponentLives,
    FloatArray,
    RiskRows,
    TicketWalk,
    measure_span,
    select_candidates,
    summarise_walk,
    walk_tickets,
)
from features.ranking import JudgedRows, RankingResult, judge_rows, rank_rows


@dataclass(frozen=True, kw_only=True)
class ScoreEvaluation:
    """One set of predictions, judged. ``walks`` and ``budgets`` go together, one per budget.

    ``failures`` and ``is_scored`` (C,) mark the components that failed in the judged span, and that
    were scored at all.
    """

    name: str
    walks: tuple[TicketWalk, ...]
    budgets: tuple[BudgetResult, ...]
    ranking: RankingResult
    calibration: tuple[CalibrationBin, ...]
    judged: JudgedRows
    rows: RiskRows
    failures: BoolArray
    is_scored: BoolArray

    def walk_of(self, budget: float) -> TicketWalk:
        """Return the tickets of one budget."""
        return next(walk for walk in self.walks if walk.budget == budget)

    def intervals(self, *, seed: int) -> tuple[BudgetIntervals, ...]:
        """Return precision and recall of each budget with their uncertainty."""
        return tuple(bootstrap_walk(walk, self.failures, seed=seed) for walk in self.walks)


def evaluate_scores(
    name: str,
    lives: ComponentLives,
    component_index: npt.NDArray[np.integer],
    day: npt.NDArray[np.integer],
    risk: FloatArray,
    *,
    horizon_days: int,
    lead_days: int,
    budgets: Sequence[float] = BUDGETS,
) -> ScoreEvaluation:
    """Judge one risk per component and day; ``ValueError`` if no day's horizon is fully known."""
    rows = select_candidates(lives, component_index, day, risk)
    span = measure_span(rows, lives, horizon_days=horizon_days, lead_days=lead_days)
    walks = walk_tickets(rows, lives, horizon_days=horizon_days, lead_days=lead_days, budgets=budgets)
    judged = judge_rows(rows, lives, horizon_days=horizon_days, lead_days=lead_days)
    is_scored = np.zeros(len(lives.component_ids), dtype=np.bool_)
    is_scored[rows.component_index] = True
    return ScoreEvaluation(
        name=name,
        walks=walks,
        budgets=tuple(summarise_walk(walk, span) for walk in walks),
        ranking=rank_rows(judged),
        calibration=bin_calibration(judged),
        judged=judged,
        rows=rows,
        failures=span.failures,
        is_scored=is_scored,
    )


def compare_scores(
    challenger: Sequence[ScoreEvaluation],
    champion: Sequence[ScoreEvaluation],
    budget: float,
    *,
    seed: int,
    confidence: float = 0.95,
    is_member: BoolArray | None = None,
) -> BudgetIntervals:
    """Return challenger minus champion over the same folds, paired by component.

    ``is_member`` (C,) restricts both to a part of the fleet.
    """
    ours = [_restrict(each.walk_of(budget), is_member) for each in challenger]
    theirs = [_restrict(each.walk_of(budget), is_member) for each in champion]
    failures = [each.failures if is_member is None else each.failures & is_member for each in challenger]
    return bootstrap_difference(ours, theirs, failures, seed=seed, confidence=confidence)


def _restrict(walk: TicketWalk, is_member: BoolArray | None) -> TicketWalk:
    if is_member is None:
        return walk
    kept = is_member[walk.component_index]
    return TicketWalk(
        budget=walk.budget,
        component_index=walk.component_index[kept],
        day=walk.day[kept],
        is_hit=walk.is_hit[kept],
        days_to_last_day=walk.days_to_last_day[kept],
        exposure=walk.exposure,
    )
