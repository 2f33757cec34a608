"""Figures of what scores: which model, how old what it learned is, and how its predictions came true."""

import contextlib
import datetime as dt

from features.target import load_target
from pipelines.errors import MissingInputError, ModelRefusedError
from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, Sample, end_of_day_seconds
from pipelines.monitoring.mature import judge_mature_day
from pipelines.proposals import list_waiting
from pipelines.registry import champion, load_card
from pipelines.scorers import RULE_PREFIX
from pipelines.settings import Settings

CHAMPION = Metric(
    name="prefail_champion",
    help="1 for what scores a target now: a model, or its declared rule.",
    labels=("target", "model_id"),
)
LEARNED_UNTIL = Metric(
    name="prefail_model_learned_until_timestamp_seconds",
    help="End of the day as of which the champion was trained; nothing where a rule scores.",
    labels=("target",),
)
WAITING = Metric(
    name="prefail_waiting_models",
    help="Models that passed the gate and wait for a person to approve them.",
    labels=("target",),
)
MATURE_DAY = Metric(
    name="prefail_mature_day_end_timestamp_seconds",
    help="End of the day whose predictions are judged: their horizon is over.",
    labels=("target",),
)
EXPECTED = Metric(
    name="prefail_mature_expected_failures",
    help="Failures that the mature day's risks add up to.",
    labels=("target",),
)
OBSERVED = Metric(
    name="prefail_mature_observed_failures",
    help="Failures that came within the horizon of the components that the mature day scored.",
    labels=("target",),
)
MATURE_LISTED = Metric(
    name="prefail_mature_listed_components", help="Components on the mature day's list.", labels=("target",)
)
MATURE_HITS = Metric(
    name="prefail_mature_listed_failures",
    help="Components on the mature day's list that failed within the horizon.",
    labels=("target",),
)
METRICS = (CHAMPION, LEARNED_UNTIL, WAITING, MATURE_DAY, EXPECTED, OBSERVED, MATURE_LISTED, MATURE_HITS)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:
    """Return each target's model, and what became of the day whose horizon ends with ``day``."""
    samples = []
    for name in settings.targets:
        model_id = champion(name, lake)
        samples.append(CHAMPION.sample(1, name, model_id or RULE_PREFIX + name))
        if model_id is not None:
            # A card that is missing or refused stops scoring, which says so, louder.
            with contextlib.suppress(MissingInputError, ModelRefusedError):
                learned_until = load_card(model_id, lake).as_of
                samples.append(LEARNED_UNTIL.sample(end_of_day_seconds(learned_until), name))
        samples.append(WAITING.sample(len(list_waiting(name, lake)), name))
        judged = judge_mature_day(load_target(name), day, lake)
        if judged is not None:
            samples += [
                MATURE_DAY.sample(end_of_day_seconds(judged.day), name),
                EXPECTED.sample(judged.n_expected, name),
                OBSERVED.sample(judged.n_observed, name),
                MATURE_LISTED.sample(judged.n_listed, name),
                MATURE_HITS.sample(judged.n_hits, name),
            ]
    return samples
