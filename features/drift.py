"""How far two histograms lie apart: population stability index, its noise, and the distance moved.

The index (PSI) is ``Σ (q - p)·ln(q / p)`` over groups of bins, p before and q now. The trade's reading
is: below 0.1 nothing, above 0.25 another population (Siddiqi, Credit Risk Scorecards, 2006).
"""

import math

import numpy as np
import numpy.typing as npt

from features.population import N_BINS

Counts = npt.NDArray[np.float64]

# Groups of about a tenth of the components: as the index is usually taken, and as its limits are meant.
_GROUP_SHARE = 0.1
# What an empty group counts, in components: without it one component in a new place would be infinitely far.
_EMPTY = 0.5
_NOISE_SIGMAS = 4.0


def group_edges(before: Counts) -> npt.NDArray[np.int64]:
    """Return the first bin of each group, ascending from 0; ``before`` are counts by bin, (N_BINS,).

    Zero is a group of its own, and so is all that lies below and above what was seen before: a level
    that nobody had must not hide in the group of the highest. Neither must a sparse tail in that of a
    bin that is full enough alone.
    """
    edges = [0, 1]
    occupied = np.flatnonzero(before[1:]) + 1
    if not len(occupied):
        return np.array(edges)
    enough = _GROUP_SHARE * before.sum()
    held = 0.0
    start = int(occupied[0])
    for each in range(int(occupied[0]), int(occupied[-1]) + 1):
        if before[each] >= enough and held:
            edges.append(start)
            start, held = each, 0.0
        held += before[each]
        if held >= enough:
            edges.append(start)
            start, held = each + 1, 0.0
    if start <= occupied[-1]:
        edges.append(start)
    if occupied[-1] + 1 < N_BINS:
        edges.append(int(occupied[-1]) + 1)
    return np.unique(np.array(edges))


def without_turnover(before: Counts, now: Counts) -> tuple[Counts, Counts]:
    """Return both histograms as if nobody had come or gone: each (N_BINS,), of the same sum.

    Who came is taken from the bins that gained, who went is given back to those that lost, in proportion.
    So new drives of a known model, or a source that is away for a day, are no other unit: nobody moved.
    """
    stayed = np.minimum(before, now)
    gained, lost = now - stayed, before - stayed
    n_gained, n_lost = float(gained.sum()), float(lost.sum())
    n_moved = min(n_gained, n_lost)
    if n_moved == 0:
        return stayed, stayed
    return stayed + lost * (n_moved / n_lost), stayed + gained * (n_moved / n_gained)


def population_stability(before: Counts, now: Counts) -> float:
    """Return the PSI of two histograms by bin, each (N_BINS,); NaN where one is empty.

    Counts are components, so a mean over days counts each component once.
    """
    n_before, n_now = float(before.sum()), float(now.sum())
    if n_before == 0 or n_now == 0:
        return math.nan
    edges = group_edges(before)
    p = np.maximum(np.add.reduceat(before, edges), _EMPTY) / n_before
    q = np.maximum(np.add.reduceat(now, edges), _EMPTY) / n_now
    return float(np.sum((q - p) * np.log(q / p)))


def stability_noise(before: Counts, now: Counts) -> float:
    """Return the PSI that chance alone does not exceed, at four standard deviations.

    Without drift ``PSI / (1/n + 1/m)`` is chi-squared with groups - 1 degrees of freedom (Yurdakul and
    Naranjo, Statistical properties of the population stability index, 2020); the quantile is Wilson
    and Hilferty's. Mostly the same components are in both, so true noise is less.
    """
    n_before, n_now = float(before.sum()), float(now.sum())
    if n_before == 0 or n_now == 0:
        return math.inf
    freedom = max(1, len(group_edges(before)) - 1)
    width = 2 / (9 * freedom)
    return (1 / n_before + 1 / n_now) * freedom * (1 - width + _NOISE_SIGMAS * math.sqrt(width)) ** 3


def bins_moved(before: Counts, now: Counts) -> float:
    """Return how many bins a component moved in the mean: the earth mover's distance, NaN where one is empty.

    Four bins are an octave. A uniform batch that crosses the edge of a bin has a huge PSI and moved one.
    """
    n_before, n_now = float(before.sum()), float(now.sum())
    if n_before == 0 or n_now == 0:
        return math.nan
    return float(np.abs(np.cumsum(before) / n_before - np.cumsum(now) / n_now).sum())


def median_level(counts: Counts) -> float:
    """Return the level in whose bin the median lies, as the bin's geometric middle; 0 for bin 0, NaN if empty."""
    if counts.sum() == 0:
        return math.nan
    median = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    return 0.0 if median == 0 else float(2 ** ((median - 0.5) / 4))
