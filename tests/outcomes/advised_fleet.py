"""A simulated fleet whose technicians replace what an adviser names, and never look whether it was bad.

Three counters grow in some bays before anything happens. The share that fails within a month of the
first growth, if nobody comes: pending sectors 90 %, command time-outs 50 %, interface CRC errors none.
The adviser knows only that a counter grows, and speaks of pending sectors and CRC errors. On Mondays,
three of four advised parts are replaced. A part is named by its bay, so the new one reports under the
old id, with counters at zero.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from closed_tickets import Floor

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.shards import component_keys, shard_lengths
from features.target import Target, parse_target
from pipelines.lake import Lake

FIRST_DAY = dt.date(2026, 1, 5)  # a Monday
N_DAYS = 130
LAST_DAY = FIRST_DAY + dt.timedelta(days=N_DAYS - 1)
SIGNALS = ("pending_sectors", "command_timeouts", "interface_crc_errors")
_SHARE_FAILING = (0.9, 0.5, 0.0)
_SHARE_GROWING = (0.08, 0.10, 0.15)
_SHARE_REPLACED = 0.75
_ADVISED = (0, 2)
_NEVER = 10**6

TARGET: Target = parse_target("""
name: drive_fails_30d
component_kind: drive
dataset: core_drive_days
horizon_days: 30
lead_days: 1
signals: [pending_sectors, command_timeouts, interface_crc_errors]
error_signals: [pending_sectors, command_timeouts, interface_crc_errors]
feature_groups:
  - {signals: errors, aggregates: [level, increase_7d, increase_30d]}
logistic_features: [pending_sectors_level]
rule:
  title: any counter rose in the last 7 days
  signals: [pending_sectors, command_timeouts, interface_crc_errors]
  tiers: [{window_days: 7, risk: 0.2}]
  base_risk: 0.01
training:
  params: {objective: "binary:logistic", tree_method: hist, eta: 0.3, max_depth: 4, min_child_weight: 5}
  rounds: 25
  early_stopping: null
  history_days: null
  positive_share: 0.5
  negatives_per_positive: 10
  minimum_failures: 10
  n_folds: 2
  fold_days: 40
  fold_step_days: 5
plausible_limits: {average_precision: 0.99, roc_auc: 0.999, feature_average_precision: 0.99}
promotion: {budget: 250, confidence: 0.9, minimum_slice_failures: 10, first_model_lift: 2.0}
""")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """One entry per bay. Days are counted from ``FIRST_DAY``; ``_NEVER`` is later than any."""

    ids: list[str]
    growing: np.ndarray  # index into SIGNALS, -1: none
    onset: np.ndarray
    failure: np.ndarray
    visit: np.ndarray


def make_fleet(seed: int, *, n_bays: int, is_advised: bool) -> Fleet:
    """Return the fates of a fleet, with an adviser or left to itself."""
    random = np.random.default_rng(seed)
    growing = random.choice([0, 1, 2, -1], n_bays, p=[*_SHARE_GROWING, 1 - sum(_SHARE_GROWING)])
    onset = random.integers(3, N_DAYS - 5, n_bays)
    fails = (growing >= 0) & (random.random(n_bays) < np.array([*_SHARE_FAILING, 0.0])[growing])
    failure = np.where(fails, onset + random.integers(14, 29, n_bays), _NEVER)
    monday = -(-(onset + 7) // 7) * 7
    is_visited = np.isin(growing, _ADVISED) & (random.random(n_bays) < _SHARE_REPLACED) & is_advised
    visit = np.where(is_visited & (monday < N_DAYS), monday, _NEVER)
    return Fleet(
        ids=[f"host-{number:04}/bay-1" for number in range(n_bays)],
        growing=growing,
        onset=onset,
        failure=np.where(visit < failure, _NEVER, failure),
        visit=visit,
    )


def write_fleet(fleet: Fleet, lake: Lake, seed: int) -> None:
    """Write component-days and the failures that sources report."""
    random = np.random.default_rng(seed)
    keys = component_keys(fleet.ids)
    order = np.argsort(keys)
    counters = np.zeros((len(SIGNALS), len(keys)), dtype=np.int64)
    for number in range(N_DAYS):
        day = FIRST_DAY + dt.timedelta(days=number)
        known_at = dt.datetime.combine(day, dt.time(22), dt.UTC)
        counters[:, fleet.visit == number] = 0
        is_growing = (fleet.onset <= number) & (number < fleet.onset + 40) & (number < fleet.visit)
        for place in range(len(SIGNALS)):
            grows = is_growing & (fleet.growing == place) & (random.random(len(keys)) < 0.6)
            counters[place] += np.where(grows, random.integers(1, 6, len(keys)), 0)
        there = order[number <= fleet.failure[order]]
        ids = [fleet.ids[bay] for bay in there]
        table = pa.table(
            {
                "component_key": keys[there],
                "component_id": ids,
                "model": ["Alpha-4T"] * len(there),
                "host_id": [name.partition("/")[0] for name in ids],
                "capacity_bytes": np.full(len(there), 4 * 10**12),
                **{name: counters[place, there] for place, name in enumerate(SIGNALS)},
                "known_at": pa.array([known_at] * len(there), pa.timestamp("us", "UTC")),
            }
        )
        lake.write_day("core_drive_days", day, table, row_group_rows=shard_lengths(keys[there]))
        if (fleet.failure == number).any():
            _write_failures(
                [fleet.ids[bay] for bay in np.flatnonzero(fleet.failure == number)], day, known_at, lake
            )


def visit_fleet(fleet: Fleet, lake: Lake) -> Floor:
    """Open a ticket for each advised part that was replaced, and close it with the technician's words."""
    floor = Floor(lake)
    for bay in np.flatnonzero(fleet.visit < N_DAYS):
        opened = FIRST_DAY + dt.timedelta(days=int(fleet.onset[bay]) + 2)
        visited = FIRST_DAY + dt.timedelta(days=int(fleet.visit[bay]))
        component_id = fleet.ids[bay]
        host_id = component_id.partition("/")[0]
        ticket_id = floor.open(component_id, day=opened, is_listed=False, host_id=host_id)
        floor.say(ticket_id, visited, "Replaced as advised.")
        floor.close(ticket_id, visited)
    return floor


def _write_failures(ids: list[str], day: dt.date, known_at: dt.datetime, lake: Lake) -> None:
    n = len(ids)
    columns: dict[str, list[object]] = {
        "component_id": list(ids),
        "component_key": component_keys(ids).tolist(),
        "component_kind": ["drive"] * n,
        "model": ["Alpha-4T"] * n,
        "host_id": [name.partition("/")[0] for name in ids],
        "failure_source": ["drives"] * n,
        "is_confirmed": [True] * n,
        "known_at": [known_at] * n,
    }
    schema = schema_of(load_contract("core_failures"))
    lake.write_day(
        "core_failures",
        day,
        pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema),
    )
