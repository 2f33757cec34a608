"""Scoring 300,000 rows and explaining 1,000 of them, against XGBoost's bare prediction of the same rows."""

import datetime as dt

import numpy as np
import pyarrow as pa

from features.calibration import Calibration
from features.cube import Cube
from features.kernel import compute_features
from features.population import PopulationTable
from features.target import Target, load_target
from pipelines.failures import KnownFailures
from pipelines.risk_model import LabelledRows, fit_model
from pipelines.risk_scoring import explain_risks, predict_risks
from pipelines.scorers import Cells, ModelScorer
from tests.benchmarks.made_up_cube import make_cube, make_population
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import N_THREADS, Side, say, time_in_turn

N_ROWS = 300_000
N_EXPLAINED = 1_000
_N_LEARNED = 60_000
_N_RUNS = 5


def run(scale: float) -> list[Row]:
    """Measure on ``scale`` × 300,000 drives, with the shipped target's features and recipe."""
    pa.set_cpu_count(N_THREADS)
    target = load_target("drive_fails_30d")
    n_rows = max(500, round(N_ROWS * scale))
    n_explained = min(N_EXPLAINED, max(10, round(N_EXPLAINED * scale * 10)), n_rows)
    say("making the fleet")
    cube = make_cube(target.signals, n_rows)
    population = make_population(cube)
    day = cube.first_day + dt.timedelta(days=cube.n_days - 1)
    features = _features_of_last_day(cube, target, population)
    say("training the model")
    scorer = _train(target, features, min(n_rows, _N_LEARNED))
    booster = scorer.model.booster
    cells = Cells(features=features, model_codes=cube.model_codes, models=cube.models)
    riskiest = np.argsort(-scorer.score(cells))[:n_explained].astype(np.int32)
    listed = Cells(features=features[riskiest], model_codes=cube.model_codes[riskiest], models=cube.models)
    bare, scored, whole = time_in_turn(
        Side(what="inplace_predict", work=lambda: booster.inplace_predict(features, missing=np.nan)),
        Side(
            what="score all, explain the riskiest",
            work=lambda: (scorer.score(cells), scorer.contribute(listed)),
        ),
        Side(
            what="features, cohort, score, explain",
            work=lambda: (
                predict_risks(cube, scorer, day, population, _NO_FAILURES, n_threads=N_THREADS),
                explain_risks(cube, scorer, day, riskiest, population, n_threads=N_THREADS),
            ),
        ),
        n_runs=_N_RUNS,
    )
    size = f"{n_rows:,} rows × {len(target.feature_names)} features, {n_explained:,} explained"
    n_trees = len(booster.get_dump())
    return [
        Row(
            name="scoring with explanations",
            subject=scored,
            reference=bare,
            ratio_at_most=3,
            note=f"{size}; {n_trees} trees, from features in memory",
        ),
        Row(
            name="scoring from signals in memory",
            subject=whole,
            reference=bare,
            note=f"the same with the features computed from {cube.n_days} days",
        ),
    ]


def _features_of_last_day(cube: Cube, target: Target, population: PopulationTable) -> np.ndarray:
    return compute_features(
        cube,
        target.feature_names,
        np.full(cube.n_components, cube.n_days - 1),
        np.arange(cube.n_components),
        population,
        error_signals=target.error_signals,
        n_threads=N_THREADS,
    )


def _train(target: Target, features: np.ndarray, n_learned: int) -> ModelScorer:
    """Fit the shipped recipe to labels that follow the features a little: trees of the usual size."""
    column = target.feature_names.index("pending_sectors_increase_30d")
    random = np.random.default_rng(5)
    grown = np.log1p(np.nan_to_num(features[:n_learned, column]))
    fails = random.random(n_learned) < 0.02 + 0.1 * np.minimum(grown, 5)
    model = fit_model(
        LabelledRows(features=features[:n_learned], fails=fails),
        feature_names=target.feature_names,
        monotone=target.monotone_directions,
        params=target.training.params,
        rounds=target.training.rounds,
        seed=7,
        n_threads=N_THREADS,
    )
    return ModelScorer(
        model_id="benchmark",
        model=model,
        calibration=Calibration(prior_offset=-2.0, slope=1.0, offset=0.0),
        error_signals=target.error_signals,
    )


_NO_FAILURES = KnownFailures(
    component_keys=np.empty(0, dtype=np.uint64),
    day=np.empty(0, dtype=np.int64),
    known_day=np.empty(0, dtype=np.int64),
    models=(),
    sha256="",
)
