"""Tickets that people deleted or merged in the tracker: taken as declined, so that a key without a ticket heals.

``tickets/<environment>/gone/<key>.json``. The run that misses the ticket writes it and says so, once; from
the next run on the key waits as a declined one does, for as long as an old ticket would be opened again,
and then starts afresh. Deleting the file starts it at once.
"""

import datetime as dt
from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import PermanentError
from pipelines.lake import Lake


class GoneTicket(BaseModel):
    """A ticket that is no longer there. ``missed_on`` is the day of the list that asked for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ticket_id: str
    missed_on: dt.date
    reason: str

    def declined_until(self, reopen_within_days: int) -> dt.date:
        """Return the first day on which the key is free again."""
        return self.missed_on + dt.timedelta(days=reopen_within_days + 1)


def write_gone_ticket(lake: Lake, environment: str, key: str, gone: GoneTicket) -> str:
    """Remember that a key's ticket is gone; return the address of the note, for people."""
    name = _name(environment, key)
    lake.write_json(name, gone.model_dump(mode="json"))
    return lake.store.uri(name)


def read_gone_ticket(lake: Lake, environment: str, key: str) -> GoneTicket | None:
    """Return what is known of a key's ticket that is gone, null if none is."""
    return read_gone_tickets(lake, environment, [key]).get(key)


def read_gone_tickets(lake: Lake, environment: str, keys: Collection[str]) -> dict[str, GoneTicket]:
    """Return the tickets of these keys that are gone. One listing, most days of an empty folder."""
    wanted = {_name(environment, key): key for key in keys}
    found = {}
    for item in lake.store.list_keys(f"tickets/{environment}/gone/"):
        if item.key in wanted:
            try:
                found[wanted[item.key]] = GoneTicket.model_validate_json(lake.store.read(item.key))
            except ValidationError as damaged:
                raise PermanentError(
                    f"{lake.store.uri(item.key)} does not say which ticket is gone. No ticket was touched. "
                    "Delete it to have a ticket opened for its key, then run the same command again.",
                    key=item.key,
                ) from damaged
    return found


def _name(environment: str, key: str) -> str:
    return f"tickets/{environment}/gone/{key}.json"
