"""Whether a day's list may be published: not while a finding blocks that nobody has accepted.

``monitoring/accepted/<digest of the finding's id>.json`` says that a person has looked at it and lets lists out.
"""

import datetime as dt
import hashlib
import logging

from pydantic import BaseModel, ConfigDict

from features.signal_shifts import WINDOW_DAYS
from pipelines.drift_settings import DriftAction
from pipelines.errors import DriftBlockedError, PermanentError
from pipelines.lake import Lake
from pipelines.monitoring.findings import Finding, read_drift_report
from pipelines.monitoring.watch import watch_day
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

log = logging.getLogger(__name__)

ACCEPTED_DAYS = WINDOW_DAYS
"""How long an acceptance holds: until the weeks to compare with are those after the change."""


class Acceptance(BaseModel):
    """Who let lists out in spite of a finding, of ``day`` and the five weeks after it, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    finding_id: str
    day: dt.date
    who: str
    why: str


def check_drift(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Watch the day and let it pass; ``DriftBlockedError`` where a finding blocks that nobody accepted.

    To be called between scoring and publishing. The findings are written either way.
    """
    facts = watch_day(day, settings, lake)
    findings = [each for each in read_drift_report(day, lake).findings if each.action is DriftAction.BLOCK]
    blocking = [each for each in findings if not is_accepted(each, day, lake)]
    if blocking:
        said = "".join(
            f"\n  - {each.finding_id}\n    {each.words} Probable cause: {each.cause}" for each in blocking
        )
        raise DriftBlockedError(
            f"the inputs of {day} are not what the models learned from, in {len(blocking)} finding(s):{said}\n"
            "Nothing of that day was published; the list before stays. Mend the source and ingest the days again; "
            "or, if the list is good as it is, let it out:\n"
            f"  prefail drift --day {day} --accept '{blocking[0].finding_id}' --who NAME --why TEXT\n"
            "then publish that day.",
            day=day.isoformat(),
            findings=tuple(each.finding_id for each in blocking),
        )
    return facts


def is_accepted(finding: Finding, day: dt.date, lake: Lake) -> bool:
    """Return whether somebody accepted the finding on ``day`` or in the five weeks before it."""
    key = _key(finding.finding_id)
    if not lake.store.exists(key):
        return False
    accepted = Acceptance.model_validate_json(lake.store.read(key))
    return accepted.day <= day < accepted.day + dt.timedelta(days=ACCEPTED_DAYS)


def accept_finding(finding_id: str, day: dt.date, lake: Lake, *, who: str, why: str) -> Acceptance:
    """Let lists out in spite of a finding of ``day``; ``PermanentError`` if the day has no such finding."""
    known = [each.finding_id for each in read_drift_report(day, lake).findings]
    if finding_id not in known:
        raise PermanentError(
            f"{finding_id!r} was not found on {day}. Nothing was changed. "
            + (f"Findings of that day: {', '.join(known)}." if known else "That day has no finding at all."),
            day=day.isoformat(),
            finding_id=finding_id,
        )
    acceptance = Acceptance(finding_id=finding_id, day=day, who=who, why=why)
    lake.write_json(_key(finding_id), acceptance.model_dump(mode="json"))
    log.warning(f"accepted drift of {day}: finding={finding_id} who={who} why={why!r}")
    return acceptance


def _key(finding_id: str) -> str:
    # A hardware model's name may hold anything; a key may not.
    return f"monitoring/accepted/{hashlib.sha256(finding_id.encode()).hexdigest()[:16]}.json"
