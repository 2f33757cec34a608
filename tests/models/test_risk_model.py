import hashlib
import pickle

import numpy as np
import pytest

from features.target import EarlyStopping
from pipelines.errors import ModelRefusedError
from pipelines.risk_model import LabelledRows, RiskModel, find_rounds, fit_model, read_model

NAMES = ("pending_sectors_level", "pending_sectors_delta_7d", "power_on_hours_level")
PARAMS: dict[str, str | int | float | bool] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "eta": 0.3,
    "max_depth": 3,
}


def make_rows(seed: int = 1, n: int = 2_000) -> LabelledRows:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, len(NAMES))).astype(np.float32)
    features[::11, 1] = np.nan
    fails = random.random(n) < 1 / (1 + np.exp(3 - 2 * features[:, 0]))
    return LabelledRows(features=features, fails=fails)


def fit(rows: LabelledRows, *, monotone: tuple[int, ...] = (0, 0, 0), seed: int = 7) -> RiskModel:
    return fit_model(
        rows, feature_names=NAMES, monotone=monotone, params=PARAMS, rounds=20, seed=seed, n_threads=2
    )


def read_back(data: bytes) -> RiskModel:
    return read_model(data, sha256=hashlib.sha256(data).hexdigest(), feature_names=NAMES, n_threads=2)


def test_same_rows_seed_and_threads_give_the_same_bytes() -> None:
    assert fit(make_rows()).to_bytes() == fit(make_rows()).to_bytes()
    assert fit(make_rows()).to_bytes() != fit(make_rows(seed=2)).to_bytes()


def test_a_model_read_back_predicts_and_explains_bit_for_bit_the_same() -> None:
    rows = make_rows()
    model = fit(rows)
    again = read_back(model.to_bytes())
    assert again.predict_margin(rows.features).tobytes() == model.predict_margin(rows.features).tobytes()
    assert again.contribute(rows.features[:9]).tobytes() == model.contribute(rows.features[:9]).tobytes()
    assert again.n_rounds == 20


def test_contributions_add_up_to_the_margin_but_for_a_constant() -> None:
    rows = make_rows()
    model = fit(rows)
    rest = model.predict_margin(rows.features) - model.contribute(rows.features).sum(axis=1)
    assert np.ptp(rest) < 1e-4


def test_risk_never_falls_with_a_feature_that_it_may_only_rise_with() -> None:
    model = fit(make_rows(), monotone=(1, 0, 0))
    ladder = np.zeros((200, 3), dtype=np.float32)
    ladder[:, 0] = np.linspace(-4, 4, 200)
    assert np.all(np.diff(model.predict_margin(ladder)) >= 0)
    backwards = fit(make_rows(), monotone=(-1, 0, 0))
    assert np.all(np.diff(backwards.predict_margin(ladder)) <= 0)


def test_bytes_that_are_not_those_of_the_card_are_never_parsed() -> None:
    data = fit(make_rows()).to_bytes()
    digest = hashlib.sha256(data).hexdigest()
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(ModelRefusedError, match="SHA-256"):
        read_model(damaged, sha256=digest, feature_names=NAMES, n_threads=2)


class Bomb:
    """What a hostile pickle does when it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("the pickle was read",)


@pytest.mark.parametrize(
    "data", [pickle.dumps(Bomb()), b'{"learner": {}}', b"", b"{L"], ids=["pickle", "json", "empty", "cut"]
)
def test_anything_but_ubjson_is_refused_even_with_the_right_digest(data: bytes) -> None:
    with pytest.raises(ModelRefusedError):
        read_back(data)


def test_a_model_of_other_features_or_another_order_is_refused() -> None:
    data = fit(make_rows()).to_bytes()
    with pytest.raises(ModelRefusedError, match="another order"):
        read_model(data, sha256=hashlib.sha256(data).hexdigest(), feature_names=NAMES[::-1], n_threads=2)


def test_a_matrix_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(ModelRefusedError, match="3 features"):
        fit(make_rows()).predict_margin(np.zeros((4, 2), dtype=np.float32))


def test_early_stopping_ends_long_before_the_most_rounds_where_there_is_nothing_more_to_learn() -> None:
    later = make_rows(seed=3)
    rounds = find_rounds(
        make_rows(),
        later,
        EarlyStopping(validation_days=30, patience_rounds=10, metric="logloss"),
        feature_names=NAMES,
        monotone=(0, 0, 0),
        params=PARAMS,
        rounds=500,
        seed=7,
        n_threads=2,
    )
    assert 1 <= rounds < 60
