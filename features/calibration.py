"""Turn a model's margin into a probability that can be believed, without changing the order.

Two steps: the margin is corrected for the sampling of healthy rows (the odds of a failing row were
raised by ``1 / share`` where only that share of the healthy rows was kept: King and Zeng, "Logistic
Regression in Rare Events Data", 2001); then a line ``slope · margin + offset`` is fitted on later
days (Platt, 1999). The slope is positive, so ranks survive.
"""

from dataclasses import dataclass

import numpy as np

from features.evaluation import BoolArray, FloatArray
from features.ranking import JudgedRows

# Below this a calibration would flatten all differences; a model that needs it has learned nothing.
MINIMUM_SLOPE = 0.05
_MAXIMUM_SLOPE = 20.0
_N_NEWTON_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """``risk = sigmoid(slope · (margin + prior_offset) + offset)``, with a positive slope."""

    prior_offset: float
    slope: float
    offset: float

    def __post_init__(self) -> None:
        if not self.slope > 0:
            raise ValueError(f"a calibration's slope must be positive, not {self.slope}")

    def calibrate(self, margin: FloatArray) -> FloatArray:
        """Return risk in (0, 1) of the model's log-odds; the order stays as it was."""
        return sigmoid(self.slope * (margin.astype(np.float64) + self.prior_offset) + self.offset)


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """One tenth of the component-days by risk: what was promised, and what came."""

    n_component_days: int
    mean_risk: float
    observed_share: float


def sigmoid(log_odds: FloatArray) -> FloatArray:
    """Return ``1 / (1 + exp(-x))`` without overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0, 1.0, small) / (1.0 + small)


def correct_prior(*, negative_share: float, positive_share: float) -> float:
    """Return what to add to a margin learned where only these shares of healthy and failing rows were kept."""
    for share in (negative_share, positive_share):
        if not 0 < share <= 1:
            raise ValueError(f"a share must be in (0, 1], not {share}")
    return float(np.log(negative_share / positive_share))


def fit_calibration(margin: FloatArray, fails: BoolArray, *, prior_offset: float) -> Calibration:
    """Fit the line on days later than those the model has learned from, by maximum likelihood.

    Platt's targets (one pseudo-count on each side) keep it finite. With fewer than ten failing rows
    only the sampling is corrected.
    """
    n_positives = int(fails.sum())
    if n_positives < 10 or n_positives == len(fails):
        return Calibration(prior_offset=prior_offset, slope=1.0, offset=0.0)
    x = margin.astype(np.float64) + prior_offset
    centre = float(x.mean())
    x = x - centre
    target = np.where(fails, (n_positives + 1) / (n_positives + 2), 1 / (len(fails) - n_positives + 2))
    slope, offset = _fit_line(x, target, fixed_slope=None)
    if not MINIMUM_SLOPE <= slope <= _MAXIMUM_SLOPE:
        slope, offset = _fit_line(x, target, fixed_slope=float(np.clip(slope, MINIMUM_SLOPE, _MAXIMUM_SLOPE)))
    return Calibration(prior_offset=prior_offset, slope=slope, offset=offset - slope * centre)


def _fit_line(x: FloatArray, target: FloatArray, *, fixed_slope: float | None) -> tuple[float, float]:
    """Newton's method with halved steps on the logistic loss of ``slope · x + offset``."""
    base = float(target.mean())
    slope = 1.0 if fixed_slope is None else fixed_slope
    offset = float(np.log(base / (1 - base)))
    loss = _logistic_loss(slope * x + offset, target)
    for _ in range(_N_NEWTON_STEPS):
        risk = sigmoid(slope * x + offset)
        residual, weight = target - risk, risk * (1 - risk)
        gradient = np.array([residual @ x, residual.sum()])
        hessian = np.array([[weight @ (x * x), weight @ x], [weight @ x, weight.sum()]])
        hessian += np.eye(2) * 1e-9 * max(1.0, float(hessian.max()))
        step = np.linalg.solve(hessian, gradient)
        if fixed_slope is not None:
            step = np.array([0.0, gradient[1] / hessian[1, 1]])
        scale = 1.0
        while scale > 1e-6:
            new_loss = _logistic_loss((slope + scale * step[0]) * x + offset + scale * step[1], target)
            if new_loss <= loss:
                break
            scale /= 2
        else:
            break
        slope, offset = slope + scale * float(step[0]), offset + scale * float(step[1])
        if loss - new_loss <= 1e-12 * max(1.0, abs(loss)):
            break
        loss = new_loss
    return slope, offset


def _logistic_loss(log_odds: FloatArray, target: FloatArray) -> float:
    return float(np.sum(np.logaddexp(0.0, log_odds) - target * log_odds))


def bin_calibration(judged: JudgedRows, n_bins: int = 10) -> tuple[CalibrationBin, ...]:
    """Return promised and observed shares by tenth of risk, lowest first."""
    order = np.argsort(judged.risk, kind="stable")
    return tuple(
        CalibrationBin(
            n_component_days=len(part),
            mean_risk=float(judged.risk[part].mean()),
            observed_share=float(judged.fails_in_horizon[part].mean()),
        )
        for part in np.array_split(order, n_bins)
        if len(part)
    )
