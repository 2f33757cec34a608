"""What Prefail remembers about a ticket, inside the ticket: a block of JSON between two marker lines.

The tracker is the only state of reconciliation; losing the lake or the desk of a machine loses nothing
that the tickets themselves don't say.
"""

import datetime as dt
import json
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import PermanentError
from pipelines.tickets.escaping import escape_json
from pipelines.tickets.ticket_key import TicketKey

# In the place of a target in the key of a storm's ticket; no target of a model has this name.
STORM_TARGET = "storm"
BEGIN = "BEGIN PREFAIL RECORD (written by a program, leave it as it is)"
END = "END PREFAIL RECORD"
# Values from data are single lines behind a label, so they can't stand alone on a line as the markers do.
_BLOCK = re.compile(rf"^{re.escape(BEGIN)}$(.*?)^{re.escape(END)}$", re.DOTALL | re.MULTILINE)


class TicketRecord(BaseModel):
    """The facts of a ticket that later runs decide by.

    ``told_risk`` and ``told_signals`` are what a reader of the ticket already knows: the risk last
    written down, and every signal ever named. ``list_day``, ``list_manifest`` and ``model_id`` say what
    the text is made of now, the ``opened_…`` fields what made the ticket.

    ``hardware_model``, ``site``, ``rack`` and ``playbook_rule`` are null in tickets of before they were kept.
    ``n_members`` is of a storm's ticket: how many parts its readers know it to be about.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    environment: str
    host_id: str
    component_id: str
    component_kind: str
    target: str
    slot: str | None
    opened_day: dt.date
    opened_model_id: str
    opened_list_manifest: str | None
    list_day: dt.date
    list_manifest: str | None
    model_id: str
    last_listed_day: dt.date
    due_day: dt.date
    told_risk: float
    told_signals: tuple[str, ...]
    hardware_model: str | None = None
    site: str | None = None
    rack: str | None = None
    playbook_rule: str | None = None
    policy: str | None = None
    n_members: int | None = None

    @property
    def is_storm(self) -> bool:
        """Whether the ticket is about a cause that many parts share, not about a part."""
        return self.target == STORM_TARGET

    @property
    def busy_host(self) -> str | None:
        """The host that the work is on; null of a cause that many hosts share."""
        if not self.is_storm:
            return self.host_id
        return self.component_id if self.component_kind == "host" else None

    @property
    def key(self) -> TicketKey:
        """The ticket's key; never stored a second time, so it can't disagree with its parts."""
        return TicketKey(
            environment=self.environment,
            host_id=self.host_id,
            component_id=self.component_id,
            target=self.target,
        )


def write_record(record: TicketRecord) -> str:
    """Return the block: same record, same text, inert in any markup."""
    document = json.dumps(record.model_dump(mode="json"), sort_keys=True)
    return f"{BEGIN}\n{escape_json(document)}\n{END}"


def read_record(body: str, ticket_id: str) -> TicketRecord:
    """Return the record in a ticket's text; ``PermanentError`` if somebody damaged it."""
    found = _BLOCK.findall(body)
    try:
        if len(found) != 1:
            raise ValueError(f"{len(found)} records instead of one")
        return TicketRecord.model_validate_json(found[0])
    except (ValueError, ValidationError) as damaged:
        raise PermanentError(
            f"Ticket {ticket_id} has no readable Prefail record ({damaged}). It was not changed. "
            f"Put back the block that starts with '{BEGIN[:20]}' from the ticket's history, "
            "or take the ticket's key off it, then run the same command again.",
            ticket_id=ticket_id,
        ) from damaged


def replace_record(body: str, record: TicketRecord) -> str:
    """Return ``body`` with another record; what people wrote around it stays."""
    return _BLOCK.sub(lambda _: write_record(record), body, count=1)
