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

# How long ago a signal had to move: in the first two spans that are built, or the one that is.
_AGES_DAYS = (28, 35, 14)


def find_frozen(
    kind: WatchedKind, day: dt.date, yesterday: DriftReport | None, lake: Lake, policy: DriftSettings
) -> list[Finding]:
    """Return the signals that stood still on the last five days of many components, and in weeks before did not.

    Two spans of five days are compared with: a counter of rare events, such as power cycles, moves in one of
    them when many hosts are restarted, and stands still as ever after it. Where a day of the span or of each
    earlier one is not built, nothing is said. What was found yesterday as well keeps its first day.
    """
    now = _span(day)
    earlier = [_span(day - dt.timedelta(days=age)) for age in _AGES_DAYS]
    earlier = [span for span in earlier if _is_built(kind, span, lake)][:2]
    if not earlier or not _is_built(kind, now, lake):
        return []
    found = [
        each
        for each in _compare(kind, kind.signals, earlier[0], now, lake, policy)
        if each.now - each.before >= policy.frozen_share
    ]
    if found and len(earlier) > 1:
        signals = tuple(dict.fromkeys(each.signal for each in found))
        usual = {
            (each.model, each.signal)
            for each in _compare(kind, signals, earlier[1], now, lake, policy)
            if each.now - each.before < policy.frozen_share
        }
        found = [each for each in found if (each.model, each.signal) not in usual]
    known = {} if yesterday is None else {each.finding_id: each.since for each in yesterday.findings}
    return [_frozen(kind, each, day, earlier[0][-1], known, policy) for each in found]


def _compare(
    kind: WatchedKind,
    signals: Sequence[str],
    before: Sequence[dt.date],
    now: Sequence[dt.date],
    lake: Lake,
    policy: DriftSettings,
) -> tuple[StillShare, ...]:
    columns = ("component_key", "model", *signals)
    tables = list(read_ahead((*before, *now), lambda at: lake.read_day(kind.dataset, at, columns)))
    return compare_still_shares(
        tables[:SPAN_DAYS], tables[SPAN_DAYS:], signals, minimum_components=policy.minimum_components
    )


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
