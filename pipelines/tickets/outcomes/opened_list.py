"""What the list that opened a ticket said of its part."""

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import Lake
from pipelines.tickets.fleet_view import LIST_DATASET
from pipelines.tickets.playbook import load_playbook
from pipelines.tickets.record import TicketRecord

_COLUMNS = ("component_id", "host_id", "target", "risk", "rank", "model", "site", "check_first")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Null where the list is no longer there, or was published again without the part."""

    risk: float | None = None
    rank: int | None = None
    model: str | None = None
    site: str | None = None
    playbook_rule: str | None = None


class OpenedLists:
    """The at-risk lists of a lake, each read once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lists: dict[dt.date, pa.Table | None] = {}

    def find(self, record: TicketRecord) -> Opening:
        """Return the entry of the list of the ticket's first day."""
        listed = self._read(record.opened_day)
        if listed is None:
            return Opening()
        is_ours = pc.and_(
            pc.equal(listed["component_id"], record.component_id),
            pc.and_(pc.equal(listed["host_id"], record.host_id), pc.equal(listed["target"], record.target)),
        )
        for row in listed.filter(is_ours).to_pylist():
            return Opening(
                risk=row["risk"],
                rank=row["rank"],
                model=row["model"],
                site=row["site"],
                playbook_rule=load_playbook().name_of(row["check_first"]),
            )
        return Opening()

    def _read(self, day: dt.date) -> pa.Table | None:
        if day not in self._lists:
            is_there = self._lake.has_day(LIST_DATASET, day)
            self._lists[day] = self._lake.read_day(LIST_DATASET, day, columns=_COLUMNS) if is_there else None
        return self._lists[day]
