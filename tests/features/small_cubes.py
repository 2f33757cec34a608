"""Cubes for tests: drawn ones with every kind of hole, and one seeded fleet with long histories."""

import dataclasses
import datetime as dt

import hypothesis.extra.numpy as hnp
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from features.cube import Cube

FIRST_DAY = dt.date(2024, 1, 1)
SIGNALS = ("pending_sectors", "temperature_celsius")


def make_cube(
    values: npt.NDArray[np.float32],
    is_reported: npt.NDArray[np.bool_] | None = None,
    signals: tuple[str, ...] = SIGNALS,
) -> Cube:
    """Return a cube of two hardware models with these values (S, D, C)."""
    _, n_days, n_components = values.shape
    if is_reported is None:
        is_reported = ~np.isnan(values).all(axis=0)
    return Cube(
        signals=signals,
        first_day=FIRST_DAY,
        n_days=n_days,
        component_keys=np.arange(n_components, dtype=np.uint64) * 1000 + 7,
        values=np.where(is_reported, values, np.float32(np.nan)).astype(np.float32),
        is_reported=is_reported,
        model_codes=(np.arange(n_components) % 2).astype(np.int32),
        models=("ST4000DM000", "HGST-5"),
        capacity_bytes=np.where(np.arange(n_components) % 3, np.float32(4e12), np.float32(np.nan)),
    )


def column(*values: float | None) -> Cube:
    """Return a cube of one component and one signal with these values, None = not reported."""
    known = np.array([np.nan if value is None else value for value in values], dtype=np.float32)
    return make_cube(known[np.newaxis, :, np.newaxis], signals=("pending_sectors",))


def cut_days(cube: Cube, first: int, end: int) -> Cube:
    """Return the cube of the days ``first..end - 1`` only."""
    return dataclasses.replace(
        cube,
        first_day=cube.first_day + dt.timedelta(days=first),
        n_days=end - first,
        values=cube.values[:, first:end].copy(),
        is_reported=cube.is_reported[first:end].copy(),
    )


def pick_components(cube: Cube, components: npt.NDArray[np.intp]) -> Cube:
    """Return the cube of some components, in the order given."""
    return dataclasses.replace(
        cube,
        component_keys=cube.component_keys[components],
        values=cube.values[:, :, components].copy(),
        is_reported=cube.is_reported[:, components].copy(),
        model_codes=cube.model_codes[components],
        capacity_bytes=cube.capacity_bytes[components],
    )


@st.composite
def drawn_cubes(draw: st.DrawFn) -> Cube:
    """Draw a few components over up to 20 days: resets, nulls, absences longer than the carry."""
    n_days, n_components = draw(st.integers(1, 20)), draw(st.integers(1, 4))
    shape = (len(SIGNALS), n_days, n_components)
    levels = st.sampled_from([0.0, 1.0, 3.0, 250.0, 0.1, 41.7, np.nan])
    values = draw(hnp.arrays(np.float32, shape, elements=levels, fill=st.sampled_from([0.0, 2.0, np.nan])))
    is_reported = draw(hnp.arrays(np.bool_, shape[1:], elements=st.booleans(), fill=st.just(True)))
    return make_cube(values, is_reported)


def seeded_fleet(n_days: int = 140, n_components: int = 40, seed: int = 5) -> Cube:
    """Return a fleet: mostly silent counters, resets, gauges, nulls, new and returning components."""
    rng = np.random.default_rng(seed)
    shape = (n_days, n_components)
    moves = (rng.random(shape) < 0.1) & (rng.random(n_components) < 0.3)
    counter = np.cumsum(moves * rng.integers(1, 400, shape), axis=0)
    reset_on = rng.integers(0, n_days, n_components)
    counter -= np.where(
        np.arange(n_days)[:, np.newaxis] >= reset_on, counter[reset_on, np.arange(n_components)], 0
    )
    gauge = 35 + np.cumsum(rng.normal(0, 0.6, shape), axis=0)
    gauge[:, ::5] = np.float32(33.3)  # some sensors never move
    values = np.stack([counter, gauge]).astype(np.float32)
    values[rng.random(values.shape) < 0.03] = np.nan
    values[:, :, 1::8] = np.stack([counter, gauge])[:, :, 1::8]  # and some are never silent
    is_reported = rng.random(shape) > 0.03
    is_reported[:, 1::8] = True
    is_reported[: n_days // 2, 2] = False  # new
    is_reported[n_days // 3 : n_days // 3 + 20, 3] = False  # back after longer than the carry
    return make_cube(values, is_reported)
