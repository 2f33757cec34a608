"""Read one day from every source, check it against its contract, and keep it as delivered."""

import dataclasses
import datetime as dt
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from data_contracts.loader import load_contract
from pipelines.deliveries import delivery_key
from pipelines.errors import ConfigError, MissingInputError, PrefailError
from pipelines.lake import Lake
from pipelines.lake_format import mark_format
from pipelines.settings import Settings, SourceSettings
from pipelines.sources.source import InputFile, LeftOut, load_source_kind
from pipelines.step_facts import StepFacts
from pipelines.validation import validate_day
from pipelines.verdicts import read_verdict_rows

log = logging.getLogger(__name__)

_DAYS_THAT_SAY_WHAT_IS_USUAL = 7


@dataclass(frozen=True, kw_only=True)
class IngestedSource:
    """What one source delivered for one day, and the files it came from."""

    source: str
    n_rows: int
    n_quarantined: int
    inputs: tuple[InputFile, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def n_left_out(self) -> int:
        """Return how many pieces of input gave no row."""
        return sum(left.count for left in self.left_out)


def ingest_day(
    day: dt.date, settings: Settings, lake: Lake, *, source_names: Sequence[str] | None = None
) -> StepFacts:
    """Write raw_ datasets of ``day``, one part a source; a source's failure leaves the others' parts alone.

    Every source is tried; after the last one the first error is raised, with the names of all that failed.
    """
    wanted = [s for s in settings.sources if source_names is None or s.name in source_names]
    if not wanted:
        raise ConfigError(
            "No source to ingest. Add a [[sources]] section to the settings; prefail config check lists them.",
            sources=tuple(s.name for s in settings.sources),
        )
    mark_format(lake)
    ingested: list[IngestedSource] = []
    errors: dict[str, PrefailError] = {}
    for source in wanted:
        try:
            ingested.append(_ingest_source(day, source, settings, lake))
        except PrefailError as error:
            if len(wanted) > 1:
                log.error(f"source {source.name} failed, the others go on: {error}")
            errors[source.name] = error
    if errors:
        raise _first_of(errors, day, n_sources=len(wanted))
    facts = StepFacts(
        step="ingested",
        day=day,
        facts=(
            ("sources", len(wanted)),
            ("rows", sum(each.n_rows for each in ingested)),
            ("quarantined", sum(each.n_quarantined for each in ingested)),
            ("left_out", sum(each.n_left_out for each in ingested)),
        ),
    )
    log.info(facts.summary)
    return facts


def _first_of(errors: Mapping[str, PrefailError], day: dt.date, *, n_sources: int) -> PrefailError:
    """Return the first error; where there were other sources, it says what became of them."""
    first = next(iter(errors.values()))
    if n_sources == 1:
        return first
    said = f"{first.message}\n{len(errors)} of {n_sources} sources failed for {day}: {', '.join(errors)}."
    if len(errors) < n_sources:
        said += (
            " The others are written. To go on without the ones that failed, whose components are then abstained "
            f"on: prefail build --day {day}"
        )
    return type(first)(said, **{**first.facts, "failed_sources": tuple(errors)})


def list_source_days(settings: Settings) -> list[dt.date]:
    """Return the days that at least one source can deliver, ascending."""
    days: set[dt.date] = set()
    for source in settings.sources:
        kind = load_source_kind(source.kind)
        days.update(kind.list_days(kind.Options.model_validate(source.options), settings.base_folder))
    return sorted(days)


def _ingest_source(day: dt.date, source: SourceSettings, settings: Settings, lake: Lake) -> IngestedSource:
    kind = load_source_kind(source.kind)
    options = kind.Options.model_validate(source.options)
    # Everything is read before anything is written: a file that breaks off half-way leaves no trace.
    delivered = list(kind.read_day(options, day, settings.base_folder))
    if not delivered:
        raise MissingInputError(
            f"Source {source.name} ({source.kind}) has nothing for {day}. Nothing was written. "
            f"See which days it has: prefail ingest --list-days",
            source=source.name,
            day=day.isoformat(),
        )
    n_rows = n_quarantined = 0
    for raw in delivered:
        validated = validate_day(
            load_contract(raw.dataset),
            _with_source_name(raw.table, source.name),
            day,
            lake,
            part=source.name,
            usual_rows=usual_rows(lake, raw.dataset, day, source.name),
        )
        lake.write_day(raw.dataset, day, validated.table, part=source.name)
        n_rows += validated.table.num_rows
        n_quarantined += validated.n_quarantined
    record = IngestedSource(
        source=source.name,
        n_rows=n_rows,
        n_quarantined=n_quarantined,
        inputs=tuple(dict.fromkeys(file for raw in delivered for file in raw.inputs)),
        left_out=tuple(dict.fromkeys(left for raw in delivered for left in raw.left_out)),
    )
    # Says which bytes a day was made of, so that a file that changed later is noticed.
    lake.write_json(delivery_key(source.name, day), dataclasses.asdict(record))
    return record


def _with_source_name(table: pa.Table, name: str) -> pa.Table:
    names = pa.array([name] * table.num_rows, pa.string())
    at = table.schema.get_field_index("source")
    return table.append_column("source", names) if at < 0 else table.set_column(at, "source", names)


def usual_rows(lake: Lake, dataset: str, day: dt.date, part: str) -> int | None:
    """Return the median row count of the week before ``day``; None where no day of it was delivered."""
    counts = [
        rows
        for back in range(1, _DAYS_THAT_SAY_WHAT_IS_USUAL + 1)
        if (rows := read_verdict_rows(lake, dataset, day - dt.timedelta(days=back), part)) is not None
    ]
    return int(statistics.median(counts)) if counts else None
