"""Make one edition of a day's list, in memory: the table, the CSV, the report, and what they are made of."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import list_contracts, load_contract
from features.roll_up import due_day, list_at_risk
from features.target import Target, load_target
from pipelines.at_risk_table import DATASET, tabulate_entries
from pipelines.code_version import code_version
from pipelines.contract_outcomes import DATA_DOCS_LINK, read_outcomes
from pipelines.csv_list import write_csv
from pipelines.errors import ContractBlockedError
from pipelines.lake import Lake, encode_parquet, partition_key
from pipelines.list_explanation import Explain, Explanation
from pipelines.published_list import (
    CSV_FILE,
    LIST_FILE,
    REPORT_FILE,
    ContractVersion,
    InputPartition,
    Manifest,
    PublishedFile,
    UsedModel,
    digest,
)
from pipelines.report.content import Abstention, AbstentionCount, ListEntry, Report
from pipelines.report.page import render_report
from pipelines.scorer_description import describe_scorer, model_digest
from pipelines.settings import Settings
from pipelines.store_views import RecordingStore
from pipelines.tickets.playbook import choose_check_first
from pipelines.validation import validate_day

# What decides about a list; where the lake lies, or how tickets follow, does not.
_SETTINGS_THAT_COUNT = {"environment", "sources", "targets", "list"}


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A list that is ready to be published. ``files`` are the bytes by name, all named in ``manifest``."""

    manifest: Manifest
    files: Mapping[str, bytes]
    table: pa.Table


@dataclass(frozen=True, kw_only=True)
class UsedScorer:
    """The target and model of a part of the day's predictions."""

    target: Target
    model_id: str


def compose_edition(day: dt.date, settings: Settings, lake: Lake, explain: Explain) -> Edition:
    """Return the list of ``day`` from its predictions; the same inputs give the same bytes.

    Every object that is read is named in the manifest with its digest, and every one that was looked
    for in vain. ``ContractBlockedError`` if the list breaks its contract: nothing is published then.
    """
    recording = RecordingStore(lake.store)
    recorded = Lake(recording)
    predictions = recorded.read_day("out_predictions", day)
    scorers = _list_scorers(predictions)
    listed = list_at_risk(predictions, length=settings.list.length, minimum_risk=settings.list.minimum_risk)
    entries = tuple(
        sorted(
            (
                entry
                for scorer in scorers
                for entry in _explain_entries(listed, scorer, day, settings, recorded, explain)
            ),
            key=lambda entry: entry.rank,
        )
    )
    table = _validate(tabulate_entries(entries, day), day, lake)
    abstained = predictions.filter(pc.is_null(predictions["risk"]))
    report = Report(
        environment=settings.environment,
        day=day,
        list_length=settings.list.length,
        minimum_risk=settings.list.minimum_risk,
        scorers=tuple(describe_scorer(scorer.target, scorer.model_id, recorded) for scorer in scorers),
        contracts=read_outcomes(day, settings, recorded),
        data_docs_link=DATA_DOCS_LINK,
        entries=entries,
        risks=tuple(pc.drop_null(predictions["risk"]).to_pylist()),
        abstention_counts=_count_abstentions(abstained),
        abstentions=_list_abstentions(abstained),
        code_version=code_version(),
    )
    files = {LIST_FILE: encode_parquet(table), CSV_FILE: write_csv(table), REPORT_FILE: render_report(report)}
    _record_inventory(day, lake, recorded)
    predictions_key = partition_key("out_predictions", day)
    manifest = Manifest(
        day=day,
        environment=settings.environment,
        list_length=settings.list.length,
        minimum_risk=settings.list.minimum_risk,
        code_version=code_version(),
        settings_sha256=_settings_digest(settings),
        models=tuple(
            UsedModel(
                target=scorer.target.name,
                target_sha256=scorer.target.digest,
                model_id=scorer.model_id,
                sha256=model_digest(scorer.model_id, recorded),
            )
            for scorer in scorers
        ),
        contracts=tuple(
            ContractVersion(
                dataset=name, version=load_contract(name).version, sha256=load_contract(name).sha256
            )
            for name in list_contracts()
        ),
        inputs=tuple(
            InputPartition(key=key, sha256=sha256)
            for key, sha256 in sorted(recording.digests.items())
            if key != predictions_key
        ),
        predictions=InputPartition(key=predictions_key, sha256=recording.digests[predictions_key]),
        files=tuple(
            PublishedFile(name=name, sha256=digest(data), size_bytes=len(data))
            for name, data in files.items()
        ),
        n_scored=len(report.risks),
        n_abstained=report.n_abstained,
        n_listed=len(entries),
    )
    return Edition(manifest=manifest, files=files, table=table)


def _list_scorers(predictions: pa.Table) -> tuple[UsedScorer, ...]:
    used = predictions.group_by(["target", "model_id"]).aggregate([]).to_pylist()
    return tuple(
        UsedScorer(target=load_target(target), model_id=model_id)
        for target, model_id in sorted((row["target"], row["model_id"]) for row in used)
    )


def _explain_entries(
    listed: pa.Table, scorer: UsedScorer, day: dt.date, settings: Settings, lake: Lake, explain: Explain
) -> list[ListEntry]:
    """Return the entries of one target and model. Without any, the lookback is still read, for the record."""
    is_ours = pc.and_(
        pc.equal(listed["target"], scorer.target.name), pc.equal(listed["model_id"], scorer.model_id)
    )
    ours = listed.filter(is_ours)
    explanations = explain(ours, scorer.target, scorer.model_id, day, settings, lake)
    return [
        _entry(row, explanation, scorer.target, day)
        for row, explanation in zip(ours.to_pylist(), explanations, strict=True)
    ]


def _entry(row: dict[str, object], explanation: Explanation, target: Target, day: dt.date) -> ListEntry:
    names = (
        *("rank", "host_id", "host_risk", "component_id", "component_kind"),
        *("model", "slot", "rack", "site", "target", "model_id", "risk"),
    )
    return ListEntry(
        **{name: row[name] for name in names},  # type: ignore[arg-type]  # typed by the contract
        due_day=due_day(day, lead_days=target.lead_days, horizon_days=target.horizon_days),
        check_first=choose_check_first(explanation.reasons),
        reasons=explanation.reasons,
        signal_series=explanation.signal_series,
        risk_series=explanation.risk_series,
    )


def _validate(table: pa.Table, day: dt.date, lake: Lake) -> pa.Table:
    validated = validate_day(load_contract(DATASET), table, day, lake)
    if validated.n_quarantined:
        # Our own output: a row at fault is our defect, never something to leave out quietly.
        raise ContractBlockedError(
            f"{DATASET} of {day} has {validated.n_quarantined} rows that break its contract. Nothing was "
            "published; the list before stays. This is a defect of Prefail, please report it with the rows "
            f"at {lake.store.uri(f'quarantine/{DATASET}/day={day}/')}.",
            dataset=DATASET,
            day=day.isoformat(),
        )
    return validated.table


def _count_abstentions(abstained: pa.Table) -> tuple[AbstentionCount, ...]:
    counts = Counter(abstained["abstention_reason"].to_pylist())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(AbstentionCount(reason=str(reason), count=count) for reason, count in ordered)


def _list_abstentions(abstained: pa.Table) -> tuple[Abstention, ...]:
    order = [(name, "ascending") for name in ("abstention_reason", "host_id", "component_id", "target")]
    columns = ["host_id", "component_id", "model", "abstention_reason"]
    return tuple(
        Abstention(
            host_id=row["host_id"],
            component_id=row["component_id"],
            model=row["model"],
            reason=str(row["abstention_reason"]),
        )
        for row in abstained.sort_by(order).select(columns).to_pylist()
    )


def _record_inventory(day: dt.date, lake: Lake, recorded: Lake) -> None:
    """Read what the predictions took slots and racks from, so that the manifest names it."""
    for item in lake.store.list_keys(f"raw_inventory/day={day.isoformat()}/"):
        recorded.store.read(item.key)


def _settings_digest(settings: Settings) -> str:
    text = settings.model_dump_json(include=_SETTINGS_THAT_COUNT)
    return hashlib.sha256(text.encode()).hexdigest()
