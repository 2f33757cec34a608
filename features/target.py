"""What one model predicts, declared as data: ``features/targets/<name>.yaml``.

Features are listed by name, or in groups: each signal of a group with each aggregate of it.
"""

import fnmatch
import functools
import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.words import name_kind

FOLDER = Path(__file__).with_name("targets")

Share = Annotated[float, Field(gt=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3660)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureGroup(_Section):
    """Each of ``signals`` with each of ``aggregates``, signal by signal."""

    signals: tuple[str, ...] | Literal["all", "errors"]
    aggregates: tuple[str, ...]


class MonotonePattern(_Section):
    """Risk may only rise (+1) or only fall (-1) with the features whose names match ``pattern``.

    With ``signals: errors`` the pattern is that of the aggregate, for each error signal.
    """

    pattern: str
    direction: Literal[1, -1]
    signals: Literal["errors"] | None = None


class RuleTier(_Section):
    """One step of the rule: one of its signals changed in the last ``window_days``, by more than ``above``.

    ``signals`` are the rule's if none are named. ``aggregate: max`` is for daily counts: not how much they
    rose, but the most of a day is what must lie above. ``risk`` is what the rule claims where it stands in
    for a model: round figures of past fleets.
    """

    window_days: Days
    risk: Share
    signals: tuple[str, ...] | None = None
    aggregate: Literal["increase", "max"] = "increase"
    above: float = Field(default=0.0, ge=0)


class RuleDefinition(_Section):
    """The rule that a model has to beat. The first tier that holds decides; no tier: ``base_risk``."""

    title: str
    signals: tuple[str, ...]
    tiers: tuple[RuleTier, ...]
    base_risk: Share

    def features_of(self, tier: RuleTier) -> tuple[str, ...]:
        """Return the features that a tier looks at, one a signal."""
        named = self.signals if tier.signals is None else tier.signals
        return tuple(f"{signal}_{tier.aggregate}_{tier.window_days}d" for signal in named)

    @model_validator(mode="after")
    def _tiers_descend(self) -> Self:
        risks = [*(tier.risk for tier in self.tiers), self.base_risk]
        if risks != sorted(risks, reverse=True):
            raise ValueError(f"the first tier that holds decides, so risks must descend: {risks}")
        return self


class EarlyStopping(_Section):
    """Boosting ends when ``metric`` on the last ``validation_days`` of known labels stops improving."""

    validation_days: Days
    patience_rounds: int = Field(ge=1)
    metric: Literal["aucpr", "logloss"]


class TrainingRecipe(_Section):
    """How the model is fitted. ``rounds`` is the most; early stopping may find fewer.

    ``history_days``: how far back rows are taken from; null for all there is. ``positive_share``: the
    share of failing component-days that is kept (days of one failure look alike), and
    ``negatives_per_positive`` healthy ones for each of these, at most. Folds: ``n_folds`` models, each
    judged on the ``fold_days`` after what it knew, scored every ``fold_step_days``.
    """

    params: dict[str, str | int | float | bool]
    rounds: int = Field(ge=1)
    early_stopping: EarlyStopping | None
    history_days: Days | None
    positive_share: Share
    negatives_per_positive: int = Field(ge=1)
    minimum_failures: int = Field(ge=1)
    n_folds: int = Field(ge=1)
    fold_days: Days
    fold_step_days: Days


class PlausibleLimits(_Section):
    """Figures above which a leak is likelier than a good model; ``feature_…``: by one feature alone."""

    average_precision: Share
    roc_auc: Share
    feature_average_precision: Share


class PromotionRule(_Section):
    """When a challenger may replace the champion; ``pipelines/promotion_gate.py`` applies it.

    ``budget``: new tickets per 10,000 components and 30 days at which the two are compared.
    ``first_model_lift``: how many times better than random a first champion must be.
    """

    budget: float = Field(gt=0)
    confidence: Share
    minimum_slice_failures: int = Field(ge=1)
    first_model_lift: float = Field(ge=1)


class Target(_Section):
    """What one model predicts, of which components, from which signals.

    A failure in ``(day + lead_days, day + horizon_days]`` counts. ``error_signals`` are those that a
    healthy component leaves at 0.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")
    component_kind: str
    dataset: str
    horizon_days: Days
    lead_days: int = Field(ge=0)
    signals: tuple[str, ...]
    error_signals: tuple[str, ...]
    feature_groups: tuple[FeatureGroup, ...]
    extra_features: tuple[str, ...] = ()
    monotone: tuple[MonotonePattern, ...] = ()
    logistic_features: tuple[str, ...]
    rule: RuleDefinition
    training: TrainingRecipe
    plausible_limits: PlausibleLimits
    promotion: PromotionRule

    @model_validator(mode="after")
    def _check(self) -> Self:
        of_tiers = [signal for tier in self.rule.tiers for signal in tier.signals or ()]
        named_by = {
            "error_signals": self.error_signals,
            "rule.signals": self.rule.signals,
            "rule.tiers": of_tiers,
        }
        for field, named in named_by.items():
            if unknown := sorted(set(named) - set(self.signals)):
                raise ValueError(f"{field} names what is not among signals: {', '.join(unknown)}")
        if len(set(self.feature_names)) < len(self.feature_names):
            twice = sorted({name for name in self.feature_names if self.feature_names.count(name) > 1})
            raise ValueError(f"features listed twice: {', '.join(twice)}")
        if self.lead_days >= self.horizon_days:
            raise ValueError(
                f"lead_days ({self.lead_days}) must be less than horizon_days ({self.horizon_days})"
            )
        return self

    @functools.cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The model's features, in the order of its matrix."""
        names: list[str] = []
        for group in self.feature_groups:
            for signal in self._resolve(group.signals):
                names += [f"{signal}_{aggregate}" for aggregate in group.aggregates]
        return (*names, *self.extra_features)

    @functools.cached_property
    def monotone_directions(self) -> tuple[int, ...]:
        """One entry per feature: 1, -1, or 0 where risk may rise or fall. The first pattern decides."""
        return tuple(self._direction(name) for name in self.feature_names)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the definition: targets of one digest train the same model from the same data."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def label_definition(self) -> str:
        """The label in words, as stored with each model and printed beside each figure."""
        return (
            f"the {name_kind(self.component_kind)} fails in (day + {self.lead_days}, day + {self.horizon_days}] "
            "days; unknown where it left service first, the horizon is not over, or the failure is inside the lead time"
        )

    def _resolve(self, signals: tuple[str, ...] | str) -> tuple[str, ...]:
        if isinstance(signals, tuple):
            return signals
        return self.signals if signals == "all" else self.error_signals

    def _direction(self, feature: str) -> int:
        for each in self.monotone:
            patterns = [f"{signal}_{each.pattern}" for signal in self.error_signals]
            if any(fnmatch.fnmatchcase(feature, p) for p in (patterns if each.signals else [each.pattern])):
                return each.direction
        return 0


def list_targets() -> tuple[str, ...]:
    """Return the names of all targets that ship, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_target(name: str) -> Target:
    """Read a target that ships with the package; ``ValueError`` says which there are, or what is wrong."""
    if name not in list_targets():
        raise ValueError(f"there is no target {name!r}; there are: {', '.join(list_targets())}")
    return parse_target((FOLDER / f"{name}.yaml").read_text("utf-8"))


def parse_target(text: str) -> Target:
    """Read one target from YAML; ``ValueError`` names every wrong place."""
    try:
        return Target.model_validate(yaml.safe_load(text))
    except ValidationError as invalid:
        places = [f"{'.'.join(str(p) for p in error['loc'])}: {error['msg']}" for error in invalid.errors()]
        raise ValueError("the target's definition is wrong: " + "; ".join(places)) from invalid
