"""A tiny fleet in a lake: a dozen drives, six weeks of readings, a real model, and the day's predictions."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.population import count_population
from features.shards import component_keys, shard_lengths
from features.signals import load_signals
from features.target import load_target
from pipelines.lake import Lake
from pipelines.model_card import CardCalibration, CardData, CardFold, CardSample, ModelCard
from pipelines.registry import save_model
from pipelines.risk_model import LabelledRows, fit_model
from pipelines.score import score_day
from pipelines.settings import ListSettings, Settings
from pipelines.target_scorers import TargetScorer, open_target_scorers

DAY = dt.date(2026, 2, 1)
N_DAYS = 45
TARGET = "drive_fails_30d"
FEATURES = (
    "pending_sectors_level",
    "pending_sectors_delta_7d",
    "reported_uncorrectable_level",
    "power_on_hours_level",
    "signals_changed_30d",
)
DRIVES = tuple(f"Z{number:03d}" for number in range(12))
# Two drives get worse, one has been bad for long, the others are healthy.
WORSENING, SUDDEN, LONG_BAD = DRIVES[3], DRIVES[7], DRIVES[8]
NEWCOMER = DRIVES[11]


def settings(**changes: object) -> Settings:
    return Settings(environment="test", list=ListSettings(length=5, minimum_risk=0.02), **changes)


def pending_sectors(drive: str, days_ago: int) -> int:
    if drive == WORSENING:
        return max(0, 40 - 4 * days_ago)
    if drive == SUDDEN:
        return 16 if days_ago == 0 else 0
    return 24 if drive == LONG_BAD else 0


def drive_days(day: dt.date, overrides: Mapping[str, int] | None = None) -> pa.Table:
    """Return core_drive_days of one day: one row per drive, sorted by key."""
    days_ago = (DAY - day).days
    drives = [drive for drive in DRIVES if drive != NEWCOMER or days_ago == 0]
    keys = component_keys(drives)
    drives = [drives[place] for place in np.argsort(keys)]
    known: dict[str, Sequence[object]] = {
        "component_key": np.sort(keys).tolist(),
        "component_id": drives,
        "model": ["MODEL A" if int(drive[1:]) % 2 else "MODEL B" for drive in drives],
        "host_id": [f"host-{int(drive[1:]) // 3}" for drive in drives],
        "capacity_bytes": [4_000_000_000_000] * len(drives),
        "pending_sectors": [
            (overrides or {}).get(drive, pending_sectors(drive, days_ago)) for drive in drives
        ],
        "reported_uncorrectable": [1 if drive == LONG_BAD else 0 for drive in drives],
        "reallocated_sectors": [0] * len(drives),
        "power_on_hours": [20_000 - 24 * days_ago] * len(drives),
        "temperature_celsius": [30.0 + int(drive[1:]) for drive in drives],
        "known_at": [dt.datetime.combine(day, dt.time(23), dt.UTC)] * len(drives),
    }
    schema = schema_of(load_contract("core_drive_days"))
    columns = [pa.array(known.get(field.name, [None] * len(drives)), field.type) for field in schema]
    return pa.table(columns, schema=schema)


def write_drive_days(lake: Lake, day: dt.date, overrides: Mapping[str, int] | None = None) -> None:
    table = drive_days(day, overrides)
    lake.write_day(
        "core_drive_days", day, table, row_group_rows=shard_lengths(table["component_key"].to_numpy())
    )
    lake.write_day(
        "core_model_population",
        day,
        count_population(table, [signal.name for signal in load_signals()], "drive"),
    )


def store_model(lake: Lake, seed: int = 7, folds: tuple[CardFold, ...] = ()) -> str:
    """Fit a small model on made-up rows in which pending sectors kill, and store it with its card."""
    random = np.random.default_rng(seed)
    features = random.integers(0, 40, size=(600, len(FEATURES))).astype(np.float32)
    features[:400, :3] = 0.0
    fails = features[:, 0] + features[:, 1] + 10 * features[:, 2] > 30 + random.normal(0, 10, size=600)
    target = load_target(TARGET)
    model = fit_model(
        LabelledRows(features=features, fails=fails),
        feature_names=FEATURES,
        monotone=[0] * len(FEATURES),
        params={"objective": "binary:logistic", "tree_method": "hist", "max_depth": 3, "eta": 0.3},
        rounds=20,
        seed=seed,
        n_threads=1,
    )
    data = model.to_bytes()
    card = ModelCard(
        target=TARGET,
        target_sha256=target.digest,
        component_kind=target.component_kind,
        label_definition=target.label_definition,
        horizon_days=target.horizon_days,
        lead_days=target.lead_days,
        as_of=DAY - dt.timedelta(days=30),
        model_sha256=hashlib.sha256(data).hexdigest(),
        model_format="ubj",
        features=FEATURES,
        signals=target.signals,
        error_signals=target.error_signals,
        params={},
        n_rounds=20,
        seed=seed,
        n_threads=1,
        code_version="test",
        settings_sha256="0",
        data=CardData(
            dataset="core_drive_days",
            first_day=DAY,
            last_day=DAY,
            n_days=1,
            partitions_sha256="0",
            failures_sha256="0",
            populations_sha256=None,
            contracts={},
        ),
        sample=CardSample(
            n_failures=1, n_positive_rows=1, n_negative_rows=1, positive_share=1.0, negative_share=1.0
        ),
        calibration=CardCalibration(
            prior_offset=0.0, slope=1.0, offset=-1.0, n_component_days=1, n_positives=1
        ),
        folds=folds,
    )
    return save_model(card, data, lake)


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The lake, the settings and the model that scores."""

    lake: Lake
    settings: Settings
    model_id: str

    def score(self, day: dt.date = DAY) -> None:
        """Write out_predictions of ``day`` with the fleet's model."""
        scorers: tuple[TargetScorer, ...] = open_target_scorers(
            self.settings, self.lake, model_id=self.model_id
        )
        score_day(day, self.settings, self.lake, scorers=scorers)


def make_fleet(lake: Lake) -> Fleet:
    """Write six weeks of readings, a model, and the predictions of ``DAY``."""
    for days_ago in range(N_DAYS):
        write_drive_days(lake, DAY - dt.timedelta(days=days_ago))
    fleet = Fleet(lake=lake, settings=settings(), model_id=store_model(lake))
    fleet.score()
    return fleet
