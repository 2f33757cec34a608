"""Which signals stand still that used to move: a sensor or exporter that repeats its last value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.cube import column_as_float32

SPAN_DAYS = 5
"""How many days in a row a value has to be the same."""


@dataclass(frozen=True, kw_only=True)
class StillShare:
    """Of one model and signal: the share of components whose value was the same on all days, now and before.

    Components that reported it on all days of a span are counted; ``n_components`` are those of now.
    """

    model: str
    signal: str
    before: float
    now: float
    n_components: int


def compare_still_shares(
    before: Sequence[pa.Table], now: Sequence[pa.Table], signals: Sequence[str], *, minimum_components: int
) -> tuple[StillShare, ...]:
    """Return each model's and signal's share of components that stood still over ``before`` and ``now``.

    Tables are component-days: component_key (each once a table), model and ``signals``; one table a day,
    the model of the last counts. Models with fewer than ``minimum_components`` in either are left out.
    """
    still_before, still_now = (_count_still(tables, signals) for tables in (before, now))
    shares = []
    for (model, signal), (n_now, n_still) in sorted(still_now.items()):
        n_before, n_still_before = still_before.get((model, signal), (0, 0))
        if min(n_now, n_before) >= minimum_components:
            shares.append(
                StillShare(
                    model=model,
                    signal=signal,
                    before=n_still_before / n_before,
                    now=n_still / n_now,
                    n_components=n_now,
                )
            )
    return tuple(shares)


def _count_still(
    tables: Sequence[pa.Table], signals: Sequence[str]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return by model and signal: components with a value on every day, and those where it is the same."""
    keys = [table["component_key"].to_numpy() for table in tables]
    common = keys[-1]
    for other in keys[:-1]:
        common = np.intersect1d(common, other)
    places = [_places(each, common) for each in keys]
    models = tables[-1]["model"].combine_chunks().dictionary_encode()
    codes = models.indices.to_numpy()[places[-1]]
    names = models.dictionary.to_pylist()
    counted = {}
    for signal in signals:
        values = np.stack(
            [column_as_float32(table[signal])[at] for table, at in zip(tables, places, strict=True)]
        )
        is_known = ~np.isnan(values).any(axis=0)
        is_still = is_known & (values == values[0]).all(axis=0)
        n_known = np.bincount(codes[is_known], minlength=len(names))
        n_still = np.bincount(codes[is_still], minlength=len(names))
        for code, name in enumerate(names):
            if n_known[code]:
                counted[name, signal] = (int(n_known[code]), int(n_still[code]))
    return counted


def _places(keys: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    at = pc.index_in(pa.array(wanted), value_set=pa.array(keys))
    places: npt.NDArray[np.int64] = at.to_numpy(zero_copy_only=False).astype(np.int64)
    return places
