"""Give each component of a cube its risk on a day: the one function of production, folds and backtest."""

import dataclasses
import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.cohort import CohortReason, in_cohort
from features.cube import Cube
from features.kernel import compute_features
from features.population import PopulationTable
from pipelines.failures import KnownFailures, day_number
from pipelines.scorers import Cells, Scorer

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Risks:
    """One entry per component of the cube (C,).

    ``risk`` is NaN where we abstain, and ``abstention_codes`` say why (``features.cohort.CohortReason``).
    """

    risk: FloatArray
    abstention_codes: npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class RiskExplanation:
    """Of N component-days: ``features`` and their ``contributions`` to the log-odds, both (N, F)."""

    feature_names: tuple[str, ...]
    features: Float32Array
    contributions: Float32Array


def predict_risks(
    cube: Cube,
    scorer: Scorer,
    day: dt.date,
    population: PopulationTable | None,
    failures: KnownFailures,
    *,
    n_threads: int = 2,
) -> Risks:
    """Return the risk of every component on ``day``; those outside of the cohort get none.

    ``failures`` known by the end of ``day``: at least those of the 90 days before.
    """
    day_index = np.full(cube.n_components, cube.day_index(day), dtype=np.int32)
    everyone = np.arange(cube.n_components, dtype=np.int32)
    codes = find_cohort(cube, day_index, everyone, failures, n_threads)
    members = np.flatnonzero(codes == CohortReason.IN_COHORT).astype(np.int32)
    risk = np.full(cube.n_components, np.nan)
    if len(members):
        features = read_features(cube, scorer, day_index[members], members, population, n_threads)
        risk[members] = score_features(scorer, cube, features, members)
    return Risks(risk=risk, abstention_codes=codes)


def find_cohort(
    cube: Cube,
    day_index: npt.NDArray[np.integer],
    component_index: npt.NDArray[np.integer],
    failures: KnownFailures,
    n_threads: int,
) -> npt.NDArray[np.int8]:
    """Return the ``CohortReason`` of each cell (N,), by the failures known on the evening of its day."""
    days = day_index.astype(np.int64) + day_number(cube.first_day)
    components = component_index.astype(np.int64)
    last_failure_days = failures.of_cube(cube).last_failure_days(components, days)
    return in_cohort(
        cube,
        day_index,
        component_index,
        last_failure_days=last_failure_days,
        days_out=failures.days_out,
        n_threads=n_threads,
    )


def explain_risks(
    cube: Cube,
    scorer: Scorer,
    day: dt.date,
    component_index: Indices,
    population: PopulationTable | None,
    *,
    n_threads: int = 2,
) -> RiskExplanation:
    """Return what made the risk of some components on ``day``, in the order they were asked for."""
    days = np.full(len(component_index), cube.day_index(day), dtype=np.int32)
    features = read_features(cube, scorer, days, component_index, population, n_threads)
    cells = Cells(features=features, model_codes=cube.model_codes[component_index], models=cube.models)
    return RiskExplanation(
        feature_names=scorer.feature_names, features=features, contributions=scorer.contribute(cells)
    )


def read_features(
    cube: Cube,
    scorer: Scorer,
    day_index: npt.NDArray[np.integer],
    component_index: npt.NDArray[np.integer],
    population: PopulationTable | None,
    n_threads: int,
) -> Float32Array:
    """Return the scorer's features (N, F) of some cells of the cube."""
    return compute_features(
        cube,
        scorer.feature_names,
        day_index,
        component_index,
        population,
        error_signals=scorer.error_signals,
        n_threads=n_threads,
    )


def score_features(
    scorer: Scorer, cube: Cube, features: Float32Array, component_index: Indices
) -> FloatArray:
    """Return the risk (N,) of cells whose features are there already."""
    cells = Cells(features=features, model_codes=cube.model_codes[component_index], models=cube.models)
    return scorer.score(cells)


def slice_components(cube: Cube, part: slice) -> Cube:
    """Return a view of some neighbouring components of the cube."""
    return dataclasses.replace(
        cube,
        component_keys=cube.component_keys[part],
        values=cube.values[:, :, part],
        is_reported=cube.is_reported[:, part],
        model_codes=cube.model_codes[part],
        capacity_bytes=cube.capacity_bytes[part],
    )
