"""Collect the rows that a model learns from: sampled component-days, their features and labels.

Only what was known by the end of the as-of day is read. The same rows come out, in the same order,
whatever the memory limit and so the number of passes.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from features.cube import Cube
from features.feature_names import MAX_WINDOW_DAYS, lookback_days, parse_feature
from features.kernel import compute_features
from features.population import PopulationTable
from features.target import Target
from pipelines.cube_reading import ShardPlan, plan_passes, read_cube
from pipelines.failures import KnownFailures, day_number
from pipelines.lake import Lake
from pipelines.populations import read_populations
from pipelines.progress import track
from pipelines.span_scoring import percentile_signals
from pipelines.training_sample import ChosenCells, choose_cells, choose_negative_share
from pipelines.training_settings import TrainingSettings

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """One row per sampled component-day, in order of component key, then day.

    ``features`` (N, F) float32; ``fails`` (N,); ``day`` and ``label_known_day`` (N,) in days from
    1970-01-01: when the row was, and when its label came to be known. Of the whole, unsampled fleet:
    ``n_days_of_model`` (M, D) component-days of each of ``models`` on each day from ``first_day``.
    """

    feature_names: tuple[str, ...]
    features: npt.NDArray[np.float32]
    fails: npt.NDArray[np.bool_]
    day: npt.NDArray[np.int64]
    label_known_day: npt.NDArray[np.int64]
    component_keys: npt.NDArray[np.uint64]
    positive_share: float
    negative_share: float
    first_day: dt.date
    as_of: dt.date
    models: tuple[str, ...]
    n_days_of_model: npt.NDArray[np.int64]
    days: tuple[dt.date, ...]

    def known_by(self, day: dt.date) -> npt.NDArray[np.bool_]:
        """Mark the rows (N,) whose label was known by the end of ``day``."""
        return np.asarray(self.label_known_day <= day_number(day))

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """How many component-days each row (N,) stands for."""
        return np.where(self.fails, 1 / self.positive_share, 1 / self.negative_share)

    def columns(self, names: Sequence[str]) -> npt.NDArray[np.intp]:
        """Return the columns of some features."""
        return np.array([self.feature_names.index(name) for name in names], dtype=np.intp)


@dataclass(frozen=True, kw_only=True)
class _Part:
    features: npt.NDArray[np.float32]
    fails: npt.NDArray[np.bool_]
    day: npt.NDArray[np.int64]
    label_known_day: npt.NDArray[np.int64]
    component_keys: npt.NDArray[np.uint64]
    n_days_of_model: dict[str, npt.NDArray[np.int64]]


def collect_training_set(
    target: Target,
    feature_names: tuple[str, ...],
    as_of: dt.date,
    failures: KnownFailures,
    lake: Lake,
    settings: TrainingSettings,
) -> TrainingSet:
    """Read the recipe's days up to ``as_of`` shard by shard; features are computed for sampled rows only."""
    span = _choose_span(target, feature_names, as_of, lake, settings)
    n_rows = sum(
        lake.open_day(target.dataset, day, by_range=True).metadata.num_rows
        for day in span.plan.days
        if day >= span.first_day
    )
    first_number = day_number(span.first_day)
    n_failures = int(np.sum(failures.day >= first_number))
    negative_share = choose_negative_share(target, n_failures, n_rows, len(feature_names), settings)
    population = read_populations(
        lake, span.plan.days, percentile_signals(feature_names), component_kind=target.component_kind
    )
    parts = []
    for shards in track(span.plan.passes, "collecting training rows"):
        cube = read_cube(
            lake,
            target.dataset,
            target.signals,
            days=span.plan.days,
            first_day=span.first_cube_day,
            last_day=as_of,
            shards=shards,
            known_by=as_of,
        )
        cells = choose_cells(cube, target, span.first_day, as_of, failures, negative_share, settings)
        parts.append(_fill_part(cube, cells, target, feature_names, population, settings))
        del cube
    return _join(parts, target, feature_names, span, as_of, negative_share)


@dataclass(frozen=True, kw_only=True)
class _Span:
    first_day: dt.date
    first_cube_day: dt.date
    plan: ShardPlan


def _choose_span(
    target: Target, feature_names: tuple[str, ...], as_of: dt.date, lake: Lake, settings: TrainingSettings
) -> _Span:
    """Rows start where the recipe says; the cube starts a lookback earlier, as far as there are days."""
    oldest = lake.list_days(target.dataset)[0]
    history = target.training.history_days
    first_day = oldest if history is None else max(oldest, as_of - dt.timedelta(days=history))
    lookback = lookback_days(parse_feature(name) for name in feature_names)
    first_cube_day = max(oldest, first_day - dt.timedelta(days=max(lookback, MAX_WINDOW_DAYS - 1)))
    plan = plan_passes(
        lake, target.dataset, len(target.signals), first_cube_day, as_of, settings.memory_limit_mb
    )
    return _Span(first_day=first_day, first_cube_day=first_cube_day, plan=plan)


def _fill_part(
    cube: Cube,
    cells: ChosenCells,
    target: Target,
    feature_names: tuple[str, ...],
    population: PopulationTable,
    settings: TrainingSettings,
) -> _Part:
    first_number = day_number(cube.first_day)
    features = compute_features(
        cube,
        feature_names,
        cells.day_index,
        cells.component_index,
        population,
        error_signals=target.error_signals,
        n_threads=settings.n_threads,
    )
    return _Part(
        features=features,
        fails=cells.fails,
        day=cells.day_index + first_number,
        label_known_day=cells.label_known_day,
        component_keys=cube.component_keys[cells.component_index],
        n_days_of_model={
            model: cube.is_reported[:, cube.model_codes == code].sum(axis=1)
            for code, model in enumerate(cube.models)
        },
    )


def _join(
    parts: Sequence[_Part],
    target: Target,
    feature_names: tuple[str, ...],
    span: _Span,
    as_of: dt.date,
    negative_share: float,
) -> TrainingSet:
    models = tuple(sorted({model for part in parts for model in part.n_days_of_model}))
    n_days = (as_of - span.first_cube_day).days + 1
    nothing = np.zeros(n_days, dtype=np.int64)
    n_days_of_model = np.array(
        [sum((part.n_days_of_model.get(model, nothing) for part in parts), nothing) for model in models]
    )
    before = (span.first_day - span.first_cube_day).days
    return TrainingSet(
        feature_names=feature_names,
        features=_concatenate([part.features for part in parts]),
        fails=_concatenate([part.fails for part in parts]),
        day=_concatenate([part.day for part in parts]),
        label_known_day=_concatenate([part.label_known_day for part in parts]),
        component_keys=_concatenate([part.component_keys for part in parts]),
        positive_share=target.training.positive_share,
        negative_share=negative_share,
        first_day=span.first_day,
        as_of=as_of,
        models=models,
        n_days_of_model=n_days_of_model[:, before:],
        days=span.plan.days,
    )


def _concatenate(parts: Sequence[npt.NDArray[Scalar]]) -> npt.NDArray[Scalar]:
    # One pass is the usual case, and its features fill a good part of the memory limit: no copy.
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
