"""What the contract said of each day's data, kept beside the data.

``verdicts/<dataset>/day=YYYY-MM-DD/part-NN.json`` is of the rows that flowed on. A blocked attempt is
``part-NN.blocked.json``: what was published before it stays, and so does its verdict. No document
holds a time of its making, so the same data and contract give the same bytes.
"""

import datetime as dt
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from data_contracts.model import Severity
from pipelines.errors import MissingInputError
from pipelines.lake import ONLY_PART, Lake

_FOLDER = "verdicts"
_KEY = re.compile(_FOLDER + r"/([a-z0-9_]+)/day=(\d{4}-\d{2}-\d{2})/part-([^/.]+)(\.blocked)?\.json$")


class VerdictWord(StrEnum):
    """What became of a day's rows."""

    PASSED = "passed"
    WARNED = "warned"  # all rows flowed, a warn rule failed
    QUARANTINED = "quarantined"  # rows at fault were set aside, the rest flowed
    BLOCKED = "blocked"  # nothing flowed


class RuleOutcome(StrEnum):
    """What became of one rule."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could not run"
    NOT_CHECKED = "not checked"  # there was nothing to compare with yet


class RuleResult(BaseModel):
    """One rule on one day. ``detail`` says why it could not run, or what was found instead."""

    model_config = ConfigDict(frozen=True)

    rule: str
    claim: str
    severity: Severity
    result: RuleOutcome
    n_rows_at_fault: int = 0
    examples: tuple[str, ...] = ()
    detail: str | None = None


class Verdict(BaseModel):
    """One part of one dataset's day. ``n_rows`` were delivered, ``n_quarantined`` of them set aside."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    day: dt.date
    part: str
    verdict: VerdictWord
    n_rows: int
    n_quarantined: int
    usual_rows: int | None
    contract_version: str
    contract_sha256: str
    rules: tuple[RuleResult, ...]

    @property
    def broken_rules(self) -> tuple[RuleResult, ...]:
        """Return the rules that failed or could not run."""
        return tuple(r for r in self.rules if r.result in (RuleOutcome.FAILED, RuleOutcome.COULD_NOT_RUN))


def write_verdict(lake: Lake, verdict: Verdict) -> str:
    """Store the verdict and return its key; a day that is no longer blocked loses the blocked attempt's."""
    is_blocked = verdict.verdict is VerdictWord.BLOCKED
    key = _key(verdict.dataset, verdict.day, verdict.part, is_blocked=is_blocked)
    lake.write_json(key, verdict.model_dump(mode="json", exclude_defaults=True))
    if not is_blocked:
        blocked_key = _key(verdict.dataset, verdict.day, verdict.part, is_blocked=True)
        if lake.store.exists(blocked_key):
            lake.store.delete(blocked_key)
    return key


def read_verdict(
    lake: Lake,
    dataset: str,
    day: dt.date,
    part: str = ONLY_PART,
    *,
    attempt: Literal["flowed", "blocked"] = "flowed",
) -> Verdict | None:
    """Return the verdict of the rows that flowed on, or of the attempt that was blocked; None if there is none."""
    try:
        document = lake.read_json(_key(dataset, day, part, is_blocked=attempt == "blocked"))
    except MissingInputError:
        return None
    return Verdict.model_validate(document)


def read_verdict_rows(lake: Lake, dataset: str, day: dt.date, part: str = ONLY_PART) -> int | None:
    """Return how many rows were delivered on a day that flowed on; None where no such day is known."""
    verdict = read_verdict(lake, dataset, day, part)
    return None if verdict is None else verdict.n_rows


def read_day_verdicts(lake: Lake, day: dt.date, datasets: Sequence[str]) -> tuple[Verdict, ...]:
    """Return all verdicts of a day, by dataset and part; of a blocked part the blocked attempt's."""
    return tuple(
        verdict
        for dataset in datasets
        for verdict in _read_latest(lake, f"{_FOLDER}/{dataset}/day={day.isoformat()}/")
    )


def read_latest_verdicts(lake: Lake, dataset: str) -> tuple[Verdict, ...]:
    """Return the verdicts of the dataset's last day that has any, one a part."""
    days = {
        found.group(2)
        for item in lake.store.list_keys(f"{_FOLDER}/{dataset}/")
        if (found := _KEY.search(item.key))
    }
    return _read_latest(lake, f"{_FOLDER}/{dataset}/day={max(days)}/") if days else ()


def _read_latest(lake: Lake, prefix: str) -> tuple[Verdict, ...]:
    by_part: dict[str, str] = {}
    for item in lake.store.list_keys(prefix):
        found = _KEY.search(item.key)
        if found and (found.group(4) or found.group(3) not in by_part):
            by_part[found.group(3)] = item.key
    return tuple(Verdict.model_validate(lake.read_json(by_part[part])) for part in sorted(by_part))


def _key(dataset: str, day: dt.date, part: str, *, is_blocked: bool) -> str:
    return f"{_FOLDER}/{dataset}/day={day.isoformat()}/part-{part}{'.blocked' if is_blocked else ''}.json"
