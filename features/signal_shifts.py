"""Which signals of which hardware model left their place, and whether at once: from daily histograms.

Levels of counters grow by themselves, a young model's by octaves a month. So a counter that counts in most
components has shifted only where it moved three times as fast as in the weeks before; a jump is what
happens from one day to the next.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.drift import (
    Counts,
    bins_moved,
    median_level,
    population_stability,
    stability_noise,
    without_turnover,
)
from features.histograms import Histograms
from features.population import N_BINS

Daily = npt.NDArray[np.float64]
"""Histograms of one signal and model, (days, N_BINS)."""

RECENT_DAYS = 7
REFERENCE_DAYS = 28
WINDOW_DAYS = RECENT_DAYS + REFERENCE_DAYS
HISTORY_DAYS = WINDOW_DAYS + REFERENCE_DAYS
"""How many days the histograms span: the two windows, and the weeks before a jump on their first day."""

MINIMUM_REFERENCE_DAYS = 14
# A fifth of the level; seasons and growth move less in a month, another unit moves octaves.
_MINIMUM_BINS = 1.0
# Half an octave: 1.4 times the level.
_JUMP_BINS = 1.5
_GROWTH_FACTOR = 3.0
_MINIMUM_PAIRS = 7
# New drives of a tenth of the model are too few, or after three weeks too old, to look like another unit.
_STABLE_SHARE = 0.1
_SETTLING_DAYS = 21
# A model that grew by more than half in weeks is mostly young: its levels grow by octaves.
_GROWN = 1.5


@dataclass(frozen=True, kw_only=True)
class SignalShift:
    """One signal of one model, the last days against the four weeks before.

    ``psi`` is NaN where one side has no value; after a jump it is of the last day against the weeks before
    the jump. ``is_shifted``: further than chance, growth and the limit allow, and still so on the last day.
    ``jump_day``: the day of the last five weeks on which it moved at once, None if by and by.
    ``reported_before`` and ``reported_now``: shares of the model's components that report it.
    """

    model: str
    signal: str
    psi: float
    is_shifted: bool
    jump_day: dt.date | None
    median_before: float
    median_now: float
    reported_before: float
    reported_now: float
    n_components: int


def find_shifts(
    histograms: Histograms,
    day: dt.date,
    counters: Sequence[str],
    *,
    psi_limit: float,
    minimum_components: int,
) -> tuple[SignalShift, ...]:
    """Return the state of each signal and model that is old and large enough to speak of.

    Recent days are ``(day - 7, day]``, the reference is ``(day - 35, day - 7]``. A model with fewer than
    ``minimum_components`` in either, with less than 14 days of reference, or that has grown by more than
    half since, is left out.
    """
    ages = np.array([(day - each).days for each in histograms.days])
    n_components = histograms.n_components
    recent, reference = _windows(ages)
    if not len(histograms.days) or histograms.days[-1] != day:
        return ()
    found = []
    for m, model in enumerate(histograms.models):
        was_there = np.flatnonzero(reference & (n_components[:, m] > 0))
        n_before = n_components[was_there, m].mean() if len(was_there) else 0
        n_now = n_components[recent, m].mean()
        if len(was_there) < MINIMUM_REFERENCE_DAYS or min(n_before, n_now) < minimum_components:
            continue
        if n_components[-1, m] > _GROWN * n_before:
            continue
        for s, signal in enumerate(histograms.signals):
            daily = histograms.counts[:, m, s]
            if not daily.any():
                continue
            found.append(
                _judge_signal(
                    model,
                    signal,
                    daily.astype(np.float64),
                    n_components[:, m],
                    histograms.days,
                    is_counter=signal in counters,
                    psi_limit=psi_limit,
                )
            )
    return tuple(found)


def _judge_signal(
    model: str,
    signal: str,
    daily: Daily,
    n_components: npt.NDArray[np.int64],
    days: Sequence[dt.date],
    *,
    is_counter: bool,
    psi_limit: float,
) -> SignalShift:
    ages = np.array([(days[-1] - each).days for each in days])
    recent, reference = _windows(ages)
    before, now, today = _mean(daily, reference), _mean(daily, recent), daily[-1]
    psi = population_stability(*without_turnover(before, now))
    moves = _daily_moves(daily, ages)
    jump = _find_jump(daily, n_components, ages, moves, psi_limit)
    if is_counter and median_level(before) > 0:
        # A clock: hours, load cycles. Its levels only say something against its own pace.
        week_ago = np.flatnonzero(ages >= RECENT_DAYS)
        is_moving = (
            bool(len(week_ago))
            and _is_settled(n_components, ages, len(ages) - 1)
            and _is_settled(n_components, ages, int(week_ago[-1]))
            and _outruns_growth(daily, ages, moves, int(week_ago[-1]), len(ages) - 1, psi_limit)
        )
    else:
        is_moving = _is_far(before, now, psi_limit) and _is_far(before, today, psi_limit)
    if jump is not None:
        before = _mean(daily, _before(ages, ages[jump], REFERENCE_DAYS))
        psi = population_stability(*without_turnover(before, today))
    return SignalShift(
        model=model,
        signal=signal,
        psi=psi,
        is_shifted=jump is not None or is_moving,
        jump_day=None if jump is None else days[jump],
        median_before=median_level(before),
        median_now=median_level(today),
        reported_before=float(daily[reference].sum() / max(1, n_components[reference].sum())),
        reported_now=float(today.sum() / max(1, n_components[-1])),
        n_components=int(n_components[-1]),
    )


def _windows(ages: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    return ages < RECENT_DAYS, (ages >= RECENT_DAYS) & (ages < WINDOW_DAYS)


def _mean(daily: Daily, days: npt.NDArray[np.bool_]) -> Counts:
    """Return the mean histogram of the days on which anybody reported; zeros where nobody did."""
    chosen = daily[days & (daily.sum(axis=1) > 0)]
    return chosen.mean(axis=0) if len(chosen) else np.zeros(N_BINS)


def _is_far(before: Counts, now: Counts, psi_limit: float) -> bool:
    a, b = without_turnover(before, now)
    if not a.any() or bins_moved(a, b) < _MINIMUM_BINS:
        return False
    return population_stability(a, b) > max(psi_limit, stability_noise(a, b))


def _daily_moves(daily: Daily, ages: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return how many bins a component moved per day from each day to the next there is, (days,); first NaN."""
    moves = np.full(len(ages), np.nan)
    for index in range(1, len(ages)):
        moved = bins_moved(*without_turnover(daily[index - 1], daily[index]))
        moves[index] = moved / (ages[index - 1] - ages[index])
    return moves


def _outruns_growth(
    daily: Daily,
    ages: npt.NDArray[np.int64],
    moves: npt.NDArray[np.float64],
    first: int,
    last: int,
    limit: float,
) -> bool:
    """Return whether the histogram moved three times as far from one day to another as in the days before.

    The mean of the two weeks before ``first``: a uniform batch moves in jerks, from one bin to the next.
    """
    earlier = moves[(ages >= ages[first]) & (ages < ages[first] + MINIMUM_REFERENCE_DAYS)]
    earlier = earlier[~np.isnan(earlier)]
    if len(earlier) < _MINIMUM_PAIRS or not _is_far(daily[first], daily[last], limit):
        return False
    growth = float(earlier.mean()) * (ages[first] - ages[last])
    moved = bins_moved(*without_turnover(daily[first], daily[last]))
    return bool(moved >= max(_JUMP_BINS, _GROWTH_FACTOR * growth))


def _is_settled(n_components: npt.NDArray[np.int64], ages: npt.NDArray[np.int64], at: int) -> bool:
    """Return whether a day has about as many components as the second and third week before it.

    A batch that came since is young: its hours double overnight, and with it the levels of the model.
    """
    former = n_components[(ages > ages[at] + RECENT_DAYS) & (ages <= ages[at] + _SETTLING_DAYS)]
    former = former[former > 0]
    return bool(len(former)) and abs(n_components[at] / np.median(former) - 1) <= _STABLE_SHARE


def _find_jump(
    daily: Daily,
    n_components: npt.NDArray[np.int64],
    ages: npt.NDArray[np.int64],
    moves: npt.NDArray[np.float64],
    psi_limit: float,
) -> int | None:
    """Return the day of the last five weeks on which the histogram moved at once and stayed away; None if none.

    Today has to be far from the week before the jump and from the week three weeks earlier: what was away
    for some days and came back has not changed.
    """
    candidates = (np.flatnonzero(ages[1:] < WINDOW_DAYS) + 1).tolist()
    jumps = [
        i
        for i in candidates
        if _is_settled(n_components, ages, i)
        and _is_settled(n_components, ages, i - 1)
        and _outruns_growth(daily, ages, moves, i - 1, i, psi_limit)
    ]
    for index in sorted(jumps, key=lambda each: (-moves[each], each)):
        last_week = _before(ages, ages[index], RECENT_DAYS)
        first_week = _before(ages, ages[index] + REFERENCE_DAYS - RECENT_DAYS, RECENT_DAYS)
        if all(
            not days.any() or _is_far(_mean(daily, days), daily[-1], psi_limit)
            for days in (last_week, first_week)
        ):
            return index
    return None


def _before(ages: npt.NDArray[np.int64], age: int, n_days: int) -> npt.NDArray[np.bool_]:
    """Return which days are of the ``n_days`` before the day of ``age``."""
    return (ages > age) & (ages <= age + n_days)
