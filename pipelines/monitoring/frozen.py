"""Name the signals that stand still in many components of a hardware model, and moved before."""

import datetime as dt
from collections.abc import Sequence

from features.frozen_sensors import SPAN_DAYS, StillShare, compare_still_shares
from features.words import name_kind
from pipelines.drift_settings import DriftSettings, FindingKind
from pipelines.lake import Lake
from pipelines.monitoring.findings import DriftReport, Finding
from pipelines.monitoring.kinds_watched import WatchedKind
from pipelines.read_ahead import read_ahead

# How long ago a signal had to move; the nearer one is for lakes that are young or have a hole.
_AGES_DAYS = (28, 14)


def find_frozen(
    kind: WatchedKind, day: dt.date, yesterday: DriftReport | None, lake: Lake, policy: DriftSettings
) -> list[Finding]:
    """Return the signals that stood still on the last five days of many components, and four weeks ago did not.

    Where a day of either span is not built, nothing is said. What was found yesterday as well keeps its
    first day.
    """
    now = _span(day)
    earlier = (_span(day - dt.timedelta(days=age)) for age in _AGES_DAYS)
    before = next((span for span in earlier if _is_built(kind, span, lake)), None)
    if before is None or not _is_built(kind, now, lake):
        return []
    columns = ("component_key", "model", *kind.signals)
    tables = list(read_ahead((*before, *now), lambda at: lake.read_day(kind.dataset, at, columns)))
    shares = compare_still_shares(
        tables[:SPAN_DAYS], tables[SPAN_DAYS:], kind.signals, minimum_components=policy.minimum_components
    )
    known = {} if yesterday is None else {each.finding_id: each.since for each in yesterday.findings}
    return [
        _frozen(kind, each, day, before[-1], known, policy)
        for each in shares
        if each.now - each.before >= policy.frozen_share
    ]


def _is_built(kind: WatchedKind, days: Sequence[dt.date], lake: Lake) -> bool:
    return all(lake.has_day(kind.dataset, day) for day in days)


def _span(last: dt.date) -> list[dt.date]:
    return [last - dt.timedelta(days=back) for back in reversed(range(SPAN_DAYS))]


def _frozen(
    kind: WatchedKind,
    share: StillShare,
    day: dt.date,
    before: dt.date,
    known: dict[str, dt.date | None],
    policy: DriftSettings,
) -> Finding:
    first = _span(day)[0]
    finding = Finding(
        kind=FindingKind.FROZEN_SENSOR,
        action=policy.action_on(FindingKind.FROZEN_SENSOR),
        component_kind=kind.kind,
        subject=share.model,
        signal=share.signal,
        targets=kind.targets,
        size=round(share.now - share.before, 4),
        limit=policy.frozen_share,
        since=first,
        words="",
        cause="a sensor, firmware or exporter that repeats its last value; what it says of today is not of today.",
        next_command=f"prefail drift --day {day} --signal {share.signal}",
    )
    since = known.get(finding.finding_id) or first
    words = (
        f"{share.signal} stands still since {since} or longer in {share.now:.0%} of {share.n_components:,} "
        f"{name_kind(kind.kind)} {share.model}; in the five days until {before} it did in {share.before:.0%}."
    )
    return finding.model_copy(update={"since": since, "words": words})
