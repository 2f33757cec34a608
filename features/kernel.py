"""Compute features of chosen component-days: the one kernel of training and scoring.

A cell's value depends on the ``lookback_days`` before its day and on nothing else: not on the cube's
first or last day, the other components, the other cells asked for, their order, or the threads. It
is the same bit for bit.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from features.aggregates import SignalBlock
from features.cube import Cube
from features.feature_names import FeatureSpec, lookback_days, parse_features
from features.population import PopulationLookup, PopulationTable
from features.selection import Block, Indices, Matrix, split_cells
from features.windows import SumTree


def compute_features(
    cube: Cube,
    feature_names: Sequence[str],
    day_index: npt.NDArray[np.integer],
    component_index: npt.NDArray[np.integer],
    population: PopulationTable | None = None,
    *,
    error_signals: Sequence[str] = (),
    n_threads: int = 2,
) -> Matrix:
    """Return the features of N component-days, float32 (N, F), NaN where unknown.

    ``day_index`` and ``component_index`` (N,) are positions in the cube. Days before the cube count as
    not reported: load ``feature_names.lookback_days`` of them before the first day asked for. Only
    those rows are touched. ``population`` is needed for percentiles, ``error_signals`` for
    ``signals_…`` features. Raises ``FeatureNameError`` naming every wrong name.
    """
    specs = parse_features(feature_names, signals=cube.signals, error_signals=error_signals)
    days, components = np.asarray(day_index, dtype=np.intp), np.asarray(component_index, dtype=np.intp)
    _check_cells(cube, days, components)
    if population is None and any(spec.aggregate == "percentile" for spec in specs):
        raise ValueError("percentile features need the population of each day; nothing was computed.")
    plan = _Plan(cube, specs, tuple(error_signals), None if population is None else population.for_cube(cube))
    features = np.empty((len(days), len(specs)), dtype=np.float32)
    blocks = split_cells(days, components, cube.n_components, lookback_days(specs))
    if n_threads == 1:
        for block in blocks:
            plan.fill(features, block)
        return features
    with ThreadPoolExecutor(n_threads) as threads:
        for _ in threads.map(lambda block: plan.fill(features, block), blocks):
            pass
    return features


class _Plan:
    """What is computed of each block, in which order; holds no state of a block."""

    def __init__(
        self,
        cube: Cube,
        specs: tuple[FeatureSpec, ...],
        error_signals: tuple[str, ...],
        population: PopulationLookup | None,
    ) -> None:
        self._cube = cube
        self._population = population
        self._error_signals = frozenset(error_signals)
        self._of_component = [(i, spec) for i, spec in enumerate(specs) if spec.signal is None]
        self._changed_windows = sorted(
            {
                s.window_days
                for _, s in self._of_component
                if s.aggregate == "signals_changed" and s.window_days
            }
        )
        of_errors = [s for _, s in self._of_component if s.aggregate.startswith("signals_")]
        self._of_signal: list[tuple[int, list[tuple[int, FeatureSpec]], int]] = []
        for signal_index, signal in enumerate(cube.signals):
            own = [(i, spec) for i, spec in enumerate(specs) if spec.signal == signal]
            shared = of_errors if signal in self._error_signals else []
            if own or shared:
                lookback = lookback_days([*(spec for _, spec in own), *shared])
                self._of_signal.append((signal_index, own, lookback))

    def fill(self, features: Matrix, block: Block) -> None:
        """Compute all features of a block's cells and write them to their places."""
        counts = _ErrorCounts(block.shape, self._changed_windows)
        # Unknown is NaN on purpose, and 0 / 0 is how some of it comes to be.
        with np.errstate(all="ignore"):
            for signal_index, own, lookback in self._of_signal:
                signal = self._cube.signals[signal_index]
                first = max(0, block.first_day - lookback)
                plane = self._cube.values[signal_index, first : block.last_day + 1, block.columns]
                of_block = SignalBlock(np.ascontiguousarray(plane), block.layout(first))
                cells = np.empty((len(own), *block.shape), dtype=np.float32)
                for place, (_, spec) in enumerate(own):
                    cells[place] = self._signal_feature(of_block, spec, block)
                if own:
                    block.write(features, _positions([i for i, _ in own]), cells)
                if signal in self._error_signals and self._of_component:
                    counts.add(of_block)
            cells = np.empty((len(self._of_component), *block.shape), dtype=np.float32)
            for place, (_, spec) in enumerate(self._of_component):
                cells[place] = self._component_feature(counts, spec, block)
        if self._of_component:
            block.write(features, _positions([i for i, _ in self._of_component]), cells)

    def _signal_feature(
        self, of_block: SignalBlock, spec: FeatureSpec, block: Block
    ) -> npt.NDArray[np.floating]:
        if spec.aggregate != "percentile":
            return of_block.compute(spec)
        assert self._population is not None and spec.signal is not None
        return self._population.percentile(spec.signal, block.cell_days, block.cell_columns, of_block.level)

    def _component_feature(
        self, counts: "_ErrorCounts", spec: FeatureSpec, block: Block
    ) -> npt.NDArray[np.floating]:
        if spec.aggregate == "capacity_bytes":
            return self._cube.capacity_bytes[block.cell_columns]
        if spec.aggregate == "days_reported":
            assert spec.window_days is not None
            first = max(0, block.first_day - spec.window_days + 1)
            reported = self._cube.is_reported[first : block.last_day + 1, block.columns]
            tree = SumTree(block.layout(first), np.ascontiguousarray(reported).view(np.uint8))
            return tree.window(spec.window_days).astype(np.float32)
        return counts.compute(spec)


class _ErrorCounts:
    """How many of the error signals changed, are not zero, or are missing, added up signal by signal."""

    def __init__(self, shape: tuple[int, ...], windows: Sequence[int]) -> None:
        self._nonzero, self._missing = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._changed = {days: np.zeros(shape, np.float32) for days in windows}
        self._known = {days: np.zeros(shape, np.bool_) for days in windows}
        self._n_signals = 0

    def add(self, of_block: SignalBlock) -> None:
        """Count one more signal."""
        level = of_block.level
        missing = np.isnan(level)
        self._missing += missing
        self._nonzero += (level != 0) & ~missing
        self._n_signals += 1
        for days, changed in self._changed.items():
            changes = of_block.changes(days)
            changed += changes > 0
            self._known[days] |= ~np.isnan(changes)

    def compute(self, spec: FeatureSpec) -> npt.NDArray[np.float32]:
        """Return one of the counts; NaN where no error signal is known, and so none can be counted."""
        if spec.aggregate == "signals_missing":
            return self._missing
        if spec.aggregate == "signals_nonzero":
            return np.where(self._missing < self._n_signals, self._nonzero, np.float32(np.nan))
        assert spec.window_days is not None
        return np.where(self._known[spec.window_days], self._changed[spec.window_days], np.float32(np.nan))


def _positions(indices: list[int]) -> slice | Indices:
    """Return a slice where the result's columns are neighbours: ten times cheaper to write."""
    if indices == list(range(indices[0], indices[-1] + 1)):
        return slice(indices[0], indices[-1] + 1)
    return np.array(indices, dtype=np.intp)


def _check_cells(cube: Cube, days: Indices, components: Indices) -> None:
    if days.shape != components.shape or days.ndim != 1:
        raise ValueError(f"{days.shape} days and {components.shape} components are not pairs.")
    for name, index, size in (("day", days, cube.n_days), ("component", components, cube.n_components)):
        if len(index) and not (0 <= index.min() and index.max() < size):
            raise ValueError(f"{name}_index goes from {index.min()} to {index.max()}; the cube has {size}.")
