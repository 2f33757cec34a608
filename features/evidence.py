"""Decide what is said about why a component is on the list: signals, their change, and how they stand out."""

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

# A reader looks at a handful of reasons; the rest of the score is spread thin over many signals.
MAX_REASONS = 6
# Log-odds. Below it a signal moves a risk of 5 % by less than a twentieth of a percentage point.
SMALLEST_CONTRIBUTION = 0.01
# A report missed for a few days leaves the last value standing; older than that it is not "now" any more.
STALE_AFTER_DAYS = 3
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class SignalWording:
    """How a signal is called for people."""

    signal: str
    label: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One signal that raises a component's risk.

    ``now``, ``before_7d``, ``before_30d``: the level on the as-of day and 7 and 30 days before it, null
    if not reported. ``percentile``: 0 to 100, where the level stands among the same hardware model on the
    as-of day (the share of lower levels, plus half of the share of equal ones).
    ``contribution``: log-odds that the signal's features together add to the risk.
    """

    signal: str
    label: str
    unit: str
    now: float | None
    before_7d: float | None
    before_30d: float | None
    percentile: float | None
    contribution: float


@dataclass(frozen=True, kw_only=True)
class ComponentLevels:
    """What one component reported over the lookback.

    ``levels``: float32 or float64 (S, D), one row a signal, one column a day up to the as-of day, NaN = not
    reported. ``percentiles``: (S,), percent, NaN = no population to compare with.
    """

    signals: tuple[str, ...]
    levels: np.ndarray
    percentiles: np.ndarray


def add_up_days(
    levels: ComponentLevels, amounts: frozenset[str], *, first_column: int = 0
) -> ComponentLevels:
    """Return the levels with signals that are an amount of each day as running totals from ``first_column`` on.

    The errors of today say little of a part that erred for a week and was silent this morning; their total
    grows like a drive's own counter, so "7 days ago" and "30 days ago" mean the same for both. Before
    ``first_column`` and on days without a report a total is unknown. It has no population: no percentile.
    """
    rows = [index for index, signal in enumerate(levels.signals) if signal in amounts]
    if not rows:
        return levels
    # float32 counts only to 2**24.
    totals = levels.levels.astype(np.float64)
    totals[rows, :first_column] = np.nan
    totals[rows] = np.where(np.isnan(totals[rows]), np.nan, np.nancumsum(totals[rows], axis=1))
    percentiles = levels.percentiles.copy()
    percentiles[rows] = np.nan
    return ComponentLevels(signals=levels.signals, levels=totals, percentiles=percentiles)


def tell_ages(levels: ComponentLevels, moments: frozenset[str], last_day: dt.date) -> ComponentLevels:
    """Return the levels with signals that are Unix times as days from then to the end of each column's day.

    The last column is ``last_day``. As every component grows a day older a day, an age has no percentile.
    """
    rows = [index for index, signal in enumerate(levels.signals) if signal in moments]
    if not rows:
        return levels
    end = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(), dt.UTC).timestamp()
    ends = end - SECONDS_PER_DAY * np.arange(levels.levels.shape[1] - 1, -1, -1, dtype=np.float64)
    ages = levels.levels.astype(np.float64)
    # float32 knows today's Unix time to two minutes; a tenth of a day is what anybody reads.
    ages[rows] = np.round((ends - ages[rows]) / SECONDS_PER_DAY, 1)
    percentiles = levels.percentiles.copy()
    percentiles[rows] = np.nan
    return ComponentLevels(signals=levels.signals, levels=ages, percentiles=percentiles)


def find_reasons(
    contributions: np.ndarray,
    feature_signals: Sequence[str],
    levels: ComponentLevels,
    wordings: Sequence[SignalWording],
) -> tuple[Reason, ...]:
    """Return the signals that push one component's risk up, the strongest first, at most ``MAX_REASONS``.

    ``contributions`` is (F,), log-odds per feature; ``feature_signals[f]`` names the signal that
    feature f is made of. Features that are made of no reported signal (age of the model, missing
    reports) count under their own name, with no levels. Ties go by name.

    A signal that was 0 or unreported now, 7 and 30 days ago may raise the risk (its silence is part of
    a pattern), but nobody can look at it: it is named only where no other signal is.
    """
    worded = {wording.signal: wording for wording in wordings}
    sums = sum_by_signal(contributions, feature_signals)
    upward = sorted(((-value, signal) for signal, value in sums.items() if value >= SMALLEST_CONTRIBUTION))
    reasons = []
    for negative_sum, signal in upward:
        wording = worded.get(signal) or SignalWording(signal=signal, label=signal.replace("_", " "), unit="")
        row = levels.signals.index(signal) if signal in levels.signals else None
        series = None if row is None else levels.levels[row]
        reasons.append(
            Reason(
                signal=signal,
                label=wording.label,
                unit=wording.unit,
                now=level_before(series, 0),
                before_7d=level_before(series, 7),
                before_30d=level_before(series, 30),
                percentile=None if row is None else _floor_percentile(float(levels.percentiles[row])),
                contribution=round(-negative_sum, 4),
            )
        )
    telling = [reason for reason in reasons if reason.signal not in levels.signals or _is_visible(reason)]
    return tuple((telling or reasons)[:MAX_REASONS])


def _is_visible(reason: Reason) -> bool:
    return any((reason.now, reason.before_7d, reason.before_30d))


def sum_by_signal(contributions: np.ndarray, feature_signals: Sequence[str]) -> dict[str, float]:
    """Return the contributions of one component, (F,), summed over the features of each signal."""
    if len(contributions) != len(feature_signals):
        raise ValueError(f"{len(contributions)} contributions for {len(feature_signals)} features")
    parts: dict[str, list[float]] = {}
    for value, signal in zip(contributions.tolist(), feature_signals, strict=True):
        parts.setdefault(signal, []).append(value)
    # fsum is exact, so the order of features does not show in the last digit.
    return {signal: math.fsum(values) for signal, values in parts.items()}


def level_before(series: np.ndarray | None, days_ago: int) -> float | None:
    """Return the level ``days_ago`` days before the last day of ``series``, null if unknown.

    Where that day was not reported, the latest report of the ``STALE_AFTER_DAYS`` days before it stands.
    """
    if series is None:
        return None
    last = len(series) - 1 - days_ago
    for column in range(last, max(last - STALE_AFTER_DAYS, 0) - 1, -1):
        if not np.isnan(series[column]):
            return _plain_number(float(series[column]))
    return None


def _plain_number(value: float) -> float:
    """Return whole numbers exactly and others with three decimals, so that equal levels read the same."""
    return float(int(value)) if value.is_integer() else round(value, 3)


def _floor_percentile(percentile: float) -> float | None:
    """Round down to a tenth: 99.97 % must not read as "above all others"."""
    return None if math.isnan(percentile) else math.floor(percentile * 10.0) / 10.0


def write_reasons(reasons: Sequence[Reason]) -> str:
    """Return reasons as the JSON list of column ``evidence``: same reasons, same text."""
    return json.dumps([asdict(reason) for reason in reasons], ensure_ascii=False, separators=(",", ":"))


def read_reasons(text: str) -> tuple[Reason, ...]:
    """Return the reasons of column ``evidence``."""
    return tuple(Reason(**entry) for entry in json.loads(text))


def lookback_dates(day: dt.date, n_days: int) -> tuple[dt.date, ...]:
    """Return the dates of the columns of ``ComponentLevels.levels``: ``n_days`` days up to ``day``."""
    return tuple(day - dt.timedelta(days=n_days - 1 - column) for column in range(n_days))
