"""Which days a command works on."""

import datetime as dt
import itertools

from pipelines.errors import ConfigError


def parse_day(text: str) -> dt.date:
    """Return the UTC date written as YYYY-MM-DD; ``ConfigError`` otherwise."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as wrong:
        raise ConfigError(
            f"{text!r} is not a day. Write it as YYYY-MM-DD, e.g. 2026-02-01.", day=text
        ) from wrong


def list_span(first: dt.date, last: dt.date, every: int = 1) -> list[dt.date]:
    """Return ``first``, ``first + every``, … up to and including ``last``."""
    if last < first:
        raise ConfigError(f"The span ends ({last}) before it starts ({first}).")
    if every < 1:
        raise ConfigError(f"--every {every}: a span needs steps of at least one day.")
    return [first + dt.timedelta(days=n) for n in range(0, (last - first).days + 1, every)]


def split_span(first: dt.date, last: dt.date, n_folds: int) -> list[tuple[dt.date, dt.date]]:
    """Return ``n_folds`` spans, one after the other from ``first`` to ``last``, of equal length but for a day."""
    days = list_span(first, last)
    if not 1 <= n_folds <= len(days):
        raise ConfigError(f"{len(days)} days from {first} to {last} can't be cut into {n_folds} folds.")
    ends = [len(days) * n // n_folds for n in range(n_folds + 1)]
    return [(days[start], days[end - 1]) for start, end in itertools.pairwise(ends)]
