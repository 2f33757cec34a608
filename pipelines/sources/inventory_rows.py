"""One row of an inventory export, typed: which part sat where, from when until when, since when that is known."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.errors import SourceError
from pipelines.sources.export_file import BadRow, read_moment, read_records, read_text

TEXT_FIELDS: tuple[str, ...] = (
    *("component_id", "component_kind", "host_id", "slot", "rack", "site", "role"),
    *("redundancy_group", "model", "firmware"),
)
DAY_FIELDS = ("valid_from", "valid_to", "in_service_since", "known_at")
FIELDS = (*TEXT_FIELDS, *DAY_FIELDS, "slot_confidence")
_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, kw_only=True)
class InventoryRow:
    """One part in one place during ``[valid_from, valid_to)``; None is open.

    ``known_at`` is when the inventory learnt it; None where the export does not say. ``texts`` has the
    fields of ``TEXT_FIELDS`` that are given.
    """

    texts: Mapping[str, str]
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    known_at: dt.datetime | None
    in_service_since: dt.datetime | None
    slot_confidence: float | None

    @property
    def sort_key(self) -> tuple[str, dt.datetime, str]:
        """Return what orders rows: by part, the earlier first, ties by everything else."""
        return self.component_id, self.valid_from or _EARLIEST, repr(sorted(self.texts.items()))

    @property
    def component_id(self) -> str:
        """Return the part's name; a host that names no other part is one itself."""
        return self.texts.get("component_id") or self.texts.get("host_id", "")

    @property
    def component_kind(self) -> str:
        """Return what the part is; a row that names no part of a host is about the host."""
        is_host = self.component_id == self.texts.get("host_id")
        return self.texts.get("component_kind") or ("host" if is_host else "")

    def is_valid_at(self, moment: dt.datetime) -> bool:
        """Return whether the part sat there at that moment."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )


def parse_inventory(data: bytes, name: str, columns: Mapping[str, str]) -> Iterator[InventoryRow | BadRow]:
    """Yield each row of an export: CSV with a header, a JSON list of objects, or one JSON object a line.

    ``columns`` goes from our field to the export's own name. ``SourceError`` if the whole can't be read.
    """
    records = read_records(data, name, "inventory")
    names = {field: columns.get(field, field) for field in FIELDS}
    n_rows = 0
    for number, record in enumerate(records, start=1):
        n_rows = number
        if number == 1 and not {names["component_id"], names["host_id"]} & set(record):
            raise SourceError(
                f"{name} has neither a column {names['component_id']} nor {names['host_id']}; it has "
                f"{', '.join(sorted(record)[:20])}. Nothing was read. Name its columns in `columns` of the source.",
                file=name,
            )
        yield _parse_row(record, names, f"{name} row {number}")
    if not n_rows:
        raise SourceError(f"{name} has no row. Nothing was read. Export the inventory anew.", file=name)


def _parse_row(record: Mapping[str, object], names: Mapping[str, str], place: str) -> InventoryRow | BadRow:
    said = {field: read_text(record.get(own)) for field, own in names.items()}
    try:
        days = {field: read_moment(said[field], field) for field in DAY_FIELDS}
        row = InventoryRow(
            texts={field: text for field in TEXT_FIELDS if (text := said[field])},
            valid_from=days["valid_from"],
            valid_to=days["valid_to"],
            known_at=days["known_at"],
            in_service_since=days["in_service_since"],
            slot_confidence=_share(said["slot_confidence"]),
        )
    except ValueError as wrong:
        return BadRow(reason=str(wrong), example=place)
    if not row.component_id:
        return BadRow(reason="names neither a part nor a host", example=place)
    if row.valid_from is not None and row.valid_to is not None and row.valid_to <= row.valid_from:
        return BadRow(reason="is over before it begins", example=f"{place} ({row.component_id})")
    return row


def _share(text: str) -> float | None:
    """A word for sureness would mean something else in each inventory, so only numbers are taken."""
    if not text:
        return None
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not math.isfinite(share):
        raise ValueError("slot_confidence is no number")
    return share
