"""Which ingested days were made of something that is no longer so: late files, replaced files, lost files.

Compares the digests that the records of deliveries keep with what each source has now.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from pipelines.deliveries import delivery_key, list_deliveries
from pipelines.errors import MissingInputError, PermanentError
from pipelines.ingest import IngestedSource, ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from pipelines.sources.source import InputFile, current_inputs, load_source_kind
from pipelines.step_facts import StepFacts

log = logging.getLogger(__name__)

_RECORD = TypeAdapter(IngestedSource)


@dataclass(frozen=True, kw_only=True)
class ChangedDay:
    """One day of one source whose inputs differ from those it was ingested from.

    ``arrived``: the day was ingested without this source, which has something of it now.
    """

    source: str
    day: dt.date
    what: Literal["changed", "gone", "arrived"]
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FoundChanges:
    """All changed days, ascending, and the sources of which nobody can tell."""

    changes: tuple[ChangedDay, ...]
    sources_without_inputs: tuple[str, ...]


def find_changed_days(
    settings: Settings,
    lake: Lake,
    *,
    source_names: Sequence[str] | None = None,
    first_day: dt.date = dt.date.min,
    last_day: dt.date = dt.date.max,
) -> FoundChanges:
    """Compare every ingested day of every source with what the source has now. Nothing is written."""
    changes: list[ChangedDay] = []
    without: list[str] = []
    ingested = _ingested_days(lake)
    for source in settings.sources:
        if source_names is not None and source.name not in source_names:
            continue
        days = [day for day in ingested.get(source.name, []) if first_day <= day <= last_day]
        records = [(day, _read_record(lake, day, source.name)) for day in days]
        if records and not any(record.inputs for _, record in records):
            without.append(source.name)
            continue
        for day, record in records:
            if change := _compare(record.inputs, source, day, settings):
                changes.append(change)
    changes.sort(key=lambda change: (change.day, change.source))
    return FoundChanges(changes=tuple(changes), sources_without_inputs=tuple(without))


def find_arrived_days(
    settings: Settings, lake: Lake, *, source_names: Sequence[str] | None = None
) -> tuple[ChangedDay, ...]:
    """Return the days that other sources delivered and this one did not, of which it has something now.

    Only days after the source's own first one: what lies before is a back-fill, asked for by its days. A
    source that keeps no record of its inputs is not asked.
    """
    arrived: list[ChangedDay] = []
    ingested = _ingested_days(lake)
    all_days = sorted({day for days in ingested.values() for day in days})
    for source in settings.sources:
        own = ingested.get(source.name, [])
        missing = [day for day in all_days if own and min(own) < day and day not in own]
        if not missing or (source_names is not None and source.name not in source_names):
            continue
        if not any(_read_record(lake, day, source.name).inputs for day in own):
            continue
        kind = load_source_kind(source.kind)
        options = kind.Options.model_validate(source.options)
        for day in missing:
            try:
                current = current_inputs(kind, options, day, settings.base_folder)
            except MissingInputError:
                continue
            if current:
                names = tuple(file.name for file in current)
                arrived.append(ChangedDay(source=source.name, day=day, what="arrived", names=names))
    return tuple(sorted(arrived, key=lambda change: (change.day, change.source)))


def reopen_days(changes: Sequence[ChangedDay], settings: Settings, lake: Lake) -> Iterator[StepFacts]:
    """Ingest anew the changed days, oldest first, from the changed sources only.

    A day whose inputs are gone is left as it is: what was delivered once is not undone by a lost file.
    """
    days = sorted({change.day for change in changes if change.what != "gone"})
    for day in days:
        names = [change.source for change in changes if change.day == day and change.what != "gone"]
        yield ingest_day(day, settings, lake, source_names=names)
    log.info(f"re-opened days: days={len(days)} changes={len(changes)}")


def describe_change(change: ChangedDay) -> str:
    """Return one line that says what is no longer so."""
    shown = ", ".join(change.names[:5]) + (
        f" and {len(change.names) - 5} more" if len(change.names) > 5 else ""
    )
    if change.what == "gone":
        return (
            f"{change.day} {change.source}: its inputs are gone ({shown}); the day stays as it was ingested"
        )
    if change.what == "arrived":
        return f"{change.day} {change.source}: {shown} came after the day was ingested without this source"
    return f"{change.day} {change.source}: {shown} changed since it was ingested"


def _ingested_days(lake: Lake) -> dict[str, list[dt.date]]:
    days: dict[str, list[dt.date]] = {}
    for day, source in list_deliveries(lake):
        days.setdefault(source, []).append(day)
    return days


def _read_record(lake: Lake, day: dt.date, source: str) -> IngestedSource:
    key = delivery_key(source, day)
    try:
        return _RECORD.validate_python(lake.read_json(key))
    except ValidationError as broken:
        raise PermanentError(
            f"{lake.store.uri(key)} is not a record of an ingested day. Nothing was re-opened. "
            f"Write it anew: prefail ingest --day {day} --source {source}",
            day=day.isoformat(),
            source=source,
        ) from broken


def _compare(
    recorded: tuple[InputFile, ...], source: SourceSettings, day: dt.date, settings: Settings
) -> ChangedDay | None:
    kind = load_source_kind(source.kind)
    options = kind.Options.model_validate(source.options)
    current = current_inputs(kind, options, day, settings.base_folder)
    # Where a file lies, and how it is compressed, may change without a change of what it says; its
    # digest is what counts.
    before, now = {file.sha256 for file in recorded}, {file.sha256 for file in current}
    if before == now:
        return None
    if not now:
        return ChangedDay(source=source.name, day=day, what="gone", names=tuple(f.name for f in recorded))
    changed = [file.name for file in current if file.sha256 not in before]
    lost = [file.name for file in recorded if file.sha256 not in now]
    return ChangedDay(
        source=source.name, day=day, what="changed", names=tuple(dict.fromkeys(changed or lost))
    )
