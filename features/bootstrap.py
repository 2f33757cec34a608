"""How far chance alone moves a figure: components are drawn again, never rows.

The days of one drive are not independent; its tickets and its failure are drawn together. Each draw
gives every component a Poisson(1) weight (Chamandy et al., "Estimating uncertainty for massive data
streams", 2012) and re-counts the tickets as they were handed out. Two prediction sets are compared
under the same weights, so that what is common to both cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.evaluation import BoolArray, FloatArray, TicketWalk

N_DRAWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with the two ends between which ``confidence`` of the draws lie."""

    estimate: float
    low: float
    high: float
    standard_deviation: float
    confidence: float


@dataclass(frozen=True, kw_only=True)
class BudgetIntervals:
    """Precision and recall of one budget, or the differences of two, with their uncertainty."""

    budget: float
    precision: Interval
    recall: Interval


@dataclass(frozen=True, kw_only=True)
class _Counts:
    n_tickets: FloatArray
    n_hits: FloatArray
    is_caught: FloatArray
    is_failure: FloatArray


def bootstrap_walk(
    walk: TicketWalk, failures: BoolArray, *, seed: int, n_draws: int = N_DRAWS, confidence: float = 0.95
) -> BudgetIntervals:
    """Return precision and recall of one walk; ``failures`` (C,) marks the failures that count."""
    relevant = _find_relevant((walk,), failures)
    weights = _draw_weights(len(relevant), n_draws, seed)
    precision, recall = _measure(_count(walk, failures, relevant), weights)
    return BudgetIntervals(
        budget=walk.budget,
        precision=_interval(precision, confidence),
        recall=_interval(recall, confidence),
    )


def bootstrap_difference(
    challenger: Sequence[TicketWalk],
    champion: Sequence[TicketWalk],
    failures: Sequence[BoolArray],
    *,
    seed: int,
    n_draws: int = N_DRAWS,
    confidence: float = 0.95,
) -> BudgetIntervals:
    """Return challenger minus champion, paired by component, pooled over folds.

    Each argument has one entry per fold; the folds share one list of components, so that a
    component's weight is the same in each.
    """
    relevant = _find_relevant((*challenger, *champion), np.any(np.stack(failures), axis=0))
    weights = _draw_weights(len(relevant), n_draws, seed)
    ours = [_count(walk, failed, relevant) for walk, failed in zip(challenger, failures, strict=True)]
    theirs = [_count(walk, failed, relevant) for walk, failed in zip(champion, failures, strict=True)]
    our_precision, our_recall = _measure(_pool(ours), weights)
    their_precision, their_recall = _measure(_pool(theirs), weights)
    return BudgetIntervals(
        budget=challenger[0].budget,
        precision=_interval(our_precision - their_precision, confidence),
        recall=_interval(our_recall - their_recall, confidence),
    )


def _find_relevant(walks: Sequence[TicketWalk], failures: BoolArray) -> npt.NDArray[np.int64]:
    """Components that are in no sum of any draw need no weight."""
    is_relevant = failures.copy()
    for walk in walks:
        is_relevant[walk.component_index] = True
    return np.flatnonzero(is_relevant)


def _draw_weights(n_components: int, n_draws: int, seed: int) -> FloatArray:
    """Return (1 + n_draws, n_components); the first row is all ones: the estimate itself."""
    drawn = np.random.default_rng(seed).poisson(1.0, size=(n_draws, n_components)).astype(np.float64)
    return np.concatenate([np.ones((1, n_components)), drawn])


def _count(walk: TicketWalk, failures: BoolArray, relevant: npt.NDArray[np.int64]) -> _Counts:
    n_components = len(failures)
    n_tickets = np.bincount(walk.component_index, minlength=n_components)[relevant].astype(np.float64)
    n_hits = np.bincount(walk.component_index[walk.is_hit], minlength=n_components)[relevant].astype(
        np.float64
    )
    return _Counts(
        n_tickets=n_tickets,
        n_hits=n_hits,
        is_caught=np.minimum(n_hits, 1.0),
        is_failure=failures[relevant].astype(np.float64),
    )


def _pool(folds: Sequence[_Counts]) -> _Counts:
    return _Counts(
        n_tickets=np.sum([fold.n_tickets for fold in folds], axis=0),
        n_hits=np.sum([fold.n_hits for fold in folds], axis=0),
        is_caught=np.sum([fold.is_caught for fold in folds], axis=0),
        is_failure=np.sum([fold.is_failure for fold in folds], axis=0),
    )


def _measure(counts: _Counts, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return precision and recall (1 + n_draws,); 0 where a draw has no ticket or no failure."""
    tickets, failures = weights @ counts.n_tickets, weights @ counts.is_failure
    precision = np.divide(weights @ counts.n_hits, tickets, out=np.zeros_like(tickets), where=tickets > 0)
    recall = np.divide(weights @ counts.is_caught, failures, out=np.zeros_like(failures), where=failures > 0)
    return precision, recall


def _interval(values: FloatArray, confidence: float) -> Interval:
    drawn = values[1:]
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(
        estimate=float(values[0]),
        low=float(low),
        high=float(high),
        standard_deviation=float(drawn.std()),
        confidence=confidence,
    )
