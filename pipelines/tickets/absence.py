"""Since when something is missing from days that were read, and whether it was away for long."""

import datetime as dt
from collections.abc import Callable, Collection

# Names present on a day; null where nothing is known of that day.
ReadNames = Callable[[dt.date], frozenset[str] | None]

# A fleet that is scored weekly shows a list before the span only some days further back.
_SPANS_LOOKED_BACK = 3


def find_absent_since(
    names: Collection[str], day: dt.date, span_days: int, read_names: ReadNames
) -> dict[str, dt.date]:
    """Return per name the first day of the unbroken run of days, up to ``day``, that don't have it.

    ``names`` are absent on ``day``. A day of which nothing is known neither starts, ends nor breaks a
    run. The search ends once a run covers ``span_days``.
    """
    since = dict.fromkeys(names, day)
    walking = set(names)
    for days_ago in range(1, span_days * _SPANS_LOOKED_BACK):
        if not walking or (day - min(since.values())).days + 1 >= span_days:
            break
        past = day - dt.timedelta(days=days_ago)
        known = read_names(past)
        if known is not None:
            walking -= known
            since.update(dict.fromkeys(walking, past))
    return since


def was_long_absent(name: str, first: dt.date, day: dt.date, span_days: int, read_names: ReadNames) -> bool:
    """Return whether ``name``, present on ``day``, was away ``span_days`` on end within ``[first, day)``."""
    away_since: dt.date | None = None
    for ordinal in range(first.toordinal(), day.toordinal() + 1):
        past = dt.date.fromordinal(ordinal)
        known = frozenset({name}) if past == day else read_names(past)
        if known is None:
            continue
        if name not in known:
            away_since = away_since or past
        elif away_since is not None:
            if (past - away_since).days >= span_days:
                return True
            away_since = None
    return False
