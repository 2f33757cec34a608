import numpy as np
import pytest

from features.evaluation import ComponentLives
from features.score_evaluation import ScoreEvaluation, evaluate_scores
from features.target import PromotionRule
from pipelines.promotion_gate import Contest, judge_challenger, judge_first_model

RULE = PromotionRule(budget=2_000, confidence=0.9, minimum_slice_failures=15, first_model_lift=2.0)
N_COMPONENTS, N_DAYS = 500, 60


def make_lives() -> ComponentLives:
    random = np.random.default_rng(99)
    fails = random.random(N_COMPONENTS) < 0.25
    return ComponentLives(
        component_ids=np.array([f"drive-{number:04d}" for number in range(N_COMPONENTS)]),
        last_day=np.where(fails, random.integers(10, N_DAYS + 30, N_COMPONENTS), N_DAYS + 31),
        has_failed=fails,
        known_until=N_DAYS + 31,
    )


LIVES = make_lives()
MODELS = np.array(["Alpha", "Beta"])[np.arange(N_COMPONENTS) % 2]


def evaluate(skill: float, *, seed: int, skill_on_alpha: float | None = None) -> ScoreEvaluation:
    """Return the evaluation of risks that see a share ``skill`` of the failures coming."""
    random = np.random.default_rng(seed)
    component, day = (axis.ravel() for axis in np.meshgrid(np.arange(N_COMPONENTS), np.arange(0, N_DAYS, 2)))
    wanted = np.full(N_COMPONENTS, skill)
    if skill_on_alpha is not None:
        wanted[MODELS == "Alpha"] = skill_on_alpha
    is_seen = random.random(N_COMPONENTS) < wanted
    left = LIVES.last_day[component] - day
    is_due = LIVES.has_failed[component] & (left > 1) & (left <= 30)
    risk = random.random(len(day)) + (is_due & is_seen[component])
    return evaluate_scores(
        "any", LIVES, component, day, risk, horizon_days=30, lead_days=1, budgets=[RULE.budget]
    )


def contest(challenger: ScoreEvaluation, incumbent: ScoreEvaluation) -> Contest:
    return Contest(challenger=(challenger,), incumbent=(incumbent,), models=MODELS, seed=7)


def test_a_challenger_that_is_better_beyond_chance_is_promoted_with_its_figures() -> None:
    decision = judge_challenger(RULE, contest(evaluate(0.8, seed=1), evaluate(0.2, seed=2)))
    assert decision.is_promoted
    assert "beyond chance" in decision.why
    assert "recall +0." in decision.comparison[0]


def test_a_challenger_that_is_as_good_is_not_promoted() -> None:
    same = evaluate(0.5, seed=1)
    assert not judge_challenger(RULE, contest(same, same)).is_promoted


def test_a_challenger_that_is_worse_is_not_promoted() -> None:
    assert not judge_challenger(RULE, contest(evaluate(0.2, seed=1), evaluate(0.8, seed=2))).is_promoted


def test_a_challenger_that_is_better_at_large_but_worse_on_one_hardware_model_is_not_promoted() -> None:
    challenger = evaluate(1.0, seed=1, skill_on_alpha=0.0)
    incumbent = evaluate(0.0, seed=2, skill_on_alpha=0.5)
    decision = judge_challenger(RULE, contest(challenger, incumbent))
    assert not decision.is_promoted
    assert "hardware model" in decision.why
    assert any(line.startswith("Alpha") for line in decision.comparison)


def test_many_groups_do_not_stop_a_promotion_by_luck() -> None:
    """Each of 20 groups has a handful of failures; at 90 % a group or two would be worse by luck alone."""
    many = np.array([f"group-{n:02d}" for n in range(20)])[np.arange(N_COMPONENTS) % 20]
    easy = RULE.model_copy(update={"minimum_slice_failures": 2})
    for seed in range(4):
        model, rule = evaluate(0.6, seed=seed), evaluate(0.6, seed=100 + seed)
        pair = Contest(challenger=(model,), incumbent=(rule,), models=many, seed=7)
        assert judge_first_model(easy, pair).is_promoted


def test_a_hardware_model_of_few_failures_can_not_stop_a_promotion() -> None:
    challenger = evaluate(1.0, seed=1, skill_on_alpha=0.0)
    incumbent = evaluate(0.0, seed=2, skill_on_alpha=0.5)
    lenient = RULE.model_copy(update={"minimum_slice_failures": 10_000})
    assert judge_challenger(lenient, contest(challenger, incumbent)).is_promoted


def test_a_first_model_has_to_beat_random_tickets_by_the_stated_margin() -> None:
    rule = evaluate(0.0, seed=3)
    assert judge_first_model(RULE, contest(evaluate(0.6, seed=1), rule)).is_promoted
    decision = judge_first_model(RULE, contest(evaluate(0.0, seed=1), rule))
    assert not decision.is_promoted
    assert "random tickets" in decision.why


def test_a_first_model_may_not_be_worse_than_the_rule_beyond_chance() -> None:
    decision = judge_first_model(RULE, contest(evaluate(0.5, seed=1), evaluate(0.95, seed=2)))
    assert not decision.is_promoted
    assert decision.why == "the rule is better beyond chance"


@pytest.mark.parametrize("n_folds", [1, 3])
def test_folds_are_pooled(n_folds: int) -> None:
    good, bad = evaluate(0.8, seed=1), evaluate(0.2, seed=2)
    pooled = Contest(challenger=(good,) * n_folds, incumbent=(bad,) * n_folds, models=MODELS, seed=7)
    assert judge_challenger(RULE, pooled).is_promoted
