"""One row of a repair or incident log, typed: which part failed when, and since when that is known."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from features.log_templates import escape_text
from pipelines.errors import SourceError
from pipelines.sources.export_file import BadRow, read_moment, read_text

FIELDS = ("component_id", "component_kind", "host_id", "failed_at", "cause", "is_confirmed", "known_at")
_FLAGS = {"": True, **dict.fromkeys(("1", "true", "yes"), True), **dict.fromkeys(("0", "false", "no"), False)}
MAX_NAME_CHARS = 255
MAX_CAUSE_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class FailureRow:
    """One failed part. ``known_at`` is None where the log does not say when it was written."""

    component_id: str
    component_kind: str
    host_id: str
    failed_at: dt.datetime
    cause: str | None
    is_confirmed: bool
    known_at: dt.datetime | None

    @property
    def sort_key(self) -> tuple[str, dt.datetime, str]:
        """Return what orders rows: by part, the earlier first, ties by everything else."""
        return self.component_id, self.failed_at, repr(self)


def parse_failures(
    records: Iterator[Mapping[str, object]], name: str, columns: Mapping[str, str]
) -> Iterator[FailureRow | BadRow]:
    """Yield each row of an export; ``columns`` goes from our field to the export's own name.

    ``SourceError`` if its rows do not say when.
    """
    names = {field: columns.get(field, field) for field in FIELDS}
    for number, record in enumerate(records, start=1):
        if number == 1 and names["failed_at"] not in record:
            raise SourceError(
                f"{name} has no column {names['failed_at']}; it has {', '.join(sorted(record)[:20])}. Nothing was "
                "read. Name its columns in `columns` of the source.",
                file=name,
            )
        yield _parse_row(record, names, f"{name} row {number}")


def _parse_row(record: Mapping[str, object], names: Mapping[str, str], place: str) -> FailureRow | BadRow:
    said = {field: read_text(record.get(own)) for field, own in names.items()}
    try:
        failed_at, known_at = (read_moment(said[field], field) for field in ("failed_at", "known_at"))
    except ValueError as wrong:
        return BadRow(reason=str(wrong), example=place)
    kind = said["component_kind"].casefold()
    host_id = said["host_id"] or (said["component_id"] if kind == "host" else "")
    component_id = said["component_id"] or (host_id if kind == "host" else "")
    if not component_id or not kind:
        return BadRow(reason="names no part, or not of which kind it is", example=place)
    if not all(text.isprintable() and len(text) <= MAX_NAME_CHARS for text in (component_id, host_id, kind)):
        return BadRow(reason="a name has control characters or is longer than 255", example=place)
    if failed_at is None:
        return BadRow(reason="failed_at is empty", example=f"{place} ({component_id})")
    if known_at is not None and known_at < failed_at:
        return BadRow(reason="is known before it happened", example=f"{place} ({component_id})")
    if said["is_confirmed"].casefold() not in _FLAGS:
        return BadRow(reason="is_confirmed is neither true nor false", example=f"{place} ({component_id})")
    return FailureRow(
        component_id=component_id,
        component_kind=kind,
        host_id=host_id or f"unknown:{component_id}",
        failed_at=failed_at,
        cause=escape_text(" ".join(said["cause"].split()), MAX_CAUSE_CHARS) or None,
        is_confirmed=_FLAGS[said["is_confirmed"].casefold()],
        known_at=known_at,
    )
