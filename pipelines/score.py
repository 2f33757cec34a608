"""Give every component in service on a day its calibrated risk, or say why not."""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import load_contract
from features.feature_names import MAX_GAP_DAYS
from features.shards import split_shards
from features.target import load_target
from pipelines.deliveries import has_delivered
from pipelines.errors import ContractBlockedError, MissingInputError
from pipelines.inventory import join_inventory
from pipelines.lake import Lake
from pipelines.outage_words import SOURCE_DOWN, describe_outages
from pipelines.settings import Settings
from pipelines.source_outages import SourceOutage, find_outages
from pipelines.step_facts import StepFacts
from pipelines.target_predictions import predict_target, rank_predictions
from pipelines.target_scorers import TargetScorer, open_target_scorers
from pipelines.validation import validate_day

log = logging.getLogger(__name__)

DATASET = "out_predictions"


def score_day(
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    model_id: str | None = None,
    scorers: Sequence[TargetScorer] | None = None,
) -> StepFacts:
    """Write out_predictions of ``day``: one row per component in service in the last week and target.

    Only what was known by the end of ``day`` is used. A target that no day of the last week speaks of is
    passed over; of one whose own day was not built all components are abstained on. ``MissingInputError``
    if no target's day was built. ``scorers`` may be passed for a span of days.
    """
    scorers = scorers or open_target_scorers(settings, lake, model_id=model_id)
    in_service = find_in_service(day, [each.target.name for each in scorers], settings, lake)
    ours = [each for each in scorers if each.target.name in in_service]
    outages = find_outages(day, settings, lake)
    tables = [
        predict_shards(day, ours, shards, outages, settings, lake)
        for shards in split_shards(settings.scoring.n_shard_groups)
    ]
    return write_predictions(
        day,
        tables,
        {each.target.name: each.scorer.model_id for each in ours},
        settings,
        lake,
        passed_over=[each.target.name for each in scorers if each.target.name not in in_service],
    )


def find_in_service(day: dt.date, targets: Sequence[str], settings: Settings, lake: Lake) -> tuple[str, ...]:
    """Return the targets that have components in service; ``MissingInputError`` if no target's day was built."""
    datasets = {name: load_target(name).dataset for name in targets}
    if not any(lake.has_day(dataset, day) for dataset in datasets.values()):
        raise _nothing_built(day, tuple(dict.fromkeys(datasets.values())), settings, lake)
    return tuple(name for name, dataset in datasets.items() if _was_built_lately(dataset, day, lake))


def predict_shards(
    day: dt.date,
    scorers: Sequence[TargetScorer],
    shards: Sequence[int],
    outages: Sequence[SourceOutage],
    settings: Settings,
    lake: Lake,
) -> pa.Table:
    """Return what all targets say of the components of ``shards``: target after target, see ``predict_target``."""
    return pa.concat_tables(predict_target(day, each, shards, outages, settings, lake) for each in scorers)


def write_predictions(
    day: dt.date,
    tables: Sequence[pa.Table],
    model_ids: Mapping[str, str],
    settings: Settings,
    lake: Lake,
    *,
    passed_over: Sequence[str],
) -> StepFacts:
    """Put the shard groups of a day together, ascending: out_predictions, and the facts of the day.

    ``model_ids``: what scored each target. The result does not depend on how many groups there were.
    """
    rows = pa.concat_tables(tables)
    ranked = [
        rank_predictions(rows.filter(pc.equal(rows["target"], name)).combine_chunks()) for name in model_ids
    ]
    predictions = join_inventory(pa.concat_tables(ranked), day, settings, lake)
    validated = validate_day(load_contract(DATASET), predictions, day, lake)
    if validated.n_quarantined:
        # Our own output: a row at fault is our defect, never something to set aside quietly.
        raise ContractBlockedError(
            f"out_predictions of {day} has {validated.n_quarantined} rows that break its contract. "
            "Nothing was published. This is a defect of Prefail, please report it with the rows at "
            f"quarantine/out_predictions/day={day}/.",
            dataset=DATASET,
            day=day.isoformat(),
        )
    lake.write_day(DATASET, day, validated.table)
    outages = find_outages(day, settings, lake)
    facts = StepFacts(
        step="scored",
        day=day,
        facts=(*_facts(predictions, model_ids, passed_over), *_outage_facts(outages, predictions)),
    )
    log.info(facts.summary)
    for sentence in describe_outages(day, outages, predictions, lake):
        log.warning(sentence)
    return facts


def _was_built_lately(dataset: str, day: dt.date, lake: Lake) -> bool:
    """Return whether ``dataset`` has a day in ``(day - 7, day]``: else none of its components is in service."""
    if lake.has_day(dataset, day):
        return True
    return any(day - dt.timedelta(days=MAX_GAP_DAYS) < found <= day for found in lake.list_days(dataset))


def _nothing_built(
    day: dt.date, datasets: Sequence[str], settings: Settings, lake: Lake
) -> MissingInputError:
    is_ingested = any(has_delivered(source.name, day, lake) for source in settings.sources)
    ingest = "" if is_ingested else f"prefail ingest --day {day} && "
    return MissingInputError(
        f"{' and '.join(datasets)} {'has' if len(datasets) == 1 else 'have'} no data of {day}. Nothing was scored; "
        f"the list before stays. Run: {ingest}prefail build --day {day}",
        dataset=next(iter(datasets), None),
        day=day.isoformat(),
    )


def _facts(
    predictions: pa.Table, model_ids: Mapping[str, str], passed_over: Sequence[str]
) -> list[tuple[str, object]]:
    n_abstained = predictions["risk"].null_count
    return [
        ("scored", predictions.num_rows - n_abstained),
        ("abstained", n_abstained),
        ("models", ",".join(sorted(set(model_ids.values())))),
        ("highest_risk", f"{pc.max(predictions['risk']).as_py() or 0.0:.3f}"),
        *([("without_components", ",".join(passed_over))] if passed_over else []),
    ]


def _outage_facts(outages: Sequence[SourceOutage], predictions: pa.Table) -> list[tuple[str, object]]:
    if not outages:
        return []
    n_down = pc.sum(pc.equal(predictions["abstention_reason"], SOURCE_DOWN)).as_py() or 0
    return [("sources_down", ",".join(each.source for each in outages)), ("abstained_for_them", n_down)]
