import numpy as np
import pytest
from fleet_of_lives import make_scored_fleet

from features.score_evaluation import ScoreEvaluation, compare_scores, evaluate_scores

BUDGET = 3_000.0


def evaluate(seed: int, risk_seed: int | None = None, noise: float = 0.0) -> ScoreEvaluation:
    fleet = make_scored_fleet(seed, n_components=300, n_risk_levels=10**6, skill=1.0)
    random = np.random.default_rng(risk_seed)
    risk = fleet.risk if risk_seed is None else fleet.risk + noise * random.random(len(fleet.risk))
    return evaluate_scores(
        "any",
        fleet.lives,
        fleet.component_index,
        fleet.day,
        risk,
        horizon_days=30,
        lead_days=1,
        budgets=[BUDGET],
    )


def test_the_estimate_is_the_figure_itself_and_lies_inside_its_interval() -> None:
    evaluation = evaluate(1)
    (intervals,) = evaluation.intervals(seed=7)
    (result,) = evaluation.budgets
    assert intervals.recall.estimate == pytest.approx(result.recall)
    assert intervals.precision.estimate == pytest.approx(result.precision)
    assert intervals.recall.low < intervals.recall.estimate < intervals.recall.high


def test_the_spread_of_recall_is_that_of_a_share_of_as_many_failures() -> None:
    evaluation = evaluate(2)
    (intervals,) = evaluation.intervals(seed=7)
    share, n_failures = intervals.recall.estimate, evaluation.budgets[0].n_failures
    assert intervals.recall.standard_deviation == pytest.approx(
        np.sqrt(share * (1 - share) / n_failures), rel=0.1
    )


def test_the_same_seed_gives_the_same_interval() -> None:
    evaluation = evaluate(3)
    assert evaluation.intervals(seed=7) == evaluation.intervals(seed=7)
    assert evaluation.intervals(seed=7) != evaluation.intervals(seed=8)


def test_a_set_of_predictions_differs_from_itself_by_exactly_nothing() -> None:
    evaluation = evaluate(4)
    difference = compare_scores([evaluation], [evaluation], BUDGET, seed=7)
    assert (difference.recall.low, difference.recall.estimate, difference.recall.high) == (0.0, 0.0, 0.0)


def test_pairing_cancels_what_both_have_in_common() -> None:
    ours, theirs = evaluate(5), evaluate(5, risk_seed=1, noise=0.05)
    difference = compare_scores([ours], [theirs], BUDGET, seed=7)
    (own,) = ours.intervals(seed=7)
    assert difference.recall.standard_deviation < own.recall.standard_deviation


def test_a_far_better_set_is_better_beyond_chance() -> None:
    good, noise = evaluate(6), evaluate(6, risk_seed=1, noise=1e6)
    assert compare_scores([good], [noise], BUDGET, seed=7).recall.low > 0


def test_two_random_sets_seldom_differ_beyond_chance() -> None:
    n_beyond = 0
    for seed in range(0, 40, 2):
        one, other = evaluate(6, risk_seed=seed, noise=1e6), evaluate(6, risk_seed=seed + 1, noise=1e6)
        recall = compare_scores([one], [other], BUDGET, seed=7).recall
        n_beyond += not recall.low <= 0 <= recall.high
    # One in twenty is expected; five or more of twenty come once in four hundred times.
    assert n_beyond < 5


def test_restricted_to_a_part_of_the_fleet_only_its_components_count() -> None:
    good, noise = evaluate(6), evaluate(6, risk_seed=1, noise=1e6)
    nobody = np.zeros(len(good.failures), dtype=bool)
    difference = compare_scores([good], [noise], BUDGET, seed=7, is_member=nobody)
    assert difference.recall.estimate == 0.0
