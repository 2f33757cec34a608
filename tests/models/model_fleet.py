"""A seeded small fleet written into a lake as core_ datasets: what training and backtests read."""

import datetime as dt

import numpy as np
import pyarrow as pa

from features.population import count_population
from features.shards import component_keys, shard_lengths
from features.target import Target, parse_target
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.training_settings import TrainingSettings

FIRST_DAY = dt.date(2026, 1, 1)
N_DAYS = 200
LAST_DAY = FIRST_DAY + dt.timedelta(days=N_DAYS - 1)
AS_OF = FIRST_DAY + dt.timedelta(days=140)
TARGET_NAME = "drive_fails_30d"

TARGET_YAML = """
name: drive_fails_30d
component_kind: drive
dataset: core_drive_days
horizon_days: 30
lead_days: 1
signals: [pending_sectors, reallocated_sectors, power_on_hours]
error_signals: [pending_sectors, reallocated_sectors]
feature_groups:
  - {signals: errors, aggregates: [level, increase_7d, increase_30d, changes_7d, changes_30d, percentile]}
extra_features: [power_on_hours_level, signals_changed_7d]
logistic_features: [pending_sectors_level, pending_sectors_changes_7d]
rule:
  title: pending or reallocated sectors rose in the last 7 days, then 30
  signals: [pending_sectors, reallocated_sectors]
  tiers: [{window_days: 7, risk: 0.2}, {window_days: 30, risk: 0.1}]
  base_risk: 0.01
training:
  params: {objective: "binary:logistic", tree_method: hist, eta: 0.2, max_depth: 3, min_child_weight: 5}
  rounds: 20
  early_stopping: null
  history_days: null
  positive_share: 0.5
  negatives_per_positive: 10
  minimum_failures: 20
  n_folds: 2
  fold_days: 40
  fold_step_days: 5
plausible_limits: {average_precision: 0.85, roc_auc: 0.995, feature_average_precision: 0.8}
promotion: {budget: 400, confidence: 0.9, minimum_slice_failures: 10, first_model_lift: 2.0}
"""


def make_target() -> Target:
    """Return the small fleet's target."""
    return parse_target(TARGET_YAML)


def make_settings(**training: int) -> Settings:
    """Return settings with one thread."""
    return Settings(training=TrainingSettings(n_threads=1, **training))


def write_fleet(
    lake: Lake,
    *,
    seed: int = 3,
    n_drives: int = 400,
    share_failing: float = 0.35,
    share_silent: float = 0.4,
    is_scrambled: bool = False,
    knows_the_future: bool = False,
    last_day: dt.date = LAST_DAY,
) -> None:
    """Write ``core_drive_days``, ``core_model_population`` and ``core_failures`` day by day.

    Drives fail at random; but for ``share_silent`` of them pending sectors grow in the weeks before.
    ``is_scrambled`` gives each failure to another drive: labels that don't belong to their features.
    ``knows_the_future`` makes ``reallocated_sectors`` count down to the failure of every failing drive.
    """
    random = np.random.default_rng(seed)
    ids = np.array([f"drive-{number:04d}" for number in range(n_drives)])
    keys = component_keys(ids.tolist())
    order = np.argsort(keys)
    ids, keys = ids[order], keys[order]
    fails = random.random(n_drives) < share_failing
    failure_day = np.where(fails, random.integers(5, N_DAYS + 60, n_drives), 10**6)
    is_silent = random.random(n_drives) < share_silent
    onset = failure_day - random.integers(5, 35, n_drives)
    degraded = failure_day.copy()
    if is_scrambled:
        failure_day = random.permutation(failure_day)
    hours = random.integers(0, 30_000, n_drives)
    models = np.array(["Alpha-4T", "Beta-8T"])[random.integers(0, 2, n_drives)]
    harmless = np.where(random.random(n_drives) < 0.1, random.integers(0, N_DAYS, n_drives), 10**6)
    pending = np.zeros(n_drives, dtype=np.int64)
    for number in range((last_day - FIRST_DAY).days + 1):
        day = FIRST_DAY + dt.timedelta(days=number)
        known_at = dt.datetime.combine(day, dt.time(22), tzinfo=dt.UTC)
        grows = ~is_silent & (number >= onset) & (number <= degraded) & (random.random(n_drives) < 0.5)
        pending = pending + np.where(grows, random.integers(1, 8, n_drives), 0)
        pending = pending + np.where(number == harmless, 2, 0)
        left = failure_day - number
        tells = (
            np.where((left >= 0) & (left <= 40), 1_000 - left, 0) if knows_the_future else np.zeros_like(left)
        )
        is_there = (number <= failure_day) & (random.random(n_drives) > 0.02)
        is_there |= number == failure_day
        table = pa.table(
            {
                "component_key": keys[is_there],
                "component_id": ids[is_there].tolist(),
                "model": models[is_there].tolist(),
                "host_id": ids[is_there].tolist(),
                "capacity_bytes": np.full(int(is_there.sum()), 4 * 10**12),
                "pending_sectors": pending[is_there],
                "reallocated_sectors": tells[is_there],
                "power_on_hours": (hours + 24 * number)[is_there],
                "known_at": pa.array([known_at] * int(is_there.sum()), pa.timestamp("us", "UTC")),
            }
        )
        lake.write_day("core_drive_days", day, table, row_group_rows=shard_lengths(keys[is_there]))
        signals = ("pending_sectors", "reallocated_sectors", "power_on_hours")
        lake.write_day("core_model_population", day, count_population(table, signals, "drive"))
        failed = failure_day == number
        if failed.any():
            _write_failures(lake, day, keys[failed], ids[failed], models[failed], known_at)


def _write_failures(
    lake: Lake,
    day: dt.date,
    keys: np.ndarray,
    ids: np.ndarray,
    models: np.ndarray,
    known_at: dt.datetime,
) -> None:
    n = len(keys)
    lake.write_day(
        "core_failures",
        day,
        pa.table(
            {
                "component_id": ids.tolist(),
                "component_key": keys,
                "component_kind": ["drive"] * n,
                "model": models.tolist(),
                "host_id": ids.tolist(),
                "failure_source": ["a test"] * n,
                "is_confirmed": [True] * n,
                "known_at": pa.array([known_at] * n, pa.timestamp("us", "UTC")),
            }
        ),
    )
