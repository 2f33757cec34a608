import numpy as np
import pytest
from model_fleet import make_target

from features.baselines import LogisticBaseline, ModelFailureRates
from pipelines.errors import ConfigError
from pipelines.scorers import Cells, LogisticScorer, RateScorer, RuleScorer
from pipelines.targets import find_target


def cells_of(rows: list[list[float]], model_codes: list[int] | None = None) -> Cells:
    return Cells(
        features=np.array(rows, dtype=np.float32),
        model_codes=np.array(model_codes or [0] * len(rows), dtype=np.int32),
        models=("Alpha", "Beta"),
    )


def test_the_rule_explains_itself_by_the_signals_that_rose() -> None:
    scorer = RuleScorer(target=make_target())
    assert scorer.model_id == "rule:drive_fails_30d"
    cells = cells_of([[0, 0, 0, 0], [5, 0, 5, 0], [np.nan, np.nan, 0, 3]])
    contributions = scorer.contribute(cells)
    assert contributions.shape == (3, len(scorer.feature_names))
    assert not contributions[0].any()
    risen = contributions != 0
    assert risen.tolist()[1:] == [[True, False, True, False], [False, False, False, True]]
    risk = scorer.score(cells)
    log_odds = np.log(risk / (1 - risk))
    assert contributions[1].sum() == pytest.approx(log_odds[1] - log_odds[0], rel=1e-5)


def test_each_scorer_looks_back_at_least_as_far_as_the_cohort_counts_days() -> None:
    rate = RateScorer(rates=ModelFailureRates(models=("Alpha",), risks=(0.1,), other_risk=0.01))
    assert rate.lookback_days == 89
    assert RuleScorer(target=make_target()).lookback_days == 89


def test_failure_rates_go_by_the_name_of_the_hardware_model() -> None:
    rate = RateScorer(rates=ModelFailureRates(models=("Beta",), risks=(0.1,), other_risk=0.01))
    assert rate.score(cells_of([[], []], [1, 0])).tolist() == [0.1, 0.01]


def test_logistic_regression_explains_itself_feature_by_feature() -> None:
    baseline = LogisticBaseline(
        feature_names=("a", "b"), mean=(0.0, 0.0), scale=(1.0, 2.0), weights=(1.0, 0.0), intercept=-2.0
    )
    scorer = LogisticScorer(baseline=baseline, error_signals=())
    cells = cells_of([[3.0, 3.0], [np.nan, 1.0]])
    contributions = scorer.contribute(cells)
    assert contributions == pytest.approx(np.array([[np.log(4.0), 0.0], [0.0, 0.0]]))
    risk = scorer.score(cells)
    assert np.log(risk / (1 - risk)) == pytest.approx(contributions.sum(axis=1) - 2.0)


def test_an_unknown_target_is_an_error_of_the_settings_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="drive_fails_30d"):
        find_target("fans_fail_next_year")
