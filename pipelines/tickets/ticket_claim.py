"""Who may open the ticket of a key: one run at a time, told by one small object in the lake.

``tickets/<environment>/claims/<key>.json``. It is written before a ticket is opened and again when its
number is known, each time only if nobody wrote in between.
"""

import datetime as dt

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake


class TicketClaim(BaseModel):
    """A run's word that it opens the ticket of a key, or, once settled, how that ended.

    ``ticket_id`` is the key's last ticket that is known, null if there never was one. While the claim
    ``is_opening`` there may be a newer one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    claimed_at: AwareDatetime
    is_opening: bool
    ticket_id: str | None

    def is_held(self, now: dt.datetime, wait: dt.timedelta) -> bool:
        """Return whether the run that claimed may still be at work at ``now``."""
        return self.is_opening and now < self.claimed_at + wait


class TicketClaims:
    """The claims of one environment."""

    def __init__(self, lake: Lake, environment: str) -> None:
        self._lake = lake
        self._environment = environment

    def uri(self, key: str) -> str:
        """Return the address of a key's claim, for people."""
        return self._lake.store.uri(self._name(key))

    def read(self, key: str) -> tuple[TicketClaim | None, str | None]:
        """Return the claim and the version to name when replacing it; nulls if nobody ever claimed."""
        try:
            data, etag = self._lake.store.read_with_etag(self._name(key))
        except MissingInputError:
            return None, None
        try:
            return TicketClaim.model_validate_json(data), etag
        except ValidationError as damaged:
            raise PermanentError(
                f"{self.uri(key)} is no readable claim. No ticket was opened for key {key}. Look in the "
                "tracker whether the key has an open ticket, delete that file, then run the same command again.",
                key=key,
            ) from damaged

    def write(self, key: str, claim: TicketClaim, etag: str | None) -> str:
        """Replace the version ``etag`` (null: none) and return the new one; ``WriteLostError`` if it changed."""
        return self._lake.write_json(
            self._name(key), claim.model_dump(mode="json"), if_absent=etag is None, if_match=etag
        )

    def _name(self, key: str) -> str:
        return f"tickets/{self._environment}/claims/{key}.json"
