"""The wanted state: the day's at-risk list as entries that may become tickets."""

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from features.evidence import Reason
from pipelines.errors import PermanentError
from pipelines.tickets.ticket_key import TicketKey

COLUMNS = (
    "rank",
    "host_id",
    "component_id",
    "component_kind",
    "model",
    "slot",
    "rack",
    "site",
    "target",
    "risk",
    "due_day",
    "check_first",
    "evidence",
    "model_id",
)
# Lists of releases before the second contract version don't have it.
_OPTIONAL_COLUMNS = ("scored_by",)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One component on the list of one day. ``model`` is the hardware, ``model_id`` the predictor.

    ``firmware`` and ``batch`` are the inventory's: the month in which the part went into service, ``2024-03``,
    stands for the delivery that it came with. ``due_note`` says why the due day is not the list's. ``scored_by``
    says in words what gave the risk.
    """

    key: TicketKey
    rank: int
    host_id: str
    component_id: str
    component_kind: str
    model: str
    slot: str | None
    rack: str | None
    site: str | None
    target: str
    risk: float
    due_day: dt.date
    check_first: str
    evidence: tuple[Reason, ...]
    model_id: str
    firmware: str | None = None
    batch: str | None = None
    due_note: str | None = None
    scored_by: str | None = None

    @property
    def place(self) -> str | None:
        """Site and rack as one name, null where the rack is not known.

        What stands after a slash in a rack is the height unit: ``r12/u07`` is in rack ``r12``.
        """
        return name_rack(self.site, self.rack)


def name_rack(site: str | None, rack: str | None) -> str | None:
    """Return a rack's name among all sites, without the height unit; null where the rack is not known."""
    bare = strip_height_unit(rack)
    return None if bare is None else f"{site or '?'}/{bare}"


def strip_height_unit(rack: str | None) -> str | None:
    """Return a rack's name at its site: ``r12`` of ``r12/u07``; null where the rack is not known."""
    return (rack or "").partition("/")[0] or None


_ENTRY = TypeAdapter(Entry)
_EVIDENCE = TypeAdapter(tuple[Reason, ...])


def read_entries(listed: pa.Table, environment: str, day: dt.date) -> tuple[Entry, ...]:
    """Return the entries of out_at_risk_hosts in rank order, ties by component id; each key once.

    ``PermanentError`` names the first row that is not what the list's contract promises.
    """
    missing = [name for name in COLUMNS if name not in listed.column_names]
    if missing:
        raise _refuse(day, f"it has no column {', '.join(missing)}")
    entries: dict[TicketKey, Entry] = {}
    columns = [*COLUMNS, *(name for name in _OPTIONAL_COLUMNS if name in listed.column_names)]
    for row in sorted(listed.select(columns).to_pylist(), key=lambda row: _order(row, day)):
        try:
            key = TicketKey(
                environment=environment,
                host_id=row["host_id"],
                component_id=row["component_id"],
                target=row["target"],
            )
            evidence = _EVIDENCE.validate_json(row["evidence"] or "", strict=True)
            due_day = dt.date.fromisoformat(row["due_day"] or "")
            entry = _ENTRY.validate_python({**row, "key": key, "evidence": evidence, "due_day": due_day})
        except (ValidationError, ValueError) as wrong:
            raise _refuse(day, f"its entry of rank {row['rank']} is wrong: {wrong}") from wrong
        entries.setdefault(key, entry)
    return tuple(entries.values())


def _order(row: dict[str, object], day: dt.date) -> tuple[int, str]:
    rank, component_id = row["rank"], row["component_id"]
    if not isinstance(rank, int) or not isinstance(component_id, str):
        raise _refuse(day, "an entry has no rank or no component_id")
    return rank, component_id


def _refuse(day: dt.date, reason: str) -> PermanentError:
    return PermanentError(
        f"The at-risk list of {day} can't become tickets: {reason}. No ticket was touched. "
        f"Publish the list again: prefail publish --day {day}, then: prefail tickets --day {day}",
        day=day.isoformat(),
    )
