"""A small but real model and card, for tests of the registry."""

import datetime as dt
import hashlib

import numpy as np

from pipelines.model_card import CardCalibration, CardData, CardSample, ModelCard
from pipelines.risk_model import LabelledRows, fit_model

NAMES = ("pending_sectors_level", "pending_sectors_delta_7d")


def make_model(seed: int = 1, *, as_of: dt.date = dt.date(2026, 3, 1)) -> tuple[ModelCard, bytes]:
    """Return a card and the bytes it describes; another seed is another model."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(300, 2)).astype(np.float32)
    model = fit_model(
        LabelledRows(features=features, fails=features[:, 0] > 1),
        feature_names=NAMES,
        monotone=(0, 0),
        params={"objective": "binary:logistic"},
        rounds=3,
        seed=seed,
        n_threads=1,
    )
    data = model.to_bytes()
    card = ModelCard(
        target="drive_fails_30d",
        target_sha256="0" * 64,
        component_kind="drive",
        label_definition="the drive fails",
        horizon_days=30,
        lead_days=1,
        as_of=as_of,
        model_sha256=hashlib.sha256(data).hexdigest(),
        model_format="ubj",
        features=NAMES,
        signals=("pending_sectors",),
        error_signals=("pending_sectors",),
        params={"objective": "binary:logistic"},
        n_rounds=3,
        seed=seed,
        n_threads=1,
        code_version="test",
        settings_sha256="0" * 64,
        data=CardData(
            dataset="core_drive_days",
            first_day=dt.date(2026, 1, 1),
            last_day=as_of,
            n_days=60,
            partitions_sha256="0" * 64,
            failures_sha256="0" * 64,
            populations_sha256=None,
            contracts={},
        ),
        sample=CardSample(
            n_failures=30, n_positive_rows=50, n_negative_rows=250, positive_share=1.0, negative_share=0.1
        ),
        calibration=CardCalibration(
            prior_offset=-2.3, slope=0.9, offset=0.1, n_component_days=0, n_positives=0
        ),
        folds=(),
    )
    return card, data
