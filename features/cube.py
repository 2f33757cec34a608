"""How component-days lie in memory: one dense cube of signal, day and component.

A cube is built day by day from core tables and is what every feature is computed from. Its memory is
``4 bytes * signals * days * components``; a large fleet is loaded shard by shard.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Columns = slice | npt.NDArray[np.intp]

_GROWTH = 1.125  # room for components that appear later; also the bound on wasted memory


@dataclass(frozen=True, kw_only=True)
class Cube:
    """Values of every signal on every day. NaN is "not reported", never zero.

    ``values`` float32 (S, D, C); ``is_reported`` bool (D, C): the component had a row that day, be its
    signals null; ``model_codes`` int32 (C,) into ``models`` and ``capacity_bytes`` float32 (C,), both
    from the component's last row. Components are in ascending order of ``component_keys``.
    """

    signals: tuple[str, ...]
    first_day: dt.date
    n_days: int
    component_keys: npt.NDArray[np.uint64]
    values: npt.NDArray[np.float32]
    is_reported: npt.NDArray[np.bool_]
    model_codes: npt.NDArray[np.int32]
    models: tuple[str, ...]
    capacity_bytes: npt.NDArray[np.float32]

    @property
    def n_components(self) -> int:
        """How many components the cube has."""
        return len(self.component_keys)

    def day_index(self, day: dt.date) -> int:
        """Return the position of a day; ``ValueError`` if the cube does not have it."""
        index = (day - self.first_day).days
        if not 0 <= index < self.n_days:
            last = self.first_day + dt.timedelta(days=self.n_days - 1)
            raise ValueError(f"{day} is not in the cube, which holds {self.first_day} to {last}.")
        return index


class CubeBuilder:
    """Fill a cube day by day; days may come in any order, components may come and go.

    Columns are kept in order of first appearance and sorted at the end, in place: the peak is the
    final array plus an eighth.
    """

    def __init__(self, signals: Sequence[str], first_day: dt.date, last_day: dt.date) -> None:
        if last_day < first_day:
            raise ValueError(f"a cube from {first_day} to {last_day} has no days.")
        self._signals = tuple(signals)
        self._first_day = first_day
        self._n_days = (last_day - first_day).days + 1
        self._n_rows = len(self._signals) * self._n_days
        self._capacity = 0
        self._n_columns = 0
        self._flat = np.empty(0, dtype=np.float32)
        self._is_reported = np.zeros((self._n_days, 0), dtype=np.bool_)
        self._has_day = np.zeros(self._n_days, dtype=np.bool_)
        self._column_keys = np.empty(0, dtype=np.uint64)
        self._column_of_sorted = np.empty(0, dtype=np.intp)
        self._model_codes = np.empty(0, dtype=np.int32)
        self._capacity_bytes = np.empty(0, dtype=np.float32)
        self._described_on = np.empty(0, dtype=np.int32)
        self._models: dict[str, int] = {}
        self._scratch = np.empty(0, dtype=np.float32)
        self._last_keys = np.empty(0, dtype=np.uint64)
        self._last_columns: Columns = slice(0, 0)
        self._described_columns: Columns | None = None
        self._description = pa.table({})

    def add_day(self, day: dt.date, drive_days: pa.Table) -> None:
        """Lay one day's rows into the cube, replacing what that day had.

        ``drive_days`` has component_key (ascending, each once), model, capacity_bytes and one column
        per signal; a missing signal column counts as never reported.
        """
        row = (day - self._first_day).days
        if not 0 <= row < self._n_days:
            raise ValueError(f"{day} is outside of the cube of {self._n_days} days from {self._first_day}.")
        keys = drive_days.column("component_key").to_numpy()
        columns = self._columns_of(keys, day)
        self._has_day[row] = True
        self._is_reported[row] = False
        self._is_reported[row, columns] = True
        values = self._values()
        if len(self._scratch) < len(keys):
            self._scratch = np.empty(len(keys), dtype=np.float32)
        scratch = self._scratch[: len(keys)]
        names = set(drive_days.column_names)
        absent = np.flatnonzero(~self._is_reported[row, : self._n_columns])
        for index, signal in enumerate(self._signals):
            target = values[index, row, : self._n_columns]
            if signal not in names:
                target.fill(np.nan)
                continue
            target[absent] = np.nan
            if isinstance(columns, slice):
                _write_float32(drive_days.column(signal), target[columns])
            else:
                _write_float32(drive_days.column(signal), scratch)
                target[columns] = scratch
        self._describe(row, columns, drive_days)

    def build(self) -> Cube:
        """Return the cube; the builder must not be used afterwards."""
        n, flat = self._n_columns, self._flat
        order = np.argsort(self._column_keys)
        is_sorted = np.array_equal(order, np.arange(n))
        # Towards the front, so that no row is overwritten before it has moved.
        for row in range(self._n_rows):
            place = slice(row * n, row * n + n)
            if not self._has_day[row % self._n_days]:
                flat[place] = np.nan
            elif not is_sorted or self._capacity > n:
                start = row * self._capacity
                flat[place] = flat[start : start + n] if is_sorted else flat[start : start + n][order]
        del flat
        self._flat.resize(self._n_rows * n, refcheck=False)
        self._capacity = n
        return Cube(
            signals=self._signals,
            first_day=self._first_day,
            n_days=self._n_days,
            component_keys=self._column_keys[order],
            values=self._values(),
            is_reported=np.ascontiguousarray(self._is_reported[:, :n][:, order]),
            model_codes=self._model_codes[:n][order],
            models=tuple(self._models),
            capacity_bytes=self._capacity_bytes[:n][order],
        )

    def _values(self) -> npt.NDArray[np.float32]:
        return self._flat.reshape(len(self._signals), self._n_days, self._capacity)

    def _columns_of(self, keys: npt.NDArray[np.uint64], day: dt.date) -> Columns:
        """Return the column of each key, a slice where they are neighbours; new keys get new columns."""
        if np.array_equal(keys, self._last_keys) and self._n_columns:
            return self._last_columns
        if np.any(keys[1:] <= keys[:-1]):
            raise ValueError(f"component keys of {day} must ascend, each once; that day was not added.")
        known = self._column_keys[self._column_of_sorted]
        places = np.searchsorted(known, keys)
        is_new = np.ones(len(keys), dtype=np.bool_)
        inside = places < len(known)
        is_new[inside] = known[places[inside]] != keys[inside]
        if is_new.any():
            self._append(keys[is_new])
            known = self._column_keys[self._column_of_sorted]
            places = np.searchsorted(known, keys)
        columns: Columns = self._column_of_sorted[places]
        assert not isinstance(columns, slice)
        if len(keys) and int(columns[-1] - columns[0]) == len(keys) - 1 and np.all(np.diff(columns) == 1):
            columns = slice(int(columns[0]), int(columns[0]) + len(keys))
        self._last_keys, self._last_columns = keys, columns
        return columns

    def _append(self, new_keys: npt.NDArray[np.uint64]) -> None:
        n = self._n_columns + len(new_keys)
        if n > self._capacity:
            # Room that is never written to costs no memory; moving everything for a few newcomers does.
            self._grow(int(n * _GROWTH))
        # Of newcomers nothing was reported on the days so far.
        self._values()[:, self._has_day, self._n_columns : n] = np.nan
        self._column_keys = np.concatenate([self._column_keys, new_keys])
        self._column_of_sorted = np.argsort(self._column_keys, kind="stable")
        self._n_columns = n

    def _grow(self, capacity: int) -> None:
        old = self._capacity
        # realloc moves pages instead of copying them; then rows are spread from the last to the first.
        if old:
            self._flat.resize(self._n_rows * capacity, refcheck=False)
        else:
            self._flat = np.empty(self._n_rows * capacity, dtype=np.float32)
        for row in range(self._n_rows - 1, -1, -1):
            if self._has_day[row % self._n_days]:
                self._flat[row * capacity : row * capacity + old] = self._flat[row * old : row * old + old]
        self._capacity = capacity
        extra = capacity - old
        self._is_reported = np.pad(self._is_reported, ((0, 0), (0, extra)))
        self._model_codes = np.pad(self._model_codes, (0, extra), constant_values=-1)
        self._capacity_bytes = np.pad(self._capacity_bytes, (0, extra), constant_values=np.nan)
        self._described_on = np.pad(self._described_on, (0, extra), constant_values=-1)

    def _describe(self, row: int, columns: Columns, drive_days: pa.Table) -> None:
        """Keep model and capacity of each component's latest row, whatever order the days come in."""
        description = drive_days.select(["model", "capacity_bytes"])
        if columns is self._described_columns and description.equals(self._description):
            self._described_on[columns] = np.maximum(self._described_on[columns], row)
            return
        self._described_columns, self._description = columns, description
        models = description.column("model").combine_chunks()
        if not pa.types.is_dictionary(models.type):
            models = models.dictionary_encode()
        names = models.dictionary.to_pylist()
        codes = np.array([self._models.setdefault(name, len(self._models)) for name in names], dtype=np.int32)
        is_latest = self._described_on[columns] <= row
        found = codes[models.indices.to_numpy()] if names else np.empty(0, dtype=np.int32)
        self._model_codes[columns] = np.where(is_latest, found, self._model_codes[columns])
        capacity = column_as_float32(drive_days.column("capacity_bytes"))
        self._capacity_bytes[columns] = np.where(is_latest, capacity, self._capacity_bytes[columns])
        self._described_on[columns] = np.maximum(self._described_on[columns], row)


def column_as_float32(column: "pa.ChunkedArray | pa.Array") -> npt.NDArray[np.float32]:
    """Return a numeric column as float32 (N,), nulls as NaN: the one way values enter the cube."""
    target = np.empty(len(column), dtype=np.float32)
    _write_float32(column, target)
    return target


def _write_float32(column: "pa.ChunkedArray | pa.Array", target: npt.NDArray[np.float32]) -> None:
    """Write a numeric column into ``target`` without a copy in between; nulls become NaN."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    start = 0
    for chunk in chunks:
        end = start + len(chunk)
        if not (pa.types.is_integer(chunk.type) or pa.types.is_floating(chunk.type)):
            chunk = chunk.cast(pa.float32())
        if len(chunk):
            numbers = np.frombuffer(chunk.buffers()[1], dtype=chunk.type.to_pandas_dtype())
            target[start:end] = numbers[chunk.offset : chunk.offset + len(chunk)]
            if chunk.null_count:
                target[start:end][~_validity(chunk)] = np.nan
        start = end
    if pa.types.is_floating(column.type):
        target += np.float32(0.0)  # -0.0 and 0.0 would be different bits for the same value
        target[~np.isfinite(target)] = np.nan  # also one NaN for all: NaNs of other bits exist


def _validity(chunk: pa.Array) -> npt.NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(chunk.buffers()[0], dtype=np.uint8), bitorder="little")
    return bits[chunk.offset : chunk.offset + len(chunk)].view(np.bool_)
