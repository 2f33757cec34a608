"""The mark that asks for training before its turn: ``monitoring/retraining/<target>.json``.

Written by ``watch_day``; answered by a decision in the ledger as of the day of asking or later,
promoted or not. A finding that stays asks again after four weeks, not every morning.
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from pipelines.lake import Lake
from pipelines.ledger import read_ledger
from pipelines.monitoring.findings import Finding

_FOLDER = "monitoring/retraining"
_ASK_AGAIN_DAYS = 28


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    finding_id: str
    asked_on: dt.date
    words: str


class _Mark(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    asked: tuple[_Asked, ...]


class RetrainingRequest(BaseModel):
    """A target that is to be trained before its turn, as of ``asked_on`` or later, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    asked_on: dt.date
    reasons: tuple[str, ...]


def ask_for_retraining(finding: Finding, day: dt.date, lake: Lake) -> None:
    """Mark each of the finding's targets; what was asked for in the last four weeks keeps its day."""
    for target in finding.targets:
        mark = _read_mark(target, lake)
        asked = {each.finding_id: each for each in mark.asked}
        earlier = asked.get(finding.finding_id)
        if earlier is not None and (day - earlier.asked_on).days < _ASK_AGAIN_DAYS:
            continue
        asked[finding.finding_id] = _Asked(finding_id=finding.finding_id, asked_on=day, words=finding.words)
        written = _Mark(target=target, asked=tuple(asked[key] for key in sorted(asked)))
        lake.write_json(_key(target), written.model_dump(mode="json"))


def is_retraining_asked(lake: Lake, target: str) -> RetrainingRequest | None:
    """Return what asks for a training of the target, None where nothing does or it was answered."""
    answers = [entry.as_of for entry in read_ledger(target, lake) if entry.as_of is not None]
    last = max(answers, default=dt.date.min)
    waiting = [each for each in _read_mark(target, lake).asked if each.asked_on > last]
    if not waiting:
        return None
    return RetrainingRequest(
        target=target,
        asked_on=max(each.asked_on for each in waiting),
        reasons=tuple(each.words for each in waiting),
    )


def _read_mark(target: str, lake: Lake) -> _Mark:
    key = _key(target)
    if not lake.store.exists(key):
        return _Mark(target=target, asked=())
    return _Mark.model_validate_json(lake.store.read(key))


def _key(target: str) -> str:
    return f"{_FOLDER}/{target}.json"
