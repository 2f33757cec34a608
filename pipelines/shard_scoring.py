"""Score a day shard group by shard group, on as many machines, and put the predictions together.

``prefail score`` does all of it in one process and writes the same bytes. What a group was given lies in
``scored_shards/day=…/part-<shards>.parquet``, so that any of these tasks can be repeated, until retention ends it.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from features.shards import split_shards
from features.target import load_target
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake
from pipelines.registry import champion
from pipelines.score import find_in_service, predict_shards, write_predictions
from pipelines.scorers import RULE_PREFIX
from pipelines.settings import Settings
from pipelines.source_outages import find_outages
from pipelines.step_facts import StepFacts
from pipelines.target_scorers import open_target_scorer

log = logging.getLogger(__name__)

DATASET = "scored_shards"
_ORIGIN = b"prefail.scored_from"


class ShardGroup(BaseModel):
    """Neighbouring shards of a day, and what scores each target: the same in all groups of the day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shards: tuple[int, ...]
    model_ids: dict[str, str]

    @property
    def name(self) -> str:
        """``00-03``: the first and the last shard."""
        return f"{self.shards[0]:02d}-{self.shards[-1]:02d}"

    def as_document(self) -> dict[str, object]:
        """Return it as tasks hand it on: plain JSON."""
        return self.model_dump(mode="json")


def list_shard_groups(day: dt.date, settings: Settings, lake: Lake) -> tuple[ShardGroup, ...]:
    """Return the ``scoring.n_shard_groups`` groups of ``day``, to be scored by what is champion now.

    ``MissingInputError`` if no target's day was built.
    """
    model_ids = {
        name: champion(name, lake) or RULE_PREFIX + name
        for name in find_in_service(day, settings.targets, settings, lake)
    }
    return tuple(
        ShardGroup(shards=shards, model_ids=model_ids)
        for shards in split_shards(settings.scoring.n_shard_groups)
    )


def score_shards(group: ShardGroup, day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write the predictions of a group, not ranked yet, with what they were made from."""
    origin = _describe_origin(day, group.model_ids, lake)
    scorers = [
        open_target_scorer(name, settings, lake, model_id=model_id)
        for name, model_id in group.model_ids.items()
    ]
    table = predict_shards(day, scorers, group.shards, find_outages(day, settings, lake), settings, lake)
    lake.write_day(DATASET, day, table.replace_schema_metadata({_ORIGIN: origin}), part=group.name)
    n_abstained = table["risk"].null_count
    facts = StepFacts(
        step="scored",
        day=day,
        facts=(
            ("shards", group.name),
            ("scored", table.num_rows - n_abstained),
            ("abstained", n_abstained),
        ),
    )
    log.info(facts.summary)
    return facts


def gather_shards(groups: Sequence[ShardGroup], day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write out_predictions of ``day`` from its shard groups: the bytes that ``score_day`` writes.

    ``MissingInputError`` if a group is missing; ``PermanentError`` if they were not scored from the same
    component-days by the same models.
    """
    tables = [_read_scored(day, group, lake) for group in sorted(groups, key=lambda group: group.shards)]
    if len({(table.schema.metadata or {}).get(_ORIGIN) for table in tables}) > 1:
        raise PermanentError(
            f"The shards of {day} were scored from different component-days or by different models, because the "
            f"day was built again in between. Nothing of them was written; the list before stays. {_word_way_out(day)}",
            day=day.isoformat(),
        )
    scored = groups[0].model_ids
    # In the settings' order, as verify scores: what the groups came through (PostgreSQL's JSONB) sorts names anew.
    model_ids = {name: scored[name] for name in sorted(scored, key=_place_in(settings))}
    passed_over = [name for name in settings.targets if name not in model_ids]
    return write_predictions(day, tables, model_ids, settings, lake, passed_over=passed_over)


def _place_in(settings: Settings) -> Callable[[str], int]:
    """Return the place of a target among those of the settings; one that they no longer name comes last."""
    places = {name: place for place, name in enumerate(settings.targets)}
    return lambda name: places.get(name, len(places))


def _read_scored(day: dt.date, group: ShardGroup, lake: Lake) -> pa.Table:
    try:
        return lake.read_day(DATASET, day, part=group.name)
    except MissingInputError as missing:
        raise MissingInputError(
            f"Shards {group.name} of {day} are not scored, or no longer there. Nothing of the day "
            f"was written; the list before stays. {_word_way_out(day)}",
            day=day.isoformat(),
        ) from missing


def _word_way_out(day: dt.date) -> str:
    return (
        "Clear `list_shards` of score_day with its downstream tasks, or score the day in one process: "
        f"prefail score --day {day}"
    )


def _describe_origin(day: dt.date, model_ids: Mapping[str, str], lake: Lake) -> bytes:
    """Return the models and the bytes of the day itself; a day before it may be built again at any time."""
    datasets = sorted({load_target(name).dataset for name in model_ids})
    digests = {name: lake.digest_day(name, day) for name in datasets if lake.has_day(name, day)}
    return json.dumps({"models": dict(model_ids), "days": digests}, sort_keys=True).encode()
