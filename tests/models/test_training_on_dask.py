"""Training on a Dask cluster of two worker processes: as good as on one machine, by one setting."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from features.ranking import measure_ranking
from pipelines.errors import ConfigError, TransientError
from pipelines.risk_model import LabelledRows, RiskModel, fit_model
from pipelines.settings import load_settings

NAMES = ("pending_sectors_level", "pending_sectors_delta_7d", "power_on_hours_level")
PARAMS: dict[str, str | int | float | bool] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "eta": 0.2,
    "max_depth": 4,
    "max_bin": 64,
}


def make_rows(seed: int, n: int = 20_000) -> LabelledRows:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, len(NAMES))).astype(np.float32)
    features[::11, 1] = np.nan
    odds = 3 - 2 * features[:, 0] + 0.5 * features[:, 2] ** 2
    return LabelledRows(features=features, fails=random.random(n) < 1 / (1 + np.exp(odds)))


def fit(rows: LabelledRows, dask_scheduler: str | None = None) -> RiskModel:
    return fit_model(
        rows,
        feature_names=NAMES,
        monotone=(1, 0, 0),
        params=PARAMS,
        rounds=40,
        seed=7,
        n_threads=1,
        dask_scheduler=dask_scheduler,
    )


def measure(model: RiskModel, rows: LabelledRows) -> float:
    """Return the area under the ROC curve."""
    return measure_ranking(model.predict_margin(rows.features), rows.fails).roc_auc


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a scheduler and two workers, each a process, and yield their address."""
    program = Path(sys.executable).parent / "dask"
    assert shutil.which(program), "Dask is missing from the environment: make test installs it"
    address = f"tcp://127.0.0.1:{free_port()}"
    folder = tmp_path_factory.mktemp("dask")
    common = ("--no-dashboard", "--host", "127.0.0.1")
    worker = (
        "worker",
        address,
        "--nthreads",
        "1",
        "--nworkers",
        "1",
        "--no-nanny",
        "--local-directory",
        folder,
    )
    commands = [("scheduler", "--port", address.rpartition(":")[2]), worker, worker]
    started = []
    for number, command in enumerate(commands):
        with (folder / f"{number}.log").open("wb") as sink:
            started.append(
                subprocess.Popen(
                    [program, *command, *common], stdout=sink, stderr=subprocess.STDOUT, cwd=folder
                )
            )
    try:
        give_up = time.monotonic() + 60
        while (folder / "0.log").read_text("utf-8").count("Register worker") < 2:
            logs = [(folder / f"{number}.log").read_text("utf-8")[-1500:] for number in range(3)]
            assert all(process.poll() is None for process in started), logs
            assert time.monotonic() < give_up, logs
            time.sleep(0.2)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=20)


@pytest.mark.service
def test_two_worker_processes_train_as_good_a_model_as_one(scheduler: str) -> None:
    rows, later = make_rows(1), make_rows(2)
    here, there = fit(rows), fit(rows, scheduler)
    assert there.n_rounds == here.n_rounds == 40
    quality = [measure(model, later) for model in (here, there)]
    # The noise of another sample of the fleet, not of the cluster.
    other_sample = measure(fit(make_rows(3)), later)
    assert abs(quality[1] - quality[0]) <= max(0.002, abs(other_sample - quality[0]))
    assert np.corrcoef(*(model.predict_margin(later.features) for model in (here, there)))[0, 1] > 0.99
    # The signs that the target promises hold there, too.
    ladder = np.zeros((100, 3), dtype=np.float32)
    ladder[:, 0] = np.linspace(-4, 4, 100)
    assert np.all(np.diff(there.predict_margin(ladder)) >= 0)


def test_a_cluster_that_is_away_is_named_and_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.risk_model._CLUSTER_SECONDS", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(TransientError, match="No model was trained") as away:
        fit(make_rows(1, n=100), address)
    assert away.value.facts["address"] == address


def test_the_setting_takes_an_address_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "prefail.toml"
    path.write_text('[training]\ndask_scheduler = "tcp://10.0.0.5:8786"\n', "utf-8")
    assert load_settings(path, {}).training.dask_scheduler == "tcp://10.0.0.5:8786"
    path.write_text('[training]\ndask_scheduler = "http://user:secret@host"\n', "utf-8")
    with pytest.raises(ConfigError, match="dask_scheduler"):
        load_settings(path, {})
