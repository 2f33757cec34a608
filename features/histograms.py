"""The histograms of many days side by side: core_model_population of one component kind as one array."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.population import N_BINS


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
