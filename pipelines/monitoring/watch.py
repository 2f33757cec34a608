"""Look at a day as a whole: are these still the inputs and risks that the models were made for?"""

import datetime as dt
import logging
import math
from collections.abc import Sequence

from features.signal_shifts import SignalShift
from pipelines.drift_settings import DriftAction
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.monitoring.findings import (
    DriftReport,
    Finding,
    ScoreState,
    SignalPsi,
    find_drift_report,
    write_drift_report,
)
from pipelines.monitoring.frozen import find_frozen
from pipelines.monitoring.kinds_watched import WatchedKind, list_watched_kinds
from pipelines.monitoring.new_models import find_new_models
from pipelines.monitoring.retraining import ask_for_retraining
from pipelines.monitoring.score_drift import (
    PREDICTIONS,
    judge_scores,
    read_predictions,
    read_reference_predictions,
)
from pipelines.monitoring.signal_drift import (
    count_reference_days,
    describe_shifts,
    find_signal_shifts,
    read_histograms,
)
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

log = logging.getLogger(__name__)


def watch_day(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write ``monitoring/drift/day=D.json``: what is not as in the weeks before, and what that asks for.

    A finding whose action is "retrain" leaves a mark that the next training reads. Scores are looked at
    where the day is scored. ``MissingInputError`` where no kind of component was built.
    """
    report = find_drift(day, settings, lake)
    write_drift_report(report, lake)
    for finding in report.findings:
        log.warning(f"drift of {day}: {finding.sentence}")
        if finding.action is DriftAction.RETRAIN:
            ask_for_retraining(finding, day, lake)
    facts = StepFacts(
        step="watched",
        day=day,
        facts=(
            ("findings", len(report.findings)),
            *((action.value, sum(f.action is action for f in report.findings)) for action in DriftAction),
            ("signals", len(report.signals)),
            ("reference_days", max(report.n_reference_days.values(), default=0)),
        ),
    )
    log.info(facts.summary)
    return facts


def find_drift(day: dt.date, settings: Settings, lake: Lake) -> DriftReport:
    """Return the report of a day; only days up to ``day`` are read."""
    policy = settings.drift
    yesterday = find_drift_report(day - dt.timedelta(days=1), lake)
    findings: list[Finding] = []
    signals: list[SignalPsi] = []
    n_reference_days = {}
    for kind in list_watched_kinds(settings):
        if not lake.has_day(kind.dataset, day):
            continue
        histograms = read_histograms(kind, day, lake)
        n_reference_days[kind.kind] = count_reference_days(histograms, day)
        if not histograms.days or histograms.days[-1] != day:
            continue
        shifts = find_signal_shifts(kind, histograms, day, policy)
        signals += _farthest(kind, shifts)
        findings += find_new_models(kind, histograms, day, lake, policy)
        findings += describe_shifts(kind, shifts, day, policy)
        findings += find_frozen(kind, day, yesterday, lake, policy)
    if not n_reference_days:
        raise MissingInputError(
            f"no kind of component was built of {day}. Nothing was looked at. Run: prefail build --day {day}",
            day=day.isoformat(),
        )
    scores: list[ScoreState] = []
    if lake.has_day(PREDICTIONS, day):
        reference = read_reference_predictions(day, lake)
        scores, found = judge_scores(read_predictions(day, lake), reference, day, policy)
        findings += found
    return DriftReport(
        day=day,
        findings=tuple(sorted(findings, key=lambda each: each.finding_id)),
        signals=tuple(signals),
        scores=tuple(scores),
        n_reference_days=n_reference_days,
    )


def _farthest(kind: WatchedKind, shifts: Sequence[SignalShift]) -> list[SignalPsi]:
    farthest: dict[str, SignalShift] = {}
    for shift in shifts:
        if not math.isnan(shift.psi) and (
            shift.signal not in farthest or shift.psi > farthest[shift.signal].psi
        ):
            farthest[shift.signal] = shift
    return [
        SignalPsi(component_kind=kind.kind, signal=signal, model=shift.model, psi=round(shift.psi, 4))
        for signal, shift in sorted(farthest.items())
    ]
