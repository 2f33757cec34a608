"""A fleet's component-days for the benchmarks, written as `prefail build` writes them.

Drawn straight as decoded signals: most error counters stay at zero, two in a hundred move; three in
ten components are of a maker that leaves some signals out; one component-day in a hundred is missing.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.shards import component_keys, shard_lengths
from pipelines.lake import Lake
from pipelines.progress import track

FIRST_DAY = dt.date(2024, 1, 1)
DATASET = "core_drive_days"
ERROR_COUNTERS = (
    *("reallocated_sectors", "spin_retries", "reported_uncorrectable", "command_timeouts", "high_fly_writes"),
    *("reallocation_events", "pending_sectors", "offline_uncorrectable", "interface_crc_errors"),
)
SIGNALS = (*ERROR_COUNTERS, "power_on_hours", "power_cycles", "temperature_celsius")
# What about a third of the makers don't report.
_OF_SOME_MAKERS = ("reported_uncorrectable", "command_timeouts", "high_fly_writes")
_MODELS = np.array([f"MODEL{number:03d}X" for number in range(20)])
_N_MODELS_WITH_LESS = 6
_MISSING_SHARE = 0.01
_MOVING_SHARE = 0.02
_FAILING_SHARE_A_DAY = 4e-5  # 1.5 % a year


@dataclass(frozen=True, kw_only=True)
class WrittenDays:
    """What lies in the lake: ``n_rows`` component-days, on ``days``."""

    days: tuple[dt.date, ...]
    n_rows: int


def write_core_days(lake: Lake, n_components: int, n_days: int, *, seed: int = 1) -> WrittenDays:
    """Write ``core_drive_days`` and ``core_failures``, day by day; the same arguments give the same bytes."""
    random = np.random.default_rng(seed)
    ids = np.array([f"DRV{number:08d}" for number in range(n_components)])
    keys = component_keys(ids.tolist())
    order = np.argsort(keys)
    fleet = _Fleet(ids=ids[order], keys=keys[order], n_days=n_days, random=random)
    days = tuple(FIRST_DAY + dt.timedelta(days=number) for number in range(n_days))
    n_rows = 0
    for number, day in enumerate(track(days, "writing component-days")):
        table = fleet.next_day(number, day)
        lengths = shard_lengths(table["component_key"].to_numpy())
        lake.write_day(DATASET, day, table, row_group_rows=lengths)
        lake.write_day("core_failures", day, fleet.failures_of(number, day))
        n_rows += table.num_rows
    return WrittenDays(days=days, n_rows=n_rows)


class _Fleet:
    """Counters of all components, moved on day by day."""

    def __init__(
        self, *, ids: np.ndarray, keys: np.ndarray, n_days: int, random: np.random.Generator
    ) -> None:
        n = len(ids)
        self._random = random
        self._model = random.integers(0, len(_MODELS), n)
        self._hours = random.integers(0, 40_000, n)
        self._cycles = random.integers(2, 30, n)
        self._moves = random.random((len(ERROR_COUNTERS), n)) < _MOVING_SHARE
        self._counts = np.zeros((len(ERROR_COUNTERS), n), dtype=np.int64)
        fails = random.random(n) < _FAILING_SHARE_A_DAY * n_days
        # At least one, so that a tiny fleet has something to learn from.
        fails[0] = True
        self._failure = np.where(fails, random.integers(n_days // 2, n_days, n), n_days + 1)
        self._reports_less = self._model < _N_MODELS_WITH_LESS
        self._identity: dict[str, pa.Array] = {
            "component_key": pa.array(keys),
            "component_id": pa.array(ids.tolist()),
            "model": pa.array(_MODELS[self._model].tolist()),
            "host_id": pa.array([f"host-{place // 20:06d}" for place in range(n)]),
            "capacity_bytes": pa.array((self._model % 5 + 4) * 4 * 10**12),
        }

    def next_day(self, number: int, day: dt.date) -> pa.Table:
        """Return the rows of one day in the contract's form, by ascending key."""
        random, n = self._random, len(self._model)
        steps = self._moves & (random.random(self._moves.shape) < 0.2)
        self._counts += steps * random.integers(1, 20, steps.shape)
        self._cycles = self._cycles + (random.random(n) < 0.003)
        values: dict[str, np.ndarray] = dict(zip(ERROR_COUNTERS, self._counts, strict=True))
        values["power_on_hours"] = self._hours + 24 * number
        values["power_cycles"] = self._cycles
        values["temperature_celsius"] = np.rint(32 + random.normal(0, 3, n)).astype(np.float32)
        is_there = (random.random(n) >= _MISSING_SHARE) & (number <= self._failure)
        columns = {**self._identity, "known_at": _known_at(day, n)}
        for signal, counts in values.items():
            columns[signal] = pa.array(counts, mask=self._reports_less if signal in _OF_SOME_MAKERS else None)
        return _in_contract_form(DATASET, columns, n).filter(pa.array(is_there))

    def failures_of(self, number: int, day: dt.date) -> pa.Table:
        """Return the day's failures: the component's last day of service."""
        failed = pa.array(np.flatnonzero(self._failure == number))
        n = len(failed)
        columns = {
            **{name: column.take(failed) for name, column in self._identity.items()},
            "component_kind": pa.repeat("drive", n),
            "failure_source": pa.repeat("benchmark", n),
            "is_confirmed": pa.repeat(True, n),
            "known_at": _known_at(day, n),
        }
        return _in_contract_form("core_failures", columns, n)


def _in_contract_form(dataset: str, columns: dict[str, pa.Array], n_rows: int) -> pa.Table:
    schema = schema_of(load_contract(dataset))
    return pa.table(
        [
            columns[field.name].cast(field.type) if field.name in columns else pa.nulls(n_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _known_at(day: dt.date, n_rows: int) -> pa.Array:
    evening = dt.datetime.combine(day, dt.time(23, 59), tzinfo=dt.UTC)
    return pa.repeat(pa.scalar(evening, pa.timestamp("us", "UTC")), n_rows)
