"""Notice when a figure is too good to be true, or when there is no skill at all.

Four alarms: a feature that alone almost knows the label; figures of the whole model above what honest
models of the field reach; a fit on shuffled labels that still seems to predict, so that rows are
judged that were learned; and a model no better than chance, so that labels and features don't belong
together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.evaluation import BoolArray, FloatArray
from features.ranking import RankingResult, measure_ranking
from features.target import PlausibleLimits

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
FitAndJudge = Callable[[BoolArray], tuple[FloatArray, IntArray]]

# A feature's sort is the cost; a hundred thousand rows tell an implausible feature from a good one.
_MAX_ROWS = 100_000
_N_STANDARD_ERRORS = 6.0
# Of fewer failures no skill is claimed: a small fleet's bad luck is no alarm.
_LEAST_FAILURES = 20
_NO_SKILL_STANDARD_ERRORS = 2.0


@dataclass(frozen=True, kw_only=True)
class LeakFinding:
    """One reason not to believe a model. ``feature`` is None where no single one is to blame."""

    feature: str | None
    figure: str
    value: float
    limit: float

    @property
    def message(self) -> str:
        """Say what was found, and on which side of which limit."""
        subject = f"feature {self.feature} alone" if self.feature else "the model"
        side = "above the plausible" if self.value > self.limit else "no better than chance, which reaches"
        return f"{subject}: {self.figure} = {self.value:.3f}, {side} {self.limit:.3f}"


def check_figures(result: RankingResult, limits: PlausibleLimits) -> tuple[LeakFinding, ...]:
    """Report figures on later days that honest data has never given."""
    found = []
    figures = (
        ("average precision", result.average_precision, limits.average_precision),
        ("ROC AUC", result.roc_auc, limits.roc_auc),
    )
    for figure, value, limit in figures:
        if value is not None and value > limit:
            found.append(LeakFinding(feature=None, figure=figure, value=value, limit=limit))
    return tuple(found)


def check_single_features(
    features: Float32Array,
    feature_names: Sequence[str],
    fails: BoolArray,
    weight: FloatArray,
    limits: PlausibleLimits,
) -> tuple[LeakFinding, ...]:
    """Report each feature (column of (N, F)) whose order alone, up or down, predicts too well.

    ``weight`` (N,) undoes the sampling: how many component-days a row stands for.
    """
    step = max(1, len(fails) // _MAX_ROWS)
    features, fails, weight = features[::step], fails[::step], weight[::step]
    found = []
    for number, name in enumerate(feature_names):
        value = measure_single_feature(features[:, number], fails, weight)
        if value > limits.feature_average_precision:
            found.append(
                LeakFinding(
                    feature=name,
                    figure="average precision",
                    value=value,
                    limit=limits.feature_average_precision,
                )
            )
    return tuple(sorted(found, key=lambda each: (-each.value, each.feature or "")))


def measure_single_feature(column: Float32Array, fails: BoolArray, weight: FloatArray) -> float:
    """Return the better of the average precisions of the column's order up and down; NaN ranks last."""
    is_known = ~np.isnan(column)
    if not fails[is_known].any():
        return 0.0
    lowest = float(column[is_known].min()) - 1.0
    highest = float(column[is_known].max()) + 1.0
    up = _weighted_average_precision(np.where(is_known, column, lowest), fails, weight)
    down = _weighted_average_precision(-np.where(is_known, column, highest), fails, weight)
    return max(up, down)


def _weighted_average_precision(
    score: npt.NDArray[np.floating], fails: BoolArray, weight: FloatArray
) -> float:
    order = np.argsort(-score, kind="stable")
    ordered, hits, total = score[order], (weight * fails)[order], weight[order]
    end = np.r_[np.flatnonzero(np.diff(ordered)), len(ordered) - 1]
    true_positives, n_flagged = np.cumsum(hits)[end], np.cumsum(total)[end]
    steps = np.diff(np.r_[0.0, true_positives]) / true_positives[-1]
    return float(np.sum(steps * true_positives / n_flagged))


def check_skill(result: RankingResult, n_failures: int) -> LeakFinding | None:
    """Report a model that orders later days no better than chance: what scrambled labels lead to.

    The days before one failure look alike, so it is ``n_failures`` that says how sure chance is.
    """
    if result.average_precision is None or n_failures < _LEAST_FAILURES:
        return None
    share = result.n_positives / result.n_component_days
    limit = share + _NO_SKILL_STANDARD_ERRORS * float(np.sqrt(share * (1 - share) / n_failures))
    if result.average_precision > limit:
        return None
    return LeakFinding(feature=None, figure="average precision", value=result.average_precision, limit=limit)


def check_permuted_labels(fit_and_judge: FitAndJudge, fails: BoolArray, *, seed: int) -> LeakFinding | None:
    """Give the rows each other's labels: a model that was judged on other rows finds nothing.

    ``fit_and_judge(labels)`` learns from some rows and returns the scores of others, and which rows
    those are. Above chance, it has judged rows that it had learned.
    """
    shuffled = np.random.default_rng(seed).permutation(fails)
    scores, judged = fit_and_judge(shuffled)
    result = measure_ranking(scores, shuffled[judged])
    if result.average_precision is None:
        return None
    limit = bound_chance(result.n_positives, result.n_component_days)
    if result.average_precision <= limit:
        return None
    return LeakFinding(
        feature=None,
        figure="average precision on shuffled labels",
        value=result.average_precision,
        limit=limit,
    )


def bound_chance(n_positives: int, n_rows: int) -> float:
    """Return an average precision that a random order stays below, all but never.

    The first of the ranks weigh most: with few positives one lucky hit at the top adds ``1/n``.
    """
    share = n_positives / n_rows
    return min(
        1.0,
        share + _N_STANDARD_ERRORS * float(np.sqrt(share * (1 - share) / n_positives)) + 2.0 / n_positives,
    )
