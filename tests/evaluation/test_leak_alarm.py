import numpy as np
import pytest

from features.leak_alarm import (
    bound_chance,
    check_figures,
    check_permuted_labels,
    check_single_features,
    check_skill,
    measure_single_feature,
)
from features.ranking import RankingResult, measure_ranking
from features.target import PlausibleLimits

LIMITS = PlausibleLimits(average_precision=0.75, roc_auc=0.985, feature_average_precision=0.6)
N_ROWS = 20_000


def make_rows(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return honest features (N, 3) and labels: the first feature helps as a good error counter does."""
    random = np.random.default_rng(seed)
    fails = random.random(N_ROWS) < 0.02
    shows = fails & (random.random(N_ROWS) < 0.4)
    features = random.normal(size=(N_ROWS, 3)).astype(np.float32)
    features[:, 0] = np.where(shows, random.exponential(4, N_ROWS), random.exponential(1, N_ROWS))
    features[::9, 1] = np.nan
    return features, fails


def check(column: np.ndarray) -> list[str | None]:
    features, fails = make_rows()
    features = np.column_stack([features, column.astype(np.float32)])
    names = ["counter", "noise", "other noise", "planted"]
    found = check_single_features(features, names, fails, np.ones(N_ROWS), LIMITS)
    return [finding.feature for finding in found]


def test_honest_features_pass() -> None:
    assert check(np.zeros(N_ROWS)) == []


def test_a_column_that_knows_the_label_is_named() -> None:
    _, fails = make_rows()
    noise = np.random.default_rng(2).normal(size=N_ROWS)
    assert check(fails + 0.1 * noise) == ["planted"]


def test_a_column_that_counts_down_to_the_failure_is_named_although_its_order_is_reversed() -> None:
    _, fails = make_rows()
    days_left = np.where(fails, np.random.default_rng(2).integers(2, 30, N_ROWS), 400)
    assert check(days_left) == ["planted"]


def test_a_column_that_is_reported_for_failing_components_only_is_named() -> None:
    _, fails = make_rows()
    assert check(np.where(fails, 5.0, np.nan)) == ["planted"]


def test_weights_undo_the_sampling_of_healthy_rows() -> None:
    features, fails = make_rows()
    whole = measure_single_feature(features[:, 0], fails, np.ones(N_ROWS))
    kept = fails | (np.random.default_rng(3).random(N_ROWS) < 0.2)
    weight = np.where(fails[kept], 1.0, 5.0)
    sampled = measure_single_feature(features[kept, 0], fails[kept], weight)
    unweighted = measure_single_feature(features[kept, 0], fails[kept], np.ones(int(kept.sum())))
    assert sampled == pytest.approx(whole, rel=0.1)
    assert unweighted > 1.5 * whole


def test_a_single_feature_is_measured_as_any_score_is() -> None:
    features, fails = make_rows()
    expected = measure_ranking(features[:, 0].astype(np.float64), fails).average_precision
    assert measure_single_feature(features[:, 0], fails, np.ones(N_ROWS)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("average_precision", "roc_auc", "n_findings"), [(0.2, 0.9, 0), (0.9, 0.9, 1), (0.95, 0.999, 2)]
)
def test_figures_above_what_honest_models_reach_are_reported(
    average_precision: float, roc_auc: float, n_findings: int
) -> None:
    result = RankingResult(
        n_component_days=1_000, n_positives=20, average_precision=average_precision, roc_auc=roc_auc
    )
    assert len(check_figures(result, LIMITS)) == n_findings


def look_up(features: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """A model that can do nothing but remember the rows it has learned."""
    known = {row.tobytes(): float(label) for row, label in zip(features, labels, strict=True)}
    return np.array([known.get(row.tobytes(), 0.0) for row in asked])


def test_shuffled_labels_leave_nothing_to_a_fit_that_is_judged_on_other_rows() -> None:
    features, fails = make_rows()
    learned, judged = np.arange(N_ROWS // 2), np.arange(N_ROWS // 2, N_ROWS)

    def fit_and_judge(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return look_up(features[learned], labels[learned], features[judged]), judged

    assert all(check_permuted_labels(fit_and_judge, fails, seed=seed) is None for seed in range(10))


def test_shuffled_labels_give_away_a_fit_that_is_judged_on_rows_it_has_learned() -> None:
    features, fails = make_rows()
    learned, judged = np.arange(N_ROWS), np.arange(N_ROWS // 2, N_ROWS)

    def fit_and_judge(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return look_up(features[learned], labels[learned], features[judged]), judged

    found = check_permuted_labels(fit_and_judge, fails, seed=1)
    assert found is not None
    assert "shuffled" in found.message


def test_a_model_of_permuted_labels_is_no_better_than_chance_and_is_caught() -> None:
    features, fails = make_rows()
    honest = measure_ranking(features[:, 0].astype(np.float64), fails)
    assert check_skill(honest, n_failures=40) is None
    permuted = measure_ranking(features[:, 0].astype(np.float64), np.random.default_rng(6).permutation(fails))
    found = check_skill(permuted, n_failures=40)
    assert found is not None
    assert "no better than chance" in found.message


def test_bad_luck_of_a_small_fleet_is_no_alarm() -> None:
    result = RankingResult(n_component_days=10_000, n_positives=40, average_precision=0.004, roc_auc=0.5)
    assert check_skill(result, n_failures=5) is None


def test_the_bound_of_chance_holds_for_random_orders_and_tightens_with_more_rows() -> None:
    random = np.random.default_rng(4)
    for n_positives in (5, 50, 500):
        fails = np.zeros(N_ROWS, dtype=bool)
        fails[:n_positives] = True
        bound = bound_chance(n_positives, N_ROWS)
        values = [measure_ranking(random.random(N_ROWS), fails).average_precision for _ in range(30)]
        assert max(value for value in values if value is not None) < bound
    assert bound_chance(500, N_ROWS) < 0.08
