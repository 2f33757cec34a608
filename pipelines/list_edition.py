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
from pipelines.inventory import DATASET as INVENTORY
from pipelines.inventory import find_inventory_days
from pipelines.lake import Lake, encode_parquet, partition_key
from pipelines.list_explanation import Explain, Explanation
from pipelines.log_excerpts import read_log_excerpts
from pipelines.outage_words import describe_outages
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
from pipelines.realised_rates import read_realised_rates
from pipelines.report.content import (
    Abstention,
    AbstentionCount,
    ListEntry,
    LogExcerpt,
    Report,
    ScorerDescription,
)
from pipelines.report.page import render_report
from pipelines.scorer_description import describe_scorer, model_digest
from pipelines.settings import Settings
from pipelines.source_outages import find_outages
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
    """The target and model of a part of the day's predictions, and what the list says of them."""

    target: Target
    model_id: str
    description: ScorerDescription


def compose_edition(day: dt.date, settings: Settings, lake: Lake, explain: Explain) -> Edition:
    """Return the list of ``day`` from its predictions; the same inputs give the same bytes.

    Every object that is read is named in the manifest with its digest, and every one that was looked
    for in vain. ``ContractBlockedError`` if the list breaks its contract: nothing is published then.
    """
    recording = RecordingStore(lake.store)
    recorded = Lake(recording)
    predictions = recorded.read_day("out_predictions", day)
    scorers = _list_scorers(predictions, day, recorded)
    outages = describe_outages(day, find_outages(day, settings, recorded), predictions, recorded)
    listed = list_at_risk(predictions, length=settings.list.length, minimum_risk=settings.list.minimum_risk)
    logs = dict(
        zip(
            listed["rank"].to_pylist(),
            read_log_excerpts(listed, predictions, day, settings, recorded),
            strict=True,
        )
    )
    explained = (
        entry
        for scorer in scorers
        for entry in _explain_entries(listed, scorer, logs, day, settings, recorded, explain)
    )
    entries = tuple(sorted(explained, key=lambda entry: entry.rank))
    table = _validate(tabulate_entries(entries, day), day, lake)
    abstained = predictions.filter(pc.is_null(predictions["risk"]))
    report = Report(
        environment=settings.environment,
        day=day,
        list_length=settings.list.length,
        minimum_risk=settings.list.minimum_risk,
        scorers=tuple(scorer.description for scorer in scorers),
        contracts=read_outcomes(day, [scorer.target for scorer in scorers], settings, recorded),
        data_docs_link=DATA_DOCS_LINK,
        plan_link=f"../day={day}/plan.html",
        outages=outages,
        realised=read_realised_rates(recorded, day),
        entries=entries,
        risks=tuple(pc.drop_null(predictions["risk"]).to_pylist()),
        abstention_counts=_count_abstentions(abstained),
        abstentions=_list_abstentions(abstained),
        code_version=code_version(),
    )
    files = {LIST_FILE: encode_parquet(table), CSV_FILE: write_csv(table), REPORT_FILE: render_report(report)}
    _record_inventory(day, settings, recorded)
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
        outages=outages,
    )
    return Edition(manifest=manifest, files=files, table=table)


def _list_scorers(predictions: pa.Table, day: dt.date, lake: Lake) -> tuple[UsedScorer, ...]:
    used = predictions.group_by(["target", "model_id"]).aggregate([]).to_pylist()
    scorers = []
    for name, model_id in sorted((row["target"], row["model_id"]) for row in used):
        target = load_target(name)
        description = describe_scorer(target, model_id, day, lake)
        scorers.append(UsedScorer(target=target, model_id=model_id, description=description))
    return tuple(scorers)


def _explain_entries(
    listed: pa.Table,
    scorer: UsedScorer,
    logs: Mapping[int, LogExcerpt | None],
    day: dt.date,
    settings: Settings,
    lake: Lake,
    explain: Explain,
) -> list[ListEntry]:
    """Return the entries of one target and model. Without any, the lookback is still read, for the record."""
    is_ours = pc.and_(
        pc.equal(listed["target"], scorer.target.name), pc.equal(listed["model_id"], scorer.model_id)
    )
    ours = listed.filter(is_ours)
    explanations = explain(ours, scorer.target, scorer.model_id, day, settings, lake)
    return [
        _entry(row, explanation, logs[row["rank"]], scorer, day)
        for row, explanation in zip(ours.to_pylist(), explanations, strict=True)
    ]


def _entry(
    row: dict[str, object],
    explanation: Explanation,
    log: LogExcerpt | None,
    scorer: UsedScorer,
    day: dt.date,
) -> ListEntry:
    names = (
        *("rank", "host_id", "host_risk", "component_id", "component_kind"),
        *("model", "slot", "rack", "site", "target", "model_id", "risk"),
    )
    target = scorer.target
    return ListEntry(
        **{name: row[name] for name in names},  # type: ignore[arg-type]  # typed by the contract
        due_day=due_day(day, lead_days=target.lead_days, horizon_days=target.horizon_days),
        check_first=choose_check_first(explanation.reasons, component_kind=str(row["component_kind"])),
        reasons=explanation.reasons,
        signal_series=explanation.signal_series,
        risk_series=explanation.risk_series,
        scored_by=scorer.description.scored_by,
        log=log,
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
    columns = ["host_id", "component_id", "component_kind", "model", "abstention_reason"]
    return tuple(
        Abstention(
            host_id=row["host_id"],
            component_id=row["component_id"],
            component_kind=row["component_kind"],
            model=row["model"],
            reason=str(row["abstention_reason"]),
        )
        for row in abstained.sort_by(order).select(columns).to_pylist()
    )


def _record_inventory(day: dt.date, settings: Settings, recorded: Lake) -> None:
    """Read what the predictions took slots and racks from, so that the manifest names it."""
    for source, at in find_inventory_days(day, settings, recorded):
        recorded.store.read(partition_key(INVENTORY, at, source))


def _settings_digest(settings: Settings) -> str:
    text = settings.model_dump_json(include=_SETTINGS_THAT_COUNT)
    return hashlib.sha256(text.encode()).hexdigest()
