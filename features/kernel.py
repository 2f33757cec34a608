"""Compute features of chosen component-days: the one kernel of training and scoring.

A cell's value depends on the ``lookback_days`` before its day and on nothing else: not on the cube's
first or last day, the other components, the other cells asked for, their order, or the threads. It
is the same bit for bit. (A percentile also needs the component's hardware model and the day's
population; the cube holds one model per component, that of its latest row.)
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from features.aggregates import SignalBlock
from features.cube import Cube
from features.feature_names import FeatureSpec, lookback_days, parse_features
from features.layouts import Indices
from features.population import PopulationLookup, PopulationTable
from features.reported_days import ReportedDays
from features.selection import Block, Matrix, split_cells
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
    blocks = split_cells(days, components, cube.n_components, lookback_days(specs), n_threads)
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
        self._counts_errors = any(s.aggregate.startswith("signals_") for _, s in self._of_component)
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
        patterns: list[ReportedDays] = []
        # Features side by side, so that each row of the result is written once.
        cells = np.empty((features.shape[1], *block.shape), dtype=np.float32)
        # Unknown is NaN on purpose, and 0 / 0 is how some of it comes to be.
        with np.errstate(all="ignore"):
            for signal_index, own, lookback in self._of_signal:
                first = max(0, block.first_day - lookback)
                plane = self._cube.values[signal_index][first : block.last_day + 1, block.columns]
                values = np.ascontiguousarray(plane)
                of_block = SignalBlock(values, _find_pattern(patterns, values, block, first))
                for position, spec in own:
                    self._write_signal_feature(of_block, spec, block, cells[position])
                if self._counts_errors and self._cube.signals[signal_index] in self._error_signals:
                    counts.add(of_block)
            for position, spec in self._of_component:
                cells[position] = self._component_feature(counts, spec, block)
        block.write(features, cells)

    def _write_signal_feature(
        self, of_block: SignalBlock, spec: FeatureSpec, block: Block, out: npt.NDArray[np.float32]
    ) -> None:
        if spec.aggregate != "percentile":
            of_block.compute(spec, out)
            return
        assert self._population is not None
        assert spec.signal is not None
        out[...] = self._population.percentile(
            spec.signal, block.cell_days, block.cell_columns, of_block.level
        )

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
        for days, total in self._changed.items():
            changed, unknown = of_block.has_changed(days), of_block.without_step(days)
            if changed is not None:
                total += changed
            self._known[days] |= True if unknown is None else ~unknown

    def compute(self, spec: FeatureSpec) -> npt.NDArray[np.float32]:
        """Return one of the counts; NaN where no error signal is known, and so none can be counted."""
        if spec.aggregate == "signals_missing":
            return self._missing
        if spec.aggregate == "signals_nonzero":
            return np.where(self._missing < self._n_signals, self._nonzero, np.float32(np.nan))
        assert spec.window_days is not None
        return np.where(self._known[spec.window_days], self._changed[spec.window_days], np.float32(np.nan))


def _find_pattern(
    patterns: list[ReportedDays], values: Matrix, block: Block, first_row_day: int
) -> ReportedDays:
    """Return what is known of the days on which a signal was reported, shared with the signals before it."""
    reported = ~np.isnan(values)
    for known in patterns:
        if known.is_of(reported):
            return known
    patterns.append(ReportedDays(reported, block.layout(first_row_day)))
    return patterns[-1]


def _check_cells(cube: Cube, days: Indices, components: Indices) -> None:
    if days.shape != components.shape or days.ndim != 1:
        raise ValueError(f"{days.shape} days and {components.shape} components are not pairs.")
    for name, index, size in (("day", days, cube.n_days), ("component", components, cube.n_components)):
        if len(index) and (index.min() < 0 or index.max() >= size):
            raise ValueError(f"{name}_index goes from {index.min()} to {index.max()}; the cube has {size}.")
