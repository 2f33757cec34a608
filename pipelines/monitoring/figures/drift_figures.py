"""Figures of drift: how far signals and scores are from the weeks before, and what was found."""

import datetime as dt
from collections import Counter

from pipelines.drift_settings import FindingKind
from pipelines.lake import Lake
from pipelines.monitoring.drift_gate import is_accepted
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.monitoring.findings import find_drift_report
from pipelines.settings import Settings

SIGNAL_PSI = Metric(
    name="prefail_signal_drift_psi",
    help="Population stability index of a signal against the four weeks before, of the hardware model that moved most.",
    labels=("component_kind", "signal"),
)
SCORE_PSI = Metric(
    name="prefail_score_drift_psi",
    help="Population stability index of the risks against the four weeks before, by the same model.",
    labels=("target",),
)
FINDINGS = Metric(
    name="prefail_drift_findings",
    help="Findings of drift of the day that nobody accepted, by kind and by what the policy does about them.",
    labels=("kind", "action"),
)
REFERENCE_DAYS = Metric(
    name="prefail_drift_reference_partitions",
    help="Built days that the day's signals were compared with, of 28; below 14 drift is not looked for.",
    labels=("component_kind",),
)
METRICS = (SIGNAL_PSI, SCORE_PSI, FINDINGS, REFERENCE_DAYS)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:
    """Return the figures of the day's drift report; nothing where the day was not watched."""
    report = find_drift_report(day, lake)
    if report is None:
        return []
    counts = Counter(each.kind for each in report.findings if not is_accepted(each, day, lake))
    return [
        *(SIGNAL_PSI.sample(each.psi, each.component_kind, each.signal) for each in report.signals),
        *(SCORE_PSI.sample(each.psi, each.target) for each in report.scores if each.psi is not None),
        *(FINDINGS.sample(counts[kind], kind, settings.drift.action_on(kind)) for kind in FindingKind),
        *(REFERENCE_DAYS.sample(n, kind) for kind, n in sorted(report.n_reference_days.items())),
    ]
