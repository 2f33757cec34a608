"""Which signals of which hardware model left their place, and whether at once: from daily histograms.

Levels of counters grow by themselves, a young model's by octaves a month. So a counter has shifted only
where it moved more than twice as far as a month before, and a jump is what happens from one day to the next.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.drift import Counts, bins_moved, median_level, population_stability, stability_noise
from features.population import N_BINS

Daily = npt.NDArray[np.float64]
"""Histograms of one signal and model, (days, N_BINS)."""

RECENT_DAYS = 7
REFERENCE_DAYS = 28
WINDOW_DAYS = RECENT_DAYS + REFERENCE_DAYS
HISTORY_DAYS = 2 * WINDOW_DAYS
"""How many days the histograms span: the two windows, and the same two a window earlier."""

MINIMUM_REFERENCE_DAYS = 14
# A fifth of the level; seasons and growth move less in a month, another unit moves octaves.
_MINIMUM_BINS = 1.0
# Days on which the population itself changes by more than this say nothing of its signals.
_STABLE_SHARE = 0.1
_USUAL_FACTOR = 2.0


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Histograms of one component kind: ``counts`` (days, models, signals, N_BINS), days ascending, no gaps filled."""

    days: tuple[dt.date, ...]
    models: tuple[str, ...]
    signals: tuple[str, ...]
    counts: npt.NDArray[np.int32]

    @classmethod
    def from_tables(cls, tables: Mapping[dt.date, pa.Table]) -> "Histograms":
        """Lay out core_model_population of one kind; a model or signal of any day is there on all."""
        days = sorted(tables)
        columns = ("model", "signal", "bin", "n_components")
        rows = [tables[day].select(columns) for day in days]
        names = [sorted({v for t in rows for v in t[c].unique().to_pylist()}) for c in ("model", "signal")]
        counts = np.zeros((len(days), len(names[0]), len(names[1]), N_BINS), dtype=np.int32)
        for at, table in enumerate(rows):
            model, signal = (
                _codes(table[column], known) for column, known in zip(("model", "signal"), names, strict=True)
            )
            counts[at, model, signal, table["bin"].to_numpy()] = table["n_components"].to_numpy()
        return cls(days=tuple(days), models=tuple(names[0]), signals=tuple(names[1]), counts=counts)

    @property
    def n_components(self) -> npt.NDArray[np.int64]:
        """Components of each model on each day, (days, models): those that report its best reported signal."""
        n: npt.NDArray[np.int64] = self.counts.sum(axis=3, dtype=np.int64).max(axis=2, initial=0)
        return n


def _codes(column: pa.ChunkedArray, known: Sequence[str]) -> npt.NDArray[np.int64]:
    encoded = column.combine_chunks().dictionary_encode()
    place = {name: index for index, name in enumerate(known)}
    codes = np.array([place[name] for name in encoded.dictionary.to_pylist()], dtype=np.int64)
    rows: npt.NDArray[np.int64] = codes[encoded.indices.to_numpy()]
    return rows


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
    ``minimum_components`` in either, or with less than 14 days of reference, is left out.
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
    psi = population_stability(before, now)
    jump = _find_jump(daily, n_components, ages, psi_limit)
    is_shifted = jump is not None or (
        _is_far(before, now, psi_limit)
        and _is_far(before, today, psi_limit)
        and not (is_counter and _is_usual_growth(daily, ages, psi))
    )
    if jump is not None:
        before = _mean(daily, _before(ages, ages[jump], REFERENCE_DAYS))
        psi = population_stability(before, today)
    return SignalShift(
        model=model,
        signal=signal,
        psi=psi,
        is_shifted=is_shifted,
        jump_day=None if jump is None else days[jump],
        median_before=median_level(before),
        median_now=median_level(today),
        reported_before=float(daily[reference].sum() / max(1, n_components[reference].sum())),
        reported_now=float(today.sum() / max(1, n_components[-1])),
        n_components=int(n_components[-1]),
    )


def _windows(ages: npt.NDArray[np.int64], shift: int = 0) -> tuple[npt.NDArray[np.bool_], ...]:
    recent = (ages >= shift) & (ages < shift + RECENT_DAYS)
    return recent, (ages >= shift + RECENT_DAYS) & (ages < shift + WINDOW_DAYS)


def _mean(daily: Daily, days: npt.NDArray[np.bool_]) -> Counts:
    """Return the mean histogram of the days on which anybody reported; zeros where nobody did."""
    chosen = daily[days & (daily.sum(axis=1) > 0)]
    return chosen.mean(axis=0) if len(chosen) else np.zeros(N_BINS)


def _is_far(before: Counts, now: Counts, psi_limit: float) -> bool:
    if not before.any() or not now.any() or bins_moved(before, now) < _MINIMUM_BINS:
        return False
    return population_stability(before, now) > max(psi_limit, stability_noise(before, now))


def _is_usual_growth(daily: Daily, ages: npt.NDArray[np.int64], psi: float) -> bool:
    """Return whether a counter moved about as far between the same windows a window earlier.

    What is too young to have had them is growing: only a jump tells.
    """
    recent, reference = _windows(ages, WINDOW_DAYS)
    usual = population_stability(_mean(daily, reference), _mean(daily, recent))
    return bool(np.isnan(usual)) or psi <= _USUAL_FACTOR * usual


def _find_jump(
    daily: Daily, n_components: npt.NDArray[np.int64], ages: npt.NDArray[np.int64], psi_limit: float
) -> int | None:
    """Return the day of the last five weeks on which the histogram moved at once and stayed away; None if none.

    Only between days whose components are about the same, by number: new drives are no new unit. Today has
    to be far from the week before the jump and from the week three weeks earlier: what was away for some
    days and came back has not changed.
    """
    distances = []
    for index in (np.flatnonzero(ages[1:] < WINDOW_DAYS) + 1).tolist():
        a, b = n_components[index - 1], n_components[index]
        if a and abs(b - a) <= _STABLE_SHARE * a and _is_far(daily[index - 1], daily[index], psi_limit):
            distances.append((-bins_moved(daily[index - 1], daily[index]), index))
    for _, index in sorted(distances):
        last_week = _before(ages, ages[index], RECENT_DAYS)
        first_week = _before(ages, ages[index] + REFERENCE_DAYS - RECENT_DAYS, RECENT_DAYS)
        was_there = _before(ages, ages[index], REFERENCE_DAYS) & (n_components > 0)
        if was_there.sum() >= MINIMUM_REFERENCE_DAYS and all(
            not days.any() or _is_far(_mean(daily, days), daily[-1], psi_limit)
            for days in (last_week, first_week)
        ):
            return index
    return None


def _before(ages: npt.NDArray[np.int64], age: int, n_days: int) -> npt.NDArray[np.bool_]:
    """Return which days are of the ``n_days`` before the day of ``age``."""
    return (ages > age) & (ages <= age + n_days)
