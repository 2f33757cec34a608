"""What a tracker has no field for, at the end of a ticket's text: how we closed it, until when it sleeps."""

import datetime as dt
import json
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.tickets.escaping import escape_json
from pipelines.tickets.ticket_errors import TicketGoneError
from pipelines.tickets.tracker import Outcome

BEGIN = "BEGIN PREFAIL STATE (written by a program, leave it as it is)"
END = "END PREFAIL STATE"
_BLOCK = re.compile(rf"\n*^{re.escape(BEGIN)}$(.*?)^{re.escape(END)}$\n?", re.DOTALL | re.MULTILINE)


class TicketState(BaseModel):
    """How and for which day we closed a ticket, and the first day on which it may be spoken of again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    closed_day: dt.date | None = None
    outcome: Outcome | None = None
    snoozed_until: dt.date | None = None


def split_state(text: str, issue_id: str) -> tuple[str, TicketState]:
    """Return an issue's text without the block, and what the block says; without one, the state at birth."""
    text = text.replace("\r\n", "\n")
    found = _BLOCK.findall(text)
    if not found:
        return text, TicketState()
    try:
        if len(found) > 1:
            raise ValueError(f"{len(found)} states instead of one")
        return _BLOCK.sub("\n", text), TicketState.model_validate_json(found[0])
    except (ValueError, ValidationError) as damaged:
        raise TicketGoneError(
            f"Ticket {issue_id} has no readable Prefail state ({damaged}). It was not changed. Remove the lines from "
            f"'{BEGIN[:19]}' to '{END}' from its text, then run the same command again.",
            ticket_id=issue_id,
            had_no_effect=True,
        ) from damaged


def join_state(body: str, state: TicketState) -> str:
    """Return ``body`` with the block at its end, or as it is if there is nothing to remember."""
    if state == TicketState():
        return body
    document = json.dumps(state.model_dump(mode="json"), sort_keys=True)
    return f"{body.rstrip()}\n\n{BEGIN}\n{escape_json(document)}\n{END}\n"
