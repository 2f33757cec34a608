"""What a model has to beat: a rule, the failure rate of the hardware model, a logistic regression."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.calibration import sigmoid
from features.evaluation import BoolArray, FloatArray
from features.target import RuleDefinition

Float32Array = npt.NDArray[np.float32]

# Worth of five failures at the fleet's rate: a model with none yet is not taken for immortal.
_PRIOR_FAILURES = 5.0
_RIDGE = 1.0
_N_NEWTON_STEPS = 30
_SHARE_OF_DECIDING_TIER = 0.75


def list_rule_features(rule: RuleDefinition) -> tuple[str, ...]:
    """Return the features that the rule reads, each once: tier by tier, each of its signals."""
    return tuple(dict.fromkeys(name for tier in rule.tiers for name in rule.features_of(tier)))


def score_rule(rule: RuleDefinition, features: Float32Array) -> FloatArray:
    """Return risk (N,) of ``features`` (N, F), in the order of ``list_rule_features``.

    The first tier that holds decides; within a tier, the more the signals rose together, the higher.
    A signal that is not reported has not changed.
    """
    risk = np.full(len(features), rule.base_risk)
    floor = rule.base_risk
    for tier, rises in zip(reversed(rule.tiers), reversed(_rises_by_tier(rule, features)), strict=True):
        rise = rises.sum(axis=1)
        # A tier's risks lie above all of the next tier's, whatever the amount.
        within = tier.risk - (tier.risk - floor) * 0.5 / (1.0 + np.log1p(rise))
        risk = np.where(rise > 0, within, risk)
        floor = tier.risk
    return risk


def share_rule(rule: RuleDefinition, features: Float32Array) -> FloatArray:
    """Return how much of the risk each feature (N, F) stands for; rows add up to 1, or to 0 where no tier holds.

    The features of the tier that decided have three quarters, by how much they rose, and whatever else
    rose shares the rest: a flood of corrected errors does not hide the uncorrected one that decided.
    """
    tiers = _rises_by_tier(rule, features)
    risen = np.max(np.stack(tiers), axis=0)
    decides = np.zeros_like(risen)
    for rises in reversed(tiers):
        decides = np.where(rises.sum(axis=1, keepdims=True) > 0, rises, decides)
    others = np.where(decides > 0, 0.0, risen)
    shares = _normalise(decides) * np.where(others.any(axis=1, keepdims=True), _SHARE_OF_DECIDING_TIER, 1.0)
    return np.asarray(shares + _normalise(others) * (1.0 - _SHARE_OF_DECIDING_TIER))


def _rises_by_tier(rule: RuleDefinition, features: Float32Array) -> list[FloatArray]:
    """Return of each tier how far its features (N, F) lie above its bound; 0 for all other features."""
    names = list_rule_features(rule)
    rises = []
    for tier in rule.tiers:
        columns = [names.index(name) for name in rule.features_of(tier)]
        rise = np.zeros(features.shape)
        rise[:, columns] = np.maximum(
            np.nan_to_num(features[:, columns].astype(np.float64)) - tier.above, 0.0
        )
        rises.append(rise)
    return rises


def _normalise(rises: FloatArray) -> FloatArray:
    """Return shares of the logarithms; rows of zeros stay."""
    logs = np.log1p(rises)
    total = logs.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(logs, total, out=np.zeros_like(logs), where=total > 0))


@dataclass(frozen=True, kw_only=True)
class ModelFailureRates:
    """Probability that a component of a hardware model fails in the label's window, shrunk to the fleet's."""

    models: tuple[str, ...]
    risks: tuple[float, ...]
    other_risk: float

    def score(self, model_codes: npt.NDArray[np.int32], models: tuple[str, ...]) -> FloatArray:
        """Return risk (N,) by each row's hardware model."""
        known = dict(zip(self.models, self.risks, strict=True))
        by_code = np.array([known.get(model, self.other_risk) for model in models] or [self.other_risk])
        return np.asarray(by_code[model_codes])


def estimate_model_rates(
    models: tuple[str, ...], n_component_days: FloatArray, n_failures: FloatArray, *, window_days: int
) -> ModelFailureRates:
    """Shrink each model's failures per day towards the fleet's (gamma prior worth five failures)."""
    fleet_rate = float(n_failures.sum()) / max(float(n_component_days.sum()), 1.0)
    if fleet_rate == 0.0:
        return ModelFailureRates(models=models, risks=(0.0,) * len(models), other_risk=0.0)
    rates = (n_failures + _PRIOR_FAILURES) / (n_component_days + _PRIOR_FAILURES / fleet_rate)
    risks = -np.expm1(-rates * window_days)
    return ModelFailureRates(
        models=models,
        risks=tuple(float(risk) for risk in risks),
        other_risk=float(-np.expm1(-fleet_rate * window_days)),
    )


@dataclass(frozen=True, kw_only=True)
class LogisticBaseline:
    """A ridge logistic regression on ``log1p`` of a few features; unreported counts as the mean."""

    feature_names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def score(self, features: Float32Array) -> FloatArray:
        """Return risk (N,), not corrected for sampling: a baseline is judged by its order."""
        return sigmoid(self.contribute(features).sum(axis=1) + self.intercept)

    def contribute(self, features: Float32Array) -> FloatArray:
        """Return what each feature adds to the log-odds (N, F)."""
        x = (_squash(features) - np.array(self.mean)) / np.array(self.scale)
        return np.asarray(np.nan_to_num(x) * np.array(self.weights))


def fit_logistic(
    feature_names: tuple[str, ...], features: Float32Array, fails: BoolArray
) -> LogisticBaseline:
    """Fit by Newton's method; the ridge keeps separable data finite."""
    squashed = _squash(features)
    is_known = ~np.isnan(squashed)
    n_known = np.maximum(is_known.sum(axis=0), 1)
    mean = np.where(is_known, squashed, 0.0).sum(axis=0) / n_known
    centred = np.where(is_known, squashed - mean, 0.0)
    scale = np.sqrt((centred**2).sum(axis=0) / n_known)
    scale[scale == 0] = 1.0
    x = np.column_stack([centred / scale, np.ones(len(centred))])
    ridge = np.full(x.shape[1], _RIDGE)
    ridge[-1] = 1e-6
    weights = np.zeros(x.shape[1])
    base = float(np.clip(fails.mean(), 1e-6, 1 - 1e-6))
    weights[-1] = np.log(base / (1 - base))
    for _ in range(_N_NEWTON_STEPS):
        risk = sigmoid(x @ weights)
        gradient = x.T @ (fails - risk) - ridge * weights
        hessian = (x * (risk * (1 - risk))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        weights = weights + np.clip(step, -2.0, 2.0)
        if np.max(np.abs(step)) < 1e-8:
            break
    return LogisticBaseline(
        feature_names=feature_names,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(weights[:-1].tolist()),
        intercept=float(weights[-1]),
    )


def _squash(features: Float32Array) -> FloatArray:
    x = features.astype(np.float64)
    return np.asarray(np.sign(x) * np.log1p(np.abs(x)))
