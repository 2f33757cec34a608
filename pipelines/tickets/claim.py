"""Which day's list the tickets follow: only ever a later one. A replayed past day never claims."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import MissingInputError, PermanentError, WriteLostError
from pipelines.lake import Lake

_ATTEMPTS = 5


class _LastDay(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    # Null in files of before it was kept.
    first_day: dt.date | None = None
    day: dt.date


def claim_key(environment: str) -> str:
    """Return the object that names the last reconciled day of an environment."""
    return f"tickets/{environment}/last_day.json"


def read_last_day(lake: Lake, environment: str) -> dt.date | None:
    """Return the last day whose list the tickets followed, null before the first."""
    last = _read(lake, environment)[0]
    return None if last is None else last.day


def read_first_day(lake: Lake, environment: str, day: dt.date) -> dt.date | None:
    """Return the first day whose list the tickets followed: ``day`` before there is one, null if nobody knows."""
    last = _read(lake, environment)[0]
    return day if last is None else last.first_day


def claim_day(lake: Lake, environment: str, day: dt.date) -> dt.date:
    """Make ``day`` the last reconciled day unless a later one is; return the one that now holds.

    Two runs at once can't both believe that theirs is the later day: each write holds only if nobody
    wrote since it was read. A run that is killed after claiming may claim the same day again.
    """
    key = claim_key(environment)
    for _ in range(_ATTEMPTS):
        last, etag = _read(lake, environment)
        if last is not None and last.day >= day:
            return last.day
        claimed = _LastDay(day=day, first_day=day if last is None else last.first_day)
        try:
            lake.write_json(key, claimed.model_dump(mode="json"), if_absent=etag is None, if_match=etag)
        except WriteLostError:
            continue
        return day
    raise WriteLostError(
        f"{lake.store.uri(key)} was changed by other runs {_ATTEMPTS} times in a row. "
        f"No ticket was touched by this run. Try again: prefail tickets --day {day}",
        key=key,
        day=day.isoformat(),
    )


def _read(lake: Lake, environment: str) -> tuple[_LastDay | None, str | None]:
    key = claim_key(environment)
    try:
        data, etag = lake.store.read_with_etag(key)
    except MissingInputError:
        return None, None
    try:
        return _LastDay.model_validate_json(data), etag
    except ValidationError as damaged:
        raise PermanentError(
            f"{lake.store.uri(key)} does not name a day. No ticket was touched. "
            'Write {"day": "<last reconciled day>"} into it, or delete it to start from any day.',
            key=key,
        ) from damaged
