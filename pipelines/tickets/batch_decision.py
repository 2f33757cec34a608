"""What a person said about a day's new tickets beyond the budget: ``tickets/<environment>/approvals/day=D.json``."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake


class BatchDecision(BaseModel):
    """``n_approved`` new tickets of ``day`` at most, in all; 0 is a rejection: the budget holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: dt.date
    n_approved: int = Field(ge=0)
    who: str


def read_batch_decision(day: dt.date, environment: str, lake: Lake) -> BatchDecision | None:
    """Return the last decision about a day, null if nobody has decided; ``PermanentError`` if it can't be read."""
    key = _key(day, environment)
    try:
        return BatchDecision.model_validate_json(lake.store.read(key))
    except MissingInputError:
        return None
    except ValidationError as damaged:
        raise PermanentError(
            f"{lake.store.uri(key)} does not say what was decided about the new tickets of {day}. No ticket was "
            f"touched. Delete it, and decide again: prefail tickets approve --day {day}",
            key=key,
        ) from damaged


def write_batch_decision(decision: BatchDecision, environment: str, lake: Lake) -> None:
    """Keep a decision; a later one about the same day replaces it."""
    lake.write_json(_key(decision.day, environment), decision.model_dump(mode="json"))


def _key(day: dt.date, environment: str) -> str:
    return f"tickets/{environment}/approvals/day={day.isoformat()}.json"
