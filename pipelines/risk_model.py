"""The one door to XGBoost: fit, predict, explain, and turn a model into bytes and back.

Bytes are UBJSON and nothing else; pickles are refused unread. The same rows, seed and threads give
the same bytes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from features.target import EarlyStopping
from pipelines.errors import ModelRefusedError, TransientError

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FORMAT = "ubj"
_CLUSTER_SECONDS = 30
# XGBoost's UBJSON is one object whose first key has a length: "{L". JSON has "{\"", a pickle "\x80".
_UBJSON_START = b"{L"


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """One row per sampled component-day: features (N, F) float32, and whether it fails in the horizon."""

    features: Float32Array
    fails: BoolArray


@dataclass(frozen=True, kw_only=True)
class RiskModel:
    """A fitted model and the order of its features."""

    booster: xgb.Booster
    feature_names: tuple[str, ...]

    def predict_margin(self, features: Float32Array) -> FloatArray:
        """Return uncalibrated log-odds (N,) of ``features`` (N, F), in the order of ``feature_names``."""
        self._check_width(features)
        if not len(features):
            return np.empty(0, dtype=np.float64)
        margin = self.booster.inplace_predict(features, predict_type="margin", missing=np.nan)
        return np.asarray(margin, dtype=np.float64)

    def contribute(self, features: Float32Array) -> Float32Array:
        """Return what each feature adds to the log-odds (N, F), exact for the trees (TreeSHAP).

        Four hundred times the cost of a prediction: for the rows of a list only.
        """
        self._check_width(features)
        if not len(features):
            return np.empty(features.shape, dtype=np.float32)
        matrix = xgb.DMatrix(features, feature_names=list(self.feature_names), missing=np.nan)
        contributions = self.booster.predict(matrix, pred_contribs=True)
        return np.asarray(contributions[:, :-1], dtype=np.float32)  # the last column is the bias

    def to_bytes(self) -> bytes:
        """Return the model as UBJSON; reading it back gives the same predictions, bit for bit."""
        return bytes(self.booster.save_raw(FORMAT))

    @property
    def n_rounds(self) -> int:
        """How many trees were boosted."""
        return int(self.booster.num_boosted_rounds())

    def _check_width(self, features: Float32Array) -> None:
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise ModelRefusedError(
                f"the model knows {len(self.feature_names)} features, the matrix has shape {features.shape}; "
                "nothing was predicted.",
                n_features=len(self.feature_names),
            )


def fit_model(
    rows: LabelledRows,
    *,
    feature_names: Sequence[str],
    monotone: Sequence[int],
    params: Mapping[str, str | int | float | bool],
    rounds: int,
    seed: int,
    n_threads: int,
    dask_scheduler: str | None = None,
) -> RiskModel:
    """Fit ``rounds`` trees to all rows; on the workers of a Dask cluster where its scheduler is named.

    A cluster's model is as good but not the same, bit for bit: bins and sums depend on how rows are spread.
    """
    complete = _complete(params, monotone, seed, n_threads)
    if dask_scheduler is not None:
        booster = _train_on_cluster(dask_scheduler, rows, feature_names, complete, rounds)
    else:
        booster = xgb.train(
            complete,
            _quantise(rows, feature_names, params, n_threads),
            num_boost_round=rounds,
            verbose_eval=False,
        )
    return RiskModel(booster=booster, feature_names=tuple(feature_names))


def find_rounds(
    rows: LabelledRows,
    later: LabelledRows,
    stopping: EarlyStopping,
    *,
    feature_names: Sequence[str],
    monotone: Sequence[int],
    params: Mapping[str, str | int | float | bool],
    rounds: int,
    seed: int,
    n_threads: int,
) -> int:
    """Return after how many rounds the figure on ``later`` days was best."""
    learned = _quantise(rows, feature_names, params, n_threads)
    watched = xgb.QuantileDMatrix(
        later.features, later.fails, feature_names=list(feature_names), ref=learned, nthread=n_threads
    )
    booster = xgb.train(
        {**_complete(params, monotone, seed, n_threads), "eval_metric": stopping.metric},
        learned,
        num_boost_round=rounds,
        evals=[(watched, "later")],
        early_stopping_rounds=stopping.patience_rounds,
        verbose_eval=False,
    )
    return int(booster.best_iteration) + 1


def read_model(data: bytes, *, sha256: str, feature_names: Sequence[str], n_threads: int) -> RiskModel:
    """Return the model of UBJSON bytes whose digest was promised; ``ModelRefusedError`` otherwise.

    Nothing of the bytes is parsed before the digest fits.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelRefusedError(
            f"the model's bytes have SHA-256 {found[:12]}…, its card says {sha256[:12]}…; it was not loaded. "
            "Roll back (prefail rollback) or train again.",
            found=found,
            expected=sha256,
        )
    if not data.startswith(_UBJSON_START):
        raise ModelRefusedError(
            f"the model's bytes start with {data[:4]!r}: not UBJSON; it was not loaded. Train again.",
            start=repr(data[:4]),
        )
    booster = xgb.Booster()
    try:
        booster.load_model(bytearray(data))
    except (xgb.core.XGBoostError, ValueError) as damaged:
        raise ModelRefusedError(
            f"XGBoost can't read the model: {str(damaged).splitlines()[0]}. Train again."
        ) from damaged
    if tuple(booster.feature_names or ()) != tuple(feature_names):
        raise ModelRefusedError(
            "the model's features are not those of its card, or in another order; it was not loaded. Train again."
        )
    booster.set_param({"nthread": n_threads})
    return RiskModel(booster=booster, feature_names=tuple(feature_names))


def _quantise(
    rows: LabelledRows,
    feature_names: Sequence[str],
    params: Mapping[str, str | int | float | bool],
    n_threads: int,
) -> xgb.QuantileDMatrix:
    max_bin = int(params.get("max_bin", 256))
    return xgb.QuantileDMatrix(
        rows.features, rows.fails, feature_names=list(feature_names), max_bin=max_bin, nthread=n_threads
    )


def _train_on_cluster(
    address: str,
    rows: LabelledRows,
    feature_names: Sequence[str],
    params: Mapping[str, object],
    rounds: int,
) -> xgb.Booster:
    # Imported here: one fleet in a hundred trains on a cluster, and the two cost a second.
    import dask.array
    import distributed
    import xgboost.dask

    try:
        with distributed.Client(address, timeout=_CLUSTER_SECONDS) as client:
            client.wait_for_workers(1, timeout=_CLUSTER_SECONDS)
            n_workers = len(client.scheduler_info(n_workers=-1)["workers"])
            n_rows = -(-len(rows.fails) // n_workers)
            matrix = xgboost.dask.DaskQuantileDMatrix(
                client,
                dask.array.from_array(rows.features, chunks=(n_rows, -1)),
                dask.array.from_array(rows.fails, chunks=n_rows),
                feature_names=list(feature_names),
                max_bin=int(str(params.get("max_bin", 256))),
            )
            # Each worker has its own number of threads.
            wanted = {name: value for name, value in params.items() if name != "nthread"}
            trained = xgboost.dask.train(client, wanted, matrix, num_boost_round=rounds)
    except (OSError, TimeoutError) as away:
        raise TransientError(
            f"the Dask cluster at {address} gave no answer, or has no worker, within {_CLUSTER_SECONDS} s ({away}). "
            "No model was trained; the champion stays. Start the workers, or unset training.dask_scheduler to train "
            "on this machine.",
            address=address,
        ) from away
    return trained["booster"]


def _complete(
    params: Mapping[str, str | int | float | bool], monotone: Sequence[int], seed: int, n_threads: int
) -> dict[str, object]:
    constraints = (
        {"monotone_constraints": "(" + ",".join(str(d) for d in monotone) + ")"} if any(monotone) else {}
    )
    return {**params, **constraints, "seed": seed, "nthread": n_threads}
