"""Which model was champion when, who decided and why: an append-only list of numbered entries.

``registry/<target>/ledger/000001.json`` and so on; each is created only if absent, so two runs can't
write the same number, and nothing is ever replaced.
"""

import datetime as dt
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipelines.errors import WriteLostError
from pipelines.lake import Lake

Event = Literal["promoted", "rejected", "rolled_back"]

_NUMBER_IN_KEY = re.compile(r"/ledger/(\d{6})\.json$")


class LedgerEntry(BaseModel):
    """One decision. ``champion`` is the model in use after it, None for the target's rule.

    ``model_id`` is the model the decision is about; ``comparison`` holds the figures it rests on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: Event
    target: str
    model_id: str | None
    champion: str | None
    previous_champion: str | None
    who: str
    why: str
    as_of: dt.date | None
    comparison: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Return the decision in one line."""
        in_use = self.champion or f"rule:{self.target}"
        return f"{self.event} {self.model_id}: in_use={in_use} by={self.who!r} why={self.why!r}"


def read_ledger(target: str, lake: Lake) -> tuple[LedgerEntry, ...]:
    """Return all entries of a target, oldest first."""
    keys = [item.key for item in lake.store.list_keys(f"registry/{target}/ledger/")]
    numbered = sorted(key for key in keys if _NUMBER_IN_KEY.search(key))
    return tuple(LedgerEntry.model_validate(lake.read_json(key)) for key in numbered)


def append_entry(entry: LedgerEntry, n_read: int, lake: Lake) -> LedgerEntry:
    """Write the entry after the ``n_read`` that the decision was based on.

    ``WriteLostError`` if another run decided meanwhile; nothing was changed then.
    """
    key = f"registry/{entry.target}/ledger/{n_read + 1:06d}.json"
    try:
        lake.write_json(key, entry.model_dump(mode="json"), if_absent=True)
    except WriteLostError as lost:
        raise WriteLostError(
            f"another run wrote to the ledger of {entry.target} while this one decided about {entry.model_id}. "
            "The ledger and the champion are as that run left them. Run the same command again.",
            key=key,
        ) from lost
    return entry
