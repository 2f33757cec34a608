"""Score many past days with several scorers at once, features computed once: folds and backtests."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.cohort import CohortReason
from features.cube import Cube
from features.kernel import compute_features
from features.population import PopulationTable
from features.target import Target
from pipelines.cube_reading import plan_passes, read_cube
from pipelines.failures import KnownFailures, day_number, read_failures
from pipelines.lake import Lake
from pipelines.populations import read_populations
from pipelines.progress import track
from pipelines.risk_scoring import find_cohort, slice_components
from pipelines.scorers import Cells, Scorer

# Of one chunk's features: a few hundred megabytes at most.
_MAX_CELLS = 400_000
_AGE_SIGNAL = "power_on_hours"


@dataclass(frozen=True, kw_only=True)
class SpanScores:
    """One row per component in the cohort and scoring day, in no particular order.

    ``component_index`` (N,) points into ``component_keys`` (C,), ascending, each scored at least once;
    ``day`` (N,) counts from 1970-01-01; ``risks`` (scorers, N) float64. Of each component: hardware ``models`` (C,) and
    ``power_on_hours`` (C,) on the first of the days that it reported on, NaN if unknown.
    """

    component_keys: npt.NDArray[np.uint64]
    component_index: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    risks: npt.NDArray[np.float64]
    models: npt.NDArray[np.str_]
    power_on_hours: npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    day_index: npt.NDArray[np.intp]
    component_index: npt.NDArray[np.intp]
    risks: npt.NDArray[np.float64]


def score_span(
    lake: Lake,
    target: Target,
    scorers: Sequence[Scorer],
    days: Sequence[dt.date],
    *,
    known_by: dt.date,
    memory_limit_mb: int,
    n_threads: int,
    title: str,
) -> SpanScores:
    """Return what each scorer would have said on each of ``days`` (ascending).

    The same as scoring each day on its own, bit for bit: a cell's features depend on its lookback
    only. Rows that reached us after ``known_by`` are left out.
    """
    names = tuple(dict.fromkeys(name for scorer in scorers for name in scorer.feature_names))
    first_day = days[0] - dt.timedelta(days=max(scorer.lookback_days for scorer in scorers))
    signals = target.signals
    plan = plan_passes(lake, target.dataset, len(signals), first_day, days[-1], memory_limit_mb)
    population = read_populations(lake, days, percentile_signals(names), component_kind=target.component_kind)
    failures = read_failures(lake, target.component_kind, days[-1], first_day=first_day)
    parts = []
    for shards in track(plan.passes, title):
        cube = read_cube(
            lake,
            target.dataset,
            signals,
            days=plan.days,
            first_day=first_day,
            last_day=days[-1],
            shards=shards,
            known_by=known_by,
        )
        parts.append(_score_cube(cube, scorers, days, population, failures, n_threads))
    return _join(parts)


def percentile_signals(names: Sequence[str]) -> tuple[str, ...]:
    """Return the signals whose place within the hardware model is asked for."""
    ending = "_percentile"
    return tuple(sorted({name.removesuffix(ending) for name in names if name.endswith(ending)}))


def _score_cube(
    cube: Cube,
    scorers: Sequence[Scorer],
    days: Sequence[dt.date],
    population: PopulationTable,
    failures: KnownFailures,
    n_threads: int,
) -> SpanScores:
    day_indices = np.array([cube.day_index(day) for day in days], dtype=np.intp)
    chunks = list(_score_chunks(cube, scorers, day_indices, population, failures, n_threads))
    component_index = np.concatenate([chunk.component_index for chunk in chunks])
    day_index = np.concatenate([chunk.day_index for chunk in chunks])
    # Components that were seen in the lookback only are no part of the span.
    used, place = np.unique(component_index, return_inverse=True)
    return SpanScores(
        component_keys=cube.component_keys[used],
        component_index=place.astype(np.int32),
        day=(day_index + day_number(cube.first_day)).astype(np.int32),
        risks=np.concatenate([chunk.risks for chunk in chunks], axis=1),
        models=np.array(cube.models, dtype=np.str_)[cube.model_codes[used]],
        power_on_hours=_find_age(cube, day_indices)[used],
    )


def _score_chunks(
    cube: Cube,
    scorers: Sequence[Scorer],
    day_indices: npt.NDArray[np.intp],
    population: PopulationTable,
    failures: KnownFailures,
    n_threads: int,
) -> Iterator[_Chunk]:
    """Cut the span where the kernel is fastest: all days of some components, or single days of all."""
    is_gapless = len(day_indices) > 1 and bool(np.all(np.diff(day_indices) == 1))
    if is_gapless:
        width = max(1, _MAX_CELLS // len(day_indices))
        for start in range(0, cube.n_components, width):
            part = slice(start, min(start + width, cube.n_components))
            cells = _score_cells(
                slice_components(cube, part), scorers, day_indices, population, failures, n_threads
            )
            yield _Chunk(
                day_index=cells.day_index, component_index=cells.component_index + start, risks=cells.risks
            )
    else:
        for row in range(len(day_indices)):
            one_day = day_indices[row : row + 1]
            yield _score_cells(cube, scorers, one_day, population, failures, n_threads)


def _score_cells(
    cube: Cube,
    scorers: Sequence[Scorer],
    day_indices: npt.NDArray[np.intp],
    population: PopulationTable,
    failures: KnownFailures,
    n_threads: int,
) -> _Chunk:
    """Score all cells of ``day_indices`` × components, and keep those of the cohort."""
    all_days = np.repeat(day_indices, cube.n_components)
    all_components = np.tile(np.arange(cube.n_components, dtype=np.intp), len(day_indices))
    codes = find_cohort(cube, all_days, all_components, failures, n_threads)
    kept = np.flatnonzero(codes == CohortReason.IN_COHORT)
    model_codes = cube.model_codes[all_components[kept]]
    risks = np.empty((len(scorers), len(kept)))
    for error_signals in sorted({scorer.error_signals for scorer in scorers}):
        ours = [number for number, each in enumerate(scorers) if each.error_signals == error_signals]
        names = tuple(dict.fromkeys(name for number in ours for name in scorers[number].feature_names))
        features = compute_features(
            cube,
            names,
            all_days,
            all_components,
            population,
            error_signals=error_signals,
            n_threads=n_threads,
        )[kept]
        column = {name: place for place, name in enumerate(names)}
        for number in ours:
            columns = [column[name] for name in scorers[number].feature_names]
            chosen = features if columns == list(range(len(names))) else features[:, columns]
            cells = Cells(features=chosen, model_codes=model_codes, models=cube.models)
            risks[number] = scorers[number].score(cells)
    return _Chunk(day_index=all_days[kept], component_index=all_components[kept], risks=risks)


def _find_age(cube: Cube, day_indices: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    age = np.full(cube.n_components, np.nan, dtype=np.float32)
    if _AGE_SIGNAL not in cube.signals:
        return age
    hours = cube.values[cube.signals.index(_AGE_SIGNAL)]
    for index in day_indices[::-1]:
        age = np.where(np.isnan(hours[index]), age, hours[index])
    return age


def _join(parts: Sequence[SpanScores]) -> SpanScores:
    """Put the passes together; shards ascend, so keys stay in order."""
    offsets = np.cumsum([0, *(len(part.component_keys) for part in parts)])
    return SpanScores(
        component_keys=np.concatenate([part.component_keys for part in parts]),
        component_index=np.concatenate(
            [part.component_index + np.int32(start) for part, start in zip(parts, offsets[:-1], strict=True)]
        ),
        day=np.concatenate([part.day for part in parts]),
        risks=np.concatenate([part.risks for part in parts], axis=1),
        models=np.concatenate([part.models for part in parts]),
        power_on_hours=np.concatenate([part.power_on_hours for part in parts]),
    )
