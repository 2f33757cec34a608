"""Decide whether a challenger replaces what is in use. The rule, in full:

1. No alarm of ``features.leak_alarm`` may have gone off.
2. Where a champion is in use: on the same days of the folds, none of which the champion has learned
   from, the challenger's recall at the target's budget is higher, and the interval of the difference
   (paired bootstrap by component) lies above zero.
3. Where the target's rule is in use: the challenger's precision is at least ``first_model_lift``
   times that of random tickets, and its recall is not below the rule's beyond chance.
4. On no hardware model with enough failures is the challenger's recall lower beyond chance. Where
   several are looked at, each interval is as much wider (Bonferroni): of seventeen groups one or two
   are "worse" at 90 % by luck alone.
5. A model that somebody rolled back from is not promoted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.bootstrap import BudgetIntervals
from features.score_evaluation import ScoreEvaluation, compare_scores
from features.slices import OTHER, merge_small
from features.target import PromotionRule

LOWER_WITHIN_CHANCE = ", lower within chance: "
"""How a line of the comparison marks a hardware model on which the challenger's recall is lower, not beyond chance."""


@dataclass(frozen=True, kw_only=True)
class GateDecision:
    """What the gate says, why, and the figures it rests on, one a line."""

    is_promoted: bool
    why: str
    comparison: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Challenger and incumbent, judged on the same days, one entry per fold.

    ``models`` (C,): the hardware model of each component.
    """

    challenger: tuple[ScoreEvaluation, ...]
    incumbent: tuple[ScoreEvaluation, ...]
    models: npt.NDArray[np.str_]
    seed: int


def judge_first_model(rule: PromotionRule, contest: Contest) -> GateDecision:
    """Decide whether a model replaces the target's rule."""
    lift = _pool_lift(contest.challenger, rule.budget)
    difference = _compare(rule, contest)
    comparison = (
        f"precision {_percent(_pool_precision(contest.challenger, rule.budget))}, {lift:.2f} times random tickets",
        _describe("rule", difference),
    )
    if lift < rule.first_model_lift:
        why = f"its precision is {lift:.2f} times that of random tickets; {rule.first_model_lift:g} are asked for"
        return GateDecision(is_promoted=False, why=why, comparison=comparison)
    if difference.recall.high < 0:
        return GateDecision(is_promoted=False, why="the rule is better beyond chance", comparison=comparison)
    return _judge_slices(
        rule, contest, comparison, why=f"{lift:.2f} times random tickets, and not worse than the rule"
    )


def judge_challenger(rule: PromotionRule, contest: Contest) -> GateDecision:
    """Decide whether a model replaces the champion."""
    difference = _compare(rule, contest)
    comparison = (_describe("champion", difference),)
    if difference.recall.low <= 0:
        why = "not better than the champion beyond chance"
        return GateDecision(is_promoted=False, why=why, comparison=comparison)
    return _judge_slices(rule, contest, comparison, why="better than the champion beyond chance")


def _judge_slices(
    rule: PromotionRule, contest: Contest, comparison: tuple[str, ...], *, why: str
) -> GateDecision:
    failures = np.any(np.stack([each.failures for each in contest.challenger]), axis=0)
    names = merge_small(contest.models, failures, rule.minimum_slice_failures)
    worse, lower = [], []
    slices = [name for name in np.unique(names[failures]) if name != OTHER]
    for name in slices:
        confidence = 1 - (1 - rule.confidence) / len(slices)
        difference = _compare(rule, contest, confidence=confidence, is_member=names == name)
        if difference.recall.high < 0:
            worse.append(f"{name}: {_describe('incumbent', difference)}")
        elif difference.recall.estimate < 0:
            lower.append(f"{name}{LOWER_WITHIN_CHANCE}{_describe('incumbent', difference)}")
    if worse:
        why = f"worse beyond chance on {len(worse)} hardware model(s)"
        return GateDecision(is_promoted=False, why=why, comparison=(*comparison, *worse))
    return GateDecision(is_promoted=True, why=why, comparison=(*comparison, *lower))


def _compare(
    rule: PromotionRule,
    contest: Contest,
    *,
    confidence: float | None = None,
    is_member: npt.NDArray[np.bool_] | None = None,
) -> BudgetIntervals:
    return compare_scores(
        contest.challenger,
        contest.incumbent,
        rule.budget,
        seed=contest.seed,
        confidence=confidence or rule.confidence,
        is_member=is_member,
    )


def _pool_precision(folds: Sequence[ScoreEvaluation], budget: float) -> float:
    walks = [fold.walk_of(budget) for fold in folds]
    n_tickets = sum(len(walk.day) for walk in walks)
    return sum(int(walk.is_hit.sum()) for walk in walks) / n_tickets if n_tickets else 0.0


def _pool_lift(folds: Sequence[ScoreEvaluation], budget: float) -> float:
    n_rows = sum(len(fold.judged.risk) for fold in folds)
    n_failing = sum(int(fold.judged.fails_in_horizon.sum()) for fold in folds)
    return _pool_precision(folds, budget) / (n_failing / n_rows) if n_failing else 0.0


def _describe(other: str, difference: BudgetIntervals) -> str:
    recall, precision = difference.recall, difference.precision
    return (
        f"against the {other}, at {difference.budget:g} tickets per 10,000 and 30 days: recall {recall.estimate:+.3f} "
        f"[{recall.low:+.3f}, {recall.high:+.3f}], precision {precision.estimate:+.3f} "
        f"[{precision.low:+.3f}, {precision.high:+.3f}] ({recall.confidence:.0%})"
    )


def _percent(share: float) -> str:
    return f"{share:.1%}"
