import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.baselines import estimate_model_rates, fit_logistic, list_rule_features, score_rule, share_rule
from features.ranking import measure_ranking
from features.target import RuleDefinition, RuleTier

RULE = RuleDefinition(
    title="any",
    signals=("pending_sectors", "reallocated_sectors"),
    tiers=(RuleTier(window_days=7, risk=0.1), RuleTier(window_days=30, risk=0.05)),
    base_risk=0.003,
)
nan = float("nan")


def score(*rows: list[float]) -> list[float]:
    return score_rule(RULE, np.array(rows, dtype=np.float32)).tolist()


def test_the_rule_reads_the_rise_of_each_signal_in_each_window() -> None:
    assert list_rule_features(RULE) == (
        "pending_sectors_increase_7d",
        "reallocated_sectors_increase_7d",
        "pending_sectors_increase_30d",
        "reallocated_sectors_increase_30d",
    )


def test_without_a_rise_or_without_a_report_the_risk_is_the_base_risk() -> None:
    assert score([0, 0, 0, 0], [nan, nan, nan, nan]) == [0.003, 0.003]


def test_a_rise_in_the_last_week_outranks_any_rise_before_it() -> None:
    small_now, huge_before = score([1, 0, 1, 0], [0, 0, 1e6, 1e6])
    assert small_now > huge_before > 0.003
    assert 0.05 < small_now < 0.1
    assert huge_before < 0.05


def test_one_reported_signal_is_enough_for_a_tier() -> None:
    (one,) = score([nan, 3, nan, 3])
    assert one > 0.05


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=20, unique=True))
def test_within_a_tier_a_larger_rise_is_always_more_risk(rises: list[int]) -> None:
    risks = score(*[[0, 0, rise, 0] for rise in sorted(rises)])
    assert all(one < two for one, two in itertools.pairwise(risks))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5_000), min_size=4, max_size=4))
def test_the_tier_that_decided_is_the_main_reason_however_much_else_rose(rises: list[int]) -> None:
    rule = RULE.model_copy(
        update={
            "tiers": (
                RuleTier(window_days=7, risk=0.5, aggregate="max", signals=("uncorrected",)),
                RuleTier(
                    window_days=30, risk=0.1, aggregate="max", signals=("corrected", "retired", "uncorrected")
                ),
            )
        }
    )
    features = np.array([rises], dtype=np.float32)
    (shares,) = share_rule(rule, features)
    by_name = dict(zip(list_rule_features(rule), shares.tolist(), strict=True))
    assert sum(shares) == pytest.approx(1.0 if any(rises) else 0.0)
    assert (shares > 0).tolist() == (features[0] > 0).tolist()
    if rises[0]:
        assert by_name["uncorrected_max_7d"] >= 0.75 - 1e-9


def test_failure_rates_are_shrunk_to_that_of_the_fleet() -> None:
    rates = estimate_model_rates(
        ("Big", "New", "Bad"),
        np.array([1_000_000.0, 10.0, 100_000.0]),
        np.array([100.0, 0.0, 200.0]),
        window_days=29,
    )
    big, new, bad = rates.risks
    assert bad > rates.other_risk > big
    assert new == pytest.approx(rates.other_risk, rel=0.01)
    scored = rates.score(np.array([1, 0, 0], dtype=np.int32), ("Unknown", "Bad"))
    assert scored.tolist() == [bad, rates.other_risk, rates.other_risk]


def test_a_fleet_without_failures_has_no_risk() -> None:
    rates = estimate_model_rates(("A",), np.array([100.0]), np.array([0.0]), window_days=29)
    assert rates.risks == (0.0,)


def test_logistic_regression_finds_the_feature_that_matters_and_stands_missing_values() -> None:
    random = np.random.default_rng(1)
    features = random.exponential(3, size=(5_000, 3)).astype(np.float32)
    fails = random.random(5_000) < 1 / (1 + np.exp(6 - 2 * np.log1p(features[:, 1])))
    features[::7, 0] = np.nan
    fitted = fit_logistic(("a", "b", "c"), features, fails)
    weights = np.abs(np.array(fitted.weights))
    assert weights[1] > 5 * max(weights[0], weights[2])
    risk = fitted.score(features)
    assert np.all(np.isfinite(risk))
    assert risk.mean() == pytest.approx(fails.mean(), rel=0.02)
    found = measure_ranking(risk, fails).roc_auc
    assert found is not None
    assert found > 0.7


def test_separable_data_and_constant_columns_give_finite_weights() -> None:
    features = np.column_stack([np.linspace(0, 100, 200), np.full(200, 7.0)]).astype(np.float32)
    fitted = fit_logistic(("a", "b"), features, features[:, 0] > 50)
    assert np.all(np.isfinite([*fitted.weights, fitted.intercept]))


def test_a_tier_of_daily_counts_holds_from_the_first_day_that_lies_above_its_threshold() -> None:
    rule = RuleDefinition.model_validate(
        {
            "title": "uncorrectable in 7 days; then 10 corrected a day in 30",
            "signals": ["ue"],
            "tiers": [
                {"window_days": 7, "risk": 0.5, "aggregate": "max"},
                {"window_days": 30, "risk": 0.1, "aggregate": "max", "signals": ["ce"], "above": 10},
                {"window_days": 30, "risk": 0.02, "aggregate": "max", "signals": ["ce"]},
            ],
            "base_risk": 0.001,
        }
    )
    assert list_rule_features(rule) == ("ue_max_7d", "ce_max_30d")
    features = np.array([[1, 0], [0, 11], [0, 10], [0, 0], [np.nan, np.nan], [np.nan, 11]], dtype=np.float32)
    risk = score_rule(rule, features)
    assert risk[0] > 0.1 > risk[1] > 0.02 > risk[2] > 0.001
    assert risk[3] == risk[4] == 0.001
    assert risk[5] == risk[1]


def test_a_rule_whose_later_tier_claims_more_is_refused() -> None:
    tiers = [{"window_days": 7, "risk": 0.1}, {"window_days": 30, "risk": 0.2}]
    with pytest.raises(ValidationError, match="risks must descend"):
        RuleDefinition.model_validate({"title": "t", "signals": ["a"], "tiers": tiers, "base_risk": 0.01})
