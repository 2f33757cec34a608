"""What turns features into risk: a stored model, the target's rule, or a baseline; they look alike."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.baselines import LogisticBaseline, ModelFailureRates, list_rule_features, score_rule, share_rule
from features.calibration import Calibration
from features.feature_names import MAX_WINDOW_DAYS, lookback_days, parse_feature
from features.target import Target
from pipelines.errors import ModelRefusedError
from pipelines.lake import Lake
from pipelines.registry import champion, load_model
from pipelines.risk_model import RiskModel

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

RULE_PREFIX = "rule:"


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Some component-days: ``features`` (N, F) float32 in the scorer's order, and each row's hardware model.

    ``model_codes`` (N,) int32 point into ``models``.
    """

    features: Float32Array
    model_codes: npt.NDArray[np.int32]
    models: tuple[str, ...]


class Scorer(Protocol):
    """Gives each cell its risk. ``model_id`` names it in every output."""

    @property
    def model_id(self) -> str:
        """``<target>-<digest>`` for a model, ``rule:<target>`` for the rule."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that ``score`` expects, in order."""
        ...

    @property
    def error_signals(self) -> tuple[str, ...]:
        """What the ``signals_…`` features among them speak of."""
        ...

    @property
    def lookback_days(self) -> int:
        """How many days before the as-of day the cube must hold."""
        ...

    def score(self, cells: Cells) -> FloatArray:
        """Return risk (N,)."""
        ...

    def contribute(self, cells: Cells) -> Float32Array:
        """Return what each feature adds to the log-odds (N, F)."""
        ...


@dataclass(frozen=True, kw_only=True)
class ModelScorer:
    """A fitted model with its calibration."""

    model_id: str
    model: RiskModel
    calibration: Calibration
    error_signals: tuple[str, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.model.feature_names

    @property
    def lookback_days(self) -> int:
        return find_lookback(self.feature_names)

    def score(self, cells: Cells) -> FloatArray:
        return self.calibration.calibrate(self.model.predict_margin(cells.features))

    def contribute(self, cells: Cells) -> Float32Array:
        # Risk's log-odds are slope times the margin: what a feature adds scales with it.
        return self.model.contribute(cells.features) * np.float32(self.calibration.slope)


@dataclass(frozen=True, kw_only=True)
class RuleScorer:
    """The target's declared rule: what is used until a model has proved better than chance."""

    target: Target
    model_id: str = field(init=False)
    feature_names: tuple[str, ...] = field(init=False)
    error_signals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "model_id", RULE_PREFIX + self.target.name)
        object.__setattr__(self, "feature_names", list_rule_features(self.target.rule))

    @property
    def lookback_days(self) -> int:
        return find_lookback(self.feature_names)

    def score(self, cells: Cells) -> FloatArray:
        return score_rule(self.target.rule, cells.features)

    def contribute(self, cells: Cells) -> Float32Array:
        """Share the rise over the base risk among the features that rose, in log-odds (N, F)."""
        rule = self.target.rule
        risk = score_rule(rule, cells.features)
        gain = _log_odds(risk) - _log_odds(np.full(len(risk), rule.base_risk))
        return np.asarray(share_rule(rule, cells.features) * gain[:, None], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class RateScorer:
    """Baseline: the failure rate of the hardware model, as known when it was fitted."""

    rates: ModelFailureRates
    model_id: str = "model failure rate"
    feature_names: tuple[str, ...] = ()
    error_signals: tuple[str, ...] = ()

    @property
    def lookback_days(self) -> int:
        return find_lookback(self.feature_names)

    def score(self, cells: Cells) -> FloatArray:
        return self.rates.score(cells.model_codes, cells.models)

    def contribute(self, cells: Cells) -> Float32Array:
        return np.empty((len(cells.model_codes), 0), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class LogisticScorer:
    """Baseline: logistic regression on a few features."""

    baseline: LogisticBaseline
    error_signals: tuple[str, ...]
    model_id: str = "logistic regression"

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.baseline.feature_names

    @property
    def lookback_days(self) -> int:
        return find_lookback(self.feature_names)

    def score(self, cells: Cells) -> FloatArray:
        return self.baseline.score(cells.features)

    def contribute(self, cells: Cells) -> Float32Array:
        return self.baseline.contribute(cells.features).astype(np.float32)


def open_scorer(target: Target, lake: Lake, *, model_id: str | None = None, n_threads: int = 2) -> Scorer:
    """Return the champion, or the named model or rule; without a champion, the target's rule.

    ``ModelRefusedError`` if the model is damaged or of another target.
    """
    chosen = model_id or champion(target.name, lake)
    if chosen is None or chosen == RULE_PREFIX + target.name:
        return RuleScorer(target=target)
    stored = load_model(chosen, lake, n_threads=n_threads)
    if stored.card.target != target.name:
        raise ModelRefusedError(
            f"model {chosen} predicts {stored.card.target}, not {target.name}; nothing was scored.",
            model_id=chosen,
            target=target.name,
        )
    missing = sorted(set(stored.card.signals) - set(target.signals))
    if missing:
        raise ModelRefusedError(
            f"model {chosen} reads signals that {target.name} no longer names: {', '.join(missing)}. Nothing was "
            f"scored. Train again, or use the rule: --model {RULE_PREFIX}{target.name}.",
            model_id=chosen,
            signals=tuple(missing),
        )
    return ModelScorer(
        model_id=chosen,
        model=stored.model,
        calibration=stored.card.calibration.to_calibration(),
        error_signals=stored.card.error_signals,
    )


def find_lookback(feature_names: tuple[str, ...]) -> int:
    """Return how many days before the as-of day these features and the cohort look at."""
    specs = (parse_feature(name) for name in feature_names)
    # The cohort counts the days reported in the longest window.
    return max(lookback_days(specs), MAX_WINDOW_DAYS - 1)


def _log_odds(risk: FloatArray) -> FloatArray:
    return np.asarray(np.log(risk) - np.log1p(-risk))
