"""Average precision and ROC AUC over component-days, for comparison with papers.

Ties of risk count together: no order within them is assumed.
"""

from dataclasses import dataclass

import numpy as np

from features.evaluation import BoolArray, ComponentLives, FloatArray, RiskRows


@dataclass(frozen=True, kw_only=True)
class RankingResult:
    """How well risk orders component-days; None where one class is empty."""

    n_component_days: int
    n_positives: int
    average_precision: float | None
    roc_auc: float | None


@dataclass(frozen=True, kw_only=True)
class JudgedRows:
    """Which rows have a known answer, and what it is.

    ``is_judged`` (N,) over the candidates; ``fails_in_horizon`` and ``risk`` over the judged ones.
    """

    is_judged: BoolArray
    fails_in_horizon: BoolArray
    risk: FloatArray


def judge_rows(rows: RiskRows, lives: ComponentLives, *, horizon_days: int, lead_days: int) -> JudgedRows:
    """Answer each mature row; a row censored or changed on our advice inside the horizon, or inside the lead
    time, has no answer.
    """
    last_day = lives.last_day[rows.component_index]
    has_failed = lives.has_failed[rows.component_index]
    is_mature = rows.day + horizon_days <= lives.known_until
    is_censored = ~has_failed & (last_day < rows.day + horizon_days) & (last_day < lives.known_until)
    is_inside_lead = has_failed & (last_day <= rows.day + lead_days)
    is_uncertain = lives.find_uncertain(rows.component_index, rows.day, horizon_days)
    is_judged = is_mature & ~is_censored & ~is_inside_lead & ~is_uncertain
    fails = has_failed & (last_day > rows.day + lead_days) & (last_day <= rows.day + horizon_days)
    return JudgedRows(is_judged=is_judged, fails_in_horizon=fails[is_judged], risk=rows.risk[is_judged])


def rank_rows(judged: JudgedRows) -> RankingResult:
    """Return average precision and ROC AUC of the judged rows."""
    return measure_ranking(judged.risk, judged.fails_in_horizon)


def measure_ranking(score: FloatArray, is_positive: BoolArray) -> RankingResult:
    """Return average precision and ROC AUC of any score, ties counted together."""
    n_rows, n_positives = len(score), int(is_positive.sum())
    if n_positives == 0:
        return RankingResult(n_component_days=n_rows, n_positives=0, average_precision=None, roc_auc=None)
    order = np.argsort(-score, kind="stable")
    hits, ordered = is_positive[order], score[order]
    end = np.r_[np.flatnonzero(np.diff(ordered)), n_rows - 1]
    true_positives, n_flagged = np.cumsum(hits)[end], end + 1
    steps = np.diff(np.r_[0, true_positives]) / n_positives
    average_precision = float(np.sum(steps * true_positives / n_flagged))
    false_positives = n_flagged - true_positives
    roc_auc = None
    if false_positives[-1]:
        area = np.diff(np.r_[0, false_positives]) * (np.r_[0, true_positives[:-1]] + true_positives) / 2
        roc_auc = float(np.sum(area) / (n_positives * false_positives[-1]))
    return RankingResult(
        n_component_days=n_rows, n_positives=n_positives, average_precision=average_precision, roc_auc=roc_auc
    )
