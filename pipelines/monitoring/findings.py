"""What was found of a day, in words and figures: ``monitoring/drift/day=YYYY-MM-DD.json``.

No document holds a time of its making, so the same lake gives the same bytes.
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from pipelines.drift_settings import DriftAction, FindingKind
from pipelines.errors import MissingInputError
from pipelines.lake import Lake

_FOLDER = "monitoring/drift"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Finding(_Document):
    """One thing that is not as before. ``subject`` is a hardware model, the fleet or a target.

    ``size`` and ``limit``: a PSI (unit_change, signal_shift, score_shift) or a share 0..1 (the others).
    ``since`` is the first day on which it was so, as far as it is known. ``component_kind`` is of a
    finding about components, ``target`` of one about scores; the targets that retraining is for are
    ``targets``. ``words``: what, of whom, how much, since when; ``cause``: the probable one; ``next_command``.
    """

    kind: FindingKind
    action: DriftAction
    component_kind: str
    subject: str
    signal: str | None
    targets: tuple[str, ...]
    size: float
    limit: float
    since: dt.date | None
    words: str
    cause: str
    next_command: str

    @property
    def finding_id(self) -> str:
        """What makes it the same finding on every day; what a person accepts."""
        return ":".join(
            (self.kind, self.component_kind, self.subject, *([self.signal] if self.signal else []))
        )

    @property
    def sentence(self) -> str:
        """Return the finding as one line for a log."""
        return f"{self.words} Probable cause: {self.cause} Next: {self.next_command}"


class SignalPsi(_Document):
    """The farthest of a signal's hardware models."""

    component_kind: str
    signal: str
    model: str
    psi: float


class ScoreState(_Document):
    """How a target's scores of the day lie to those of the four weeks before by the same model.

    ``psi`` is None where there are too few days by that model.
    """

    target: str
    model_id: str
    psi: float | None
    abstained_share: float
    usual_abstained_share: float | None


class DriftReport(_Document):
    """All of a day. ``n_reference_days``: built days that the day was compared with, by component kind."""

    day: dt.date
    findings: tuple[Finding, ...]
    signals: tuple[SignalPsi, ...]
    scores: tuple[ScoreState, ...]
    n_reference_days: dict[str, int]


def write_drift_report(report: DriftReport, lake: Lake) -> str:
    """Write the report of its day, replacing that of an earlier run, and return its key."""
    key = drift_key(report.day)
    lake.write_json(key, report.model_dump(mode="json"))
    return key


def read_drift_report(day: dt.date, lake: Lake) -> DriftReport:
    """Return a day's report; ``MissingInputError`` if the day was not watched."""
    try:
        return DriftReport.model_validate_json(lake.store.read(drift_key(day)))
    except MissingInputError as missing:
        raise MissingInputError(
            f"the drift of {day} was not looked at: {lake.store.uri(drift_key(day))} does not exist. "
            f"Run: prefail drift --day {day}",
            day=day.isoformat(),
        ) from missing


def find_drift_report(day: dt.date, lake: Lake) -> DriftReport | None:
    """Return a day's report, None if the day was not watched."""
    return read_drift_report(day, lake) if lake.store.exists(drift_key(day)) else None


def drift_key(day: dt.date) -> str:
    """Return where the report of a day lies."""
    return f"{_FOLDER}/day={day.isoformat()}.json"
