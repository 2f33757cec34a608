"""Which targets a run scores, and what scores each: opened once for a day, or for a span of days."""

from dataclasses import dataclass

from features.target import Target, load_target
from pipelines.component_days import ComponentDayReader
from pipelines.errors import ModelRefusedError
from pipelines.lake import Lake
from pipelines.registry import load_card
from pipelines.scorers import RULE_PREFIX, Scorer, open_scorer
from pipelines.settings import Settings


@dataclass(frozen=True, kw_only=True)
class TargetScorer:
    """A target, what scores it, and the days it has read."""

    target: Target
    scorer: Scorer
    reader: ComponentDayReader


def open_target_scorers(
    settings: Settings, lake: Lake, *, model_id: str | None = None
) -> tuple[TargetScorer, ...]:
    """Open each target's champion; the target of the model (or rule) ``model_id`` gets that instead."""
    chosen = {} if model_id is None else {_target_of(model_id, settings, lake): model_id}
    return tuple(
        open_target_scorer(name, settings, lake, model_id=chosen.get(name)) for name in settings.targets
    )


def open_target_scorer(name: str, settings: Settings, lake: Lake, *, model_id: str | None) -> TargetScorer:
    """Open a target's champion, or the model (or rule) ``model_id``."""
    target = load_target(name)
    return TargetScorer(
        target=target,
        scorer=open_scorer(target, lake, model_id=model_id, n_threads=settings.training.n_threads),
        reader=ComponentDayReader(lake, target.dataset, target.signals),
    )


def _target_of(model_id: str, settings: Settings, lake: Lake) -> str:
    name = (
        model_id.removeprefix(RULE_PREFIX)
        if model_id.startswith(RULE_PREFIX)
        else load_card(model_id, lake).target
    )
    if name not in settings.targets:
        raise ModelRefusedError(
            f"{model_id} scores {name}, which is not among the targets of the settings: "
            f"{', '.join(settings.targets)}. Nothing was scored.",
            model_id=model_id,
            target=name,
        )
    return name
