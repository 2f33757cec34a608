"""Where a value stands among the components of the same hardware model on the same day.

Each day's population is kept as a histogram of quarter octaves, so that a percentile of any past day
needs a few kilobytes and not the fleet. Bin 0 holds zero (and anything below), bin ``1 + b`` holds
``2**(b/4) <= v < 2**((b+1)/4)``; values in (0, 1) go to bin 1, values from 2**15.75 to bin 64.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.cube import Cube, column_as_float32

N_BINS = 65

# Mantissa bits of the smallest float32 at or above 2**(1/4), 2**(2/4), 2**(3/4). Comparing bits is
# exact, log2 is not: NumPy's result may differ in the last place with the position in the array.
_QUARTER_OCTAVES = tuple(
    int(np.float32(np.ceil(2.0 ** (quarter / 4) * 2.0**23) * 2.0**-23).view(np.uint32)) & 0x7FFFFF
    for quarter in (1, 2, 3)
)

_SCHEMA = pa.schema(
    [
        pa.field("component_kind", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("signal", pa.string(), nullable=False),
        pa.field("bin", pa.int16(), nullable=False),
        pa.field("n_components", pa.int32(), nullable=False),
    ]
)


_READ = ("model", "signal", "bin", "n_components")


def population_bins(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Return the bin 0..64 of each value, -1 for NaN; same shape."""
    bits = np.ascontiguousarray(levels, dtype=np.float32).view(np.int32)
    mantissa = bits & 0x7FFFFF
    octave = (bits >> 23) - 127
    bins = octave * 4 + 1
    for threshold in _QUARTER_OCTAVES:
        bins += mantissa >= threshold
    np.clip(bins, 1, N_BINS - 1, out=bins)
    bins[levels <= 0] = 0
    bins[np.isnan(levels)] = -1
    return bins


def count_population(component_days: pa.Table, signals: Sequence[str], component_kind: str) -> pa.Table:
    """Return the histogram of a kind's day. One row per model, signal and occupied bin.

    Null values are not counted. Rows are in order of model, signal (as given) and bin.
    """
    encoded = component_days.column("model").combine_chunks().dictionary_encode()
    models = encoded.dictionary.to_pylist()
    order = sorted(range(len(models)), key=models.__getitem__)
    rank = np.empty(len(models), dtype=np.int64)
    rank[order] = np.arange(len(models))
    codes = rank[encoded.indices.to_numpy()] if models else np.empty(0, dtype=np.int64)
    counts = np.zeros((len(models), len(signals), N_BINS), dtype=np.int32)
    for index, signal in enumerate(signals):
        bins = population_bins(column_as_float32(component_days.column(signal)))
        cells = (codes * N_BINS + bins)[bins >= 0]
        counts[:, index] = np.bincount(cells, minlength=len(models) * N_BINS).reshape(len(models), N_BINS)
    model, signal_code, found_bin = np.nonzero(counts)
    return pa.table(
        {
            "component_kind": pa.repeat(pa.scalar(component_kind), len(model)),
            "model": pa.array([models[i] for i in order], pa.string()).take(pa.array(model)),
            "signal": pa.array(signals, pa.string()).take(pa.array(signal_code)),
            "bin": found_bin.astype(np.int16),
            "n_components": counts[model, signal_code, found_bin],
        },
        schema=_SCHEMA,
    )


@dataclass(frozen=True, kw_only=True)
class PopulationLookup:
    """Percentiles laid out for one cube. ``groups[signal]`` (days, models) points into ``percentiles``."""

    percentiles: npt.NDArray[np.float32]
    groups: Mapping[str, npt.NDArray[np.int32]]
    model_codes: npt.NDArray[np.int32]

    def percentile(
        self,
        signal: str,
        day_index: npt.NDArray[np.intp],
        component_index: npt.NDArray[np.intp],
        levels: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """Return the mid-rank percentile 0..1 of each level, NaN if it or its population is unknown.

        ``day_index`` and ``component_index`` are positions in the cube and broadcast to ``levels``.
        """
        groups = self.groups.get(signal)
        if groups is None:
            return np.full(levels.shape, np.nan, dtype=np.float32)
        group = groups[day_index, self.model_codes[component_index]]
        return self.percentiles.ravel().take(group * (N_BINS + 1) + population_bins(levels) + 1)


@dataclass(frozen=True, kw_only=True)
class PopulationTable:
    """The populations of many days. Row g of ``percentiles`` is one model, signal and day.

    ``percentiles`` (G + 1, 1 + 65) float32; row 0 and column 0 are NaN and stand for "unknown".
    """

    days: tuple[dt.date, ...]
    models: tuple[str, ...]
    signals: tuple[str, ...]
    groups: npt.NDArray[np.int32]  # (signals, days, models), row of percentiles, 0 = unknown
    percentiles: npt.NDArray[np.float32]

    @classmethod
    def from_tables(cls, tables: Mapping[dt.date, pa.Table]) -> "PopulationTable":
        """Build from ``core_model_population`` partitions of one kind, by day."""
        days = tuple(sorted(tables))
        rows = pa.concat_tables([tables[day].select(_READ) for day in days] or [_SCHEMA.empty_table()])
        models, model_codes = _encode(rows.column("model"))
        signals, signal_codes = _encode(rows.column("signal"))
        day_codes = np.repeat(np.arange(len(days)), [tables[day].num_rows for day in days])
        shape = (len(signals), len(days), len(models))
        cells = (signal_codes * shape[1] + day_codes) * shape[2] + model_codes
        known, group = np.unique(cells, return_inverse=True)
        counts = np.zeros((len(known), N_BINS))
        np.add.at(counts, (group, rows.column("bin").to_numpy()), rows.column("n_components").to_numpy())
        below = np.cumsum(counts, axis=1) - counts
        percentiles = np.full((len(known) + 1, N_BINS + 1), np.nan, dtype=np.float32)
        percentiles[1:, 1:] = (below + counts / 2) / counts.sum(axis=1, keepdims=True)
        groups = np.zeros(int(np.prod(shape)), dtype=np.int32)
        groups[known] = np.arange(1, len(known) + 1)
        return cls(
            days=days, models=models, signals=signals, groups=groups.reshape(shape), percentiles=percentiles
        )

    def for_cube(self, cube: Cube) -> PopulationLookup:
        """Lay the populations out by the cube's own days and models."""
        day_of = {day: index for index, day in enumerate(self.days)}
        model_of = {model: index for index, model in enumerate(self.models)}
        cube_days = [cube.first_day + dt.timedelta(days=offset) for offset in range(cube.n_days)]
        d = [(row, day_of[day]) for row, day in enumerate(cube_days) if day in day_of]
        m = [(code, model_of[model]) for code, model in enumerate(cube.models) if model in model_of]
        groups = {}
        for index, signal in enumerate(self.signals):
            laid_out = np.zeros((cube.n_days, len(cube.models)), dtype=np.int32)
            if d and m:
                to, of = (
                    np.ix_([row for row, _ in d], [code for code, _ in m]),
                    np.ix_([day for _, day in d], [model for _, model in m]),
                )
                laid_out[to] = self.groups[index][of]
            groups[signal] = laid_out
        return PopulationLookup(percentiles=self.percentiles, groups=groups, model_codes=cube.model_codes)


def _encode(column: pa.ChunkedArray) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    encoded = column.combine_chunks().dictionary_encode()
    return tuple(encoded.dictionary.to_pylist()), encoded.indices.to_numpy().astype(np.int64)
