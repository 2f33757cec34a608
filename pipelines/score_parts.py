"""Score a day in parts, on as many machines: share out the shards, score each share, put them together.

``prefail score`` does all of it in one process and writes the same bytes. A share lies in
``scored_parts/day=…/part-<shards>.parquet``, so that any of these tasks can be repeated, until retention ends it.
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
from pipelines.score import find_in_service, predict_part, write_predictions
from pipelines.scorers import RULE_PREFIX
from pipelines.settings import Settings
from pipelines.source_outages import find_outages
from pipelines.step_facts import StepFacts
from pipelines.target_scorers import open_target_scorer

log = logging.getLogger(__name__)

DATASET = "scored_parts"
_ORIGIN = b"prefail.scored_from"


class ScoringPart(BaseModel):
    """A share of a day: neighbouring shards, and what scores each target, the same in all shares of the day."""

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


def share_out_day(day: dt.date, settings: Settings, lake: Lake) -> tuple[ScoringPart, ...]:
    """Return the ``scoring.n_parts`` shares of ``day``, scored by the models that are champions now.

    ``MissingInputError`` if no target's day was built.
    """
    model_ids = {
        name: champion(name, lake) or RULE_PREFIX + name
        for name in find_in_service(day, settings.targets, settings, lake)
    }
    return tuple(
        ScoringPart(shards=shards, model_ids=model_ids) for shards in split_shards(settings.scoring.n_parts)
    )


def score_part(part: ScoringPart, day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write a share of ``day``, with what it was scored from."""
    origin = _describe_origin(day, part.model_ids, lake)
    scorers = [
        open_target_scorer(name, settings, lake, model_id=model_id)
        for name, model_id in part.model_ids.items()
    ]
    table = predict_part(day, scorers, part.shards, find_outages(day, settings, lake), settings, lake)
    lake.write_day(DATASET, day, table.replace_schema_metadata({_ORIGIN: origin}), part=part.name)
    n_abstained = table["risk"].null_count
    facts = StepFacts(
        step=f"scored shards {part.name}",
        day=day,
        facts=(("scored", table.num_rows - n_abstained), ("abstained", n_abstained)),
    )
    log.info(facts.summary)
    return facts


def gather_parts(parts: Sequence[ScoringPart], day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write out_predictions of ``day`` from its shares: the bytes that ``score_day`` writes.

    ``MissingInputError`` if a share is missing; ``PermanentError`` if they were not scored from the same
    component-days by the same models.
    """
    tables = [_read_part(day, part, lake) for part in sorted(parts, key=lambda part: part.shards)]
    if len({(table.schema.metadata or {}).get(_ORIGIN) for table in tables}) > 1:
        raise PermanentError(
            f"The shards of {day} were scored from different component-days or by different models, because the "
            f"day was built again in between. Nothing of them was written; the list before stays. {_AGAIN}",
            day=day.isoformat(),
        )
    scored = parts[0].model_ids
    # In the settings' order, as verify scores: what the shares came through (PostgreSQL's JSONB) sorts names anew.
    model_ids = {name: scored[name] for name in sorted(scored, key=_place_in(settings))}
    passed_over = [name for name in settings.targets if name not in model_ids]
    return write_predictions(day, tables, model_ids, settings, lake, passed_over=passed_over)


def _place_in(settings: Settings) -> Callable[[str], int]:
    """Return the place of a target among those of the settings; one that they no longer name comes last."""
    places = {name: place for place, name in enumerate(settings.targets)}
    return lambda name: places.get(name, len(places))


_AGAIN = (
    "Clear `share_out` of score_day with its downstream tasks; "
    "or score the day in one process: prefail score --day DAY"
)


def _read_part(day: dt.date, part: ScoringPart, lake: Lake) -> pa.Table:
    try:
        return lake.read_day(DATASET, day, part=part.name)
    except MissingInputError as missing:
        raise MissingInputError(
            f"Shards {part.name} of {day} are not scored, or no longer there. Nothing of the day "
            f"was written; the list before stays. {_AGAIN}",
            day=day.isoformat(),
        ) from missing


def _describe_origin(day: dt.date, model_ids: Mapping[str, str], lake: Lake) -> bytes:
    """Return the models and the bytes of the day itself; a day before it may be built again at any time."""
    datasets = sorted({load_target(name).dataset for name in model_ids})
    digests = {name: lake.digest_day(name, day) for name in datasets if lake.has_day(name, day)}
    return json.dumps({"models": dict(model_ids), "days": digests}, sort_keys=True).encode()
