"""A fleet's lookback straight in memory: counters that mostly stand still, as those of real drives do."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from features.cube import Cube
from features.feature_names import MAX_GAP_DAYS, MAX_WINDOW_DAYS
from features.population import PopulationTable, count_population

FIRST_DAY = dt.date(2024, 1, 1)
# What the longest feature looks at, its own day included.
N_DAYS = MAX_WINDOW_DAYS + MAX_GAP_DAYS
_N_MODELS = 20
_MISSING_SHARE = 0.01
_MOVING_SHARE = 0.02
_ALWAYS_MOVING = {"power_on_hours": 24.0}


def make_cube(signals: Sequence[str], n_components: int, *, seed: int = 4) -> Cube:
    """Return ``N_DAYS`` days of ``n_components`` drives; one row per signal, day and component."""
    random = np.random.default_rng(seed)
    values = np.empty((len(signals), N_DAYS, n_components), dtype=np.float32)
    is_reported = random.random((N_DAYS, n_components)) >= _MISSING_SHARE
    is_reported[-1] = True
    for place, signal in enumerate(signals):
        moving = np.flatnonzero(random.random(n_components) < _MOVING_SHARE)
        level = np.zeros(n_components, dtype=np.float32)
        level[moving] = random.integers(0, 50, len(moving))
        for day in range(N_DAYS):
            steps = random.random(len(moving)) < 0.2
            level[moving] += steps * random.integers(1, 20, len(moving))
            level += np.float32(_ALWAYS_MOVING.get(signal, 0.0))
            values[place, day] = np.where(is_reported[day], level, np.float32(np.nan))
    return Cube(
        signals=tuple(signals),
        first_day=FIRST_DAY,
        n_days=N_DAYS,
        component_keys=np.arange(n_components, dtype=np.uint64),
        values=values,
        is_reported=is_reported,
        model_codes=random.integers(0, _N_MODELS, n_components).astype(np.int32),
        models=tuple(f"MODEL{number:03d}X" for number in range(_N_MODELS)),
        capacity_bytes=np.full(n_components, 4e12, dtype=np.float32),
    )


def make_population(cube: Cube) -> PopulationTable:
    """Return how the levels of the cube's last day were distributed."""
    table = pa.table(
        {
            "model": np.array(cube.models)[cube.model_codes].tolist(),
            **{signal: cube.values[place, -1] for place, signal in enumerate(cube.signals)},
        }
    )
    last_day = cube.first_day + dt.timedelta(days=cube.n_days - 1)
    return PopulationTable.from_tables({last_day: count_population(table, cube.signals, "drive")})
