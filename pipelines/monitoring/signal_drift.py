"""Name what became of a component kind's signals: shifted, in another unit, no longer reported."""

import datetime as dt
import math
from collections.abc import Sequence

from features.histograms import Histograms
from features.signal_shifts import (
    HISTORY_DAYS,
    RECENT_DAYS,
    REFERENCE_DAYS,
    SignalShift,
    find_shifts,
)
from features.words import name_kind
from pipelines.drift_settings import DriftSettings, FindingKind
from pipelines.lake import Lake
from pipelines.monitoring.findings import Finding
from pipelines.monitoring.kinds_watched import WatchedKind
from pipelines.populations import DATASET as POPULATIONS
from pipelines.populations import population_part
from pipelines.read_ahead import read_ahead

# A signal that leaves its place in most models at once did not do so because of a model.
_FLEET_SHARE = 0.5


def read_histograms(kind: WatchedKind, day: dt.date, lake: Lake) -> Histograms:
    """Return the kind's histograms of the days of ``(day - 63, day]`` that were built."""
    part = population_part(kind.kind)
    first = day - dt.timedelta(days=HISTORY_DAYS)
    days = [at for at, name in lake.list_parts(POPULATIONS) if name == part and first < at <= day]
    tables = read_ahead(days, lambda at: lake.read_day(POPULATIONS, at, part=part))
    return Histograms.from_tables(dict(zip(days, tables, strict=True)))


def find_signal_shifts(
    kind: WatchedKind, histograms: Histograms, day: dt.date, policy: DriftSettings
) -> tuple[SignalShift, ...]:
    """Return the state of each signal and hardware model of the kind on a day that was built."""
    return find_shifts(
        histograms,
        day,
        kind.counters,
        psi_limit=policy.psi_limit,
        minimum_components=policy.minimum_components,
    )


def describe_shifts(
    kind: WatchedKind, shifts: Sequence[SignalShift], day: dt.date, policy: DriftSettings
) -> list[Finding]:
    """Return what to say of the shifts: one finding a signal where most models moved, else one a model."""
    findings = []
    for signal in sorted({each.signal for each in shifts}):
        of_signal = [each for each in shifts if each.signal == signal]
        vanished = [s for s in of_signal if s.reported_before - s.reported_now >= policy.vanished_share]
        findings += [_vanished(kind, each, day, policy) for each in vanished]
        moved = [each for each in of_signal if each.is_shifted and each not in vanished]
        if len(moved) > 1 and len(moved) > _FLEET_SHARE * len(of_signal):
            findings.append(_shifted_everywhere(kind, moved, len(of_signal), day, policy))
        else:
            findings += [_moved(kind, each, len(moved), day, policy) for each in moved]
    return findings


def _moved(
    kind: WatchedKind, shift: SignalShift, n_moved: int, day: dt.date, policy: DriftSettings
) -> Finding:
    """Return a jump as a change of unit, anything slower as a shift."""
    is_jump = shift.jump_day is not None
    finding_kind = FindingKind.UNIT_CHANGE if is_jump else FindingKind.SIGNAL_SHIFT
    when = f"on {shift.jump_day}, from one day to the next" if is_jump else "in the last week"
    others = (
        "no other hardware model did" if n_moved == 1 else f"so did {n_moved - 1} other hardware model(s)"
    )
    words = (
        f"{shift.signal} of {shift.n_components:,} {name_kind(kind.kind)} {shift.model} moved {when}, {others}: "
        f"median {_level(shift.median_before)} to {_level(shift.median_now)}{_factor(shift)}, "
        f"PSI {_figure(shift.psi)} (limit {policy.psi_limit:g})."
    )
    cause = (
        "a firmware update that counts in another unit or from 0 again; the model misreads it."
        if is_jump
        else "a firmware update in steps, new work for these machines, or a batch that was exchanged."
    )
    return _finding(kind, finding_kind, shift, day, policy, since=shift.jump_day, words=words, cause=cause)


def _shifted_everywhere(
    kind: WatchedKind, moved: Sequence[SignalShift], n_models: int, day: dt.date, policy: DriftSettings
) -> Finding:
    farthest = max(moved, key=lambda each: (_size(each), each.model))
    days = [each.jump_day for each in moved if each.jump_day is not None]
    when = f"since {min(days)}" if days else "in the last week"
    words = (
        f"{farthest.signal} of {name_kind(kind.kind)} moved in {len(moved)} of {n_models} hardware models {when}; "
        f"farthest in {farthest.model}: median {_level(farthest.median_before)} to {_level(farthest.median_now)}, "
        f"PSI {_figure(farthest.psi)} (limit {policy.psi_limit:g})."
    )
    cause = "a source that reads or decodes it otherwise, or the surroundings (temperature, work)."
    found = _finding(
        kind,
        FindingKind.SIGNAL_SHIFT,
        farthest,
        day,
        policy,
        since=min(days, default=None),
        words=words,
        cause=cause,
    )
    return found.model_copy(update={"subject": "fleet"})


def _vanished(kind: WatchedKind, shift: SignalShift, day: dt.date, policy: DriftSettings) -> Finding:
    words = (
        f"{shift.signal} is reported by {shift.reported_now:.0%} of {shift.n_components:,} "
        f"{name_kind(kind.kind)} {shift.model} on {day}; it was {shift.reported_before:.0%}."
    )
    cause = "a firmware update that dropped it, a source that does not ask for it, or values beyond what is believable."
    finding = _finding(
        kind, FindingKind.SIGNAL_VANISHED, shift, day, policy, since=None, words=words, cause=cause
    )
    share = shift.reported_before - shift.reported_now
    return finding.model_copy(update={"size": round(share, 4), "limit": policy.vanished_share})


def _finding(
    kind: WatchedKind,
    finding_kind: FindingKind,
    shift: SignalShift,
    day: dt.date,
    policy: DriftSettings,
    *,
    since: dt.date | None,
    words: str,
    cause: str,
) -> Finding:
    return Finding(
        kind=finding_kind,
        action=policy.action_on(finding_kind),
        component_kind=kind.kind,
        subject=shift.model,
        signal=shift.signal,
        targets=kind.targets,
        size=round(_size(shift), 4),
        limit=policy.psi_limit,
        since=since,
        words=words,
        cause=cause,
        next_command=f"prefail drift --day {day} --signal {shift.signal}",
    )


def count_reference_days(histograms: Histograms, day: dt.date) -> int:
    """Return how many built days the day's signals were compared with."""
    ages = [(day - at).days for at in histograms.days]
    return sum(RECENT_DAYS <= age < RECENT_DAYS + REFERENCE_DAYS for age in ages)


def _size(shift: SignalShift) -> float:
    return 0.0 if math.isnan(shift.psi) else shift.psi


def _level(level: float) -> str:
    return "nothing" if math.isnan(level) else f"about {level:,.0f}" if level else "0"


def _factor(shift: SignalShift) -> str:
    before, now = shift.median_before, shift.median_now
    if not (before > 0 and now > 0) or before == now:
        return ""
    return f" (× {now / before:.3g})"


def _figure(psi: float) -> str:
    return "unknown" if math.isnan(psi) else f"{psi:.2f}"
