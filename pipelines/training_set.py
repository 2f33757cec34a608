"""Collect the rows that a model learns from: sampled component-days, their features and labels.

Only what was known by the end of the as-of day is read. The same rows come out, in the same order,
whatever the memory limit and so the number of passes.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.target import Target
from pipelines.cube_reading import plan_passes, read_cube
from pipelines.failures import KnownFailures, day_number
from pipelines.lake import Lake
from pipelines.populations import read_populations
from pipelines.progress import track
from pipelines.settings import TrainingSettings

# Peak: the parts and the whole they are joined to.
_SHARE_OF_MEMORY_FOR_FEATURES = 0.5
_BYTES_PER_FEATURE = 4


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
    """Read all days up to ``as_of`` shard by shard; features are computed for the sampled rows only."""
    first_day = lake.list_days(target.dataset)[0]
    plan = plan_passes(lake, target.dataset, len(target.signals), first_day, as_of, settings.memory_limit_mb)
    n_rows = sum(lake.open_day(target.dataset, day).metadata.num_rows for day in plan.days)
    negative_share = choose_negative_share(target, len(failures.day), n_rows, len(feature_names), settings)
    ending = "_percentile"
    signals = sorted({name.removesuffix(ending) for name in feature_names if name.endswith(ending)})
    population = read_populations(lake, plan.days, signals)
    parts = []
    for shards in track(plan.passes, "collecting training rows"):
        cube = read_cube(
            lake,
            target.dataset,
            target.signals,
            days=plan.days,
            first_day=first_day,
            last_day=as_of,
            shards=shards,
            known_by=as_of,
        )
        parts.append(
            _collect_part(cube, target, feature_names, as_of, failures, population, negative_share, settings)
        )
        del cube
    return _join(parts, target, feature_names, as_of, first_day, plan, negative_share)


def choose_negative_share(
    target: Target, n_failures: int, n_rows: int, n_features: int, settings: TrainingSettings
) -> float:
    """Return the share of healthy component-days to keep: as many as asked for, or as memory holds.

    Decided from counts of the whole span, so that no pass can change it.
    """
    days_per_failure = target.horizon_days - target.lead_days
    n_positives = n_failures * days_per_failure * target.training.positive_share
    wanted = n_positives * settings.negatives_per_positive
    bytes_per_row = max(1, n_features) * _BYTES_PER_FEATURE
    affordable = settings.memory_limit_mb * 1_000_000 * _SHARE_OF_MEMORY_FOR_FEATURES / bytes_per_row
    return float(min(1.0, max(1.0, min(wanted, affordable - n_positives)) / max(n_rows, 1)))
