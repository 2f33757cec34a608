"""What `make up` starts, infra/make/up.sh, run from a deployment's own folder and stopped like Ctrl-C does."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil

from tests.end_to_end.airflow_server import BIN, AirflowServer, free_port
from tests.ui.deployment import Deployment

# Half a minute on a quiet machine.
_START_LIMIT_SECONDS = 300
_STOP_LIMIT_SECONDS = 60


@contextlib.contextmanager
def run_up(deployment: Deployment) -> Iterator[AirflowServer]:
    """Start it, yield when every part of Airflow is healthy, stop it; nothing that it started is left.

    Nobody logs in: the password that Airflow generates stays unread.
    """
    port = free_port()
    environment = {
        **os.environ,
        # Before what is installed: the deployment runs its own copy of the code, with its own contracts.
        "PYTHONPATH": str(deployment.code_folder),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
    }
    (deployment.code_folder / ".venv").symlink_to(BIN.parent)
    shown = deployment.folder / "make-up.log"
    with shown.open("wb") as sink:
        up = subprocess.Popen(
            [deployment.code_folder / "infra" / "make" / "up.sh", deployment.settings_path, str(port)],
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = AirflowServer(home=deployment.code_folder / ".airflow", port=port, environment=environment)
    try:
        give_up = time.monotonic() + _START_LIMIT_SECONDS
        # It looks once a second, so it says so a little after it is true.
        while not (server.is_up() and f"address   {server.url}\n" in shown.read_text("utf-8")):
            assert up.poll() is None, shown.read_text("utf-8")
            assert time.monotonic() < give_up, shown.read_text("utf-8")
            time.sleep(0.5)
        yield server
    finally:
        _stop(up)


def _stop(up: "subprocess.Popen[bytes]") -> None:
    started = psutil.Process(up.pid).children(recursive=True) if up.poll() is None else []
    with contextlib.suppress(ProcessLookupError):
        os.kill(up.pid, signal.SIGTERM)
    try:
        code = up.wait(timeout=_STOP_LIMIT_SECONDS)
        left = _still_running(started)
        assert (code, left) == (0, []), f"make up ended with {code} and left {left}"
    finally:
        for process in _still_running(started):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        up.kill()
        up.wait()


def _still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that are not gone within seconds; a zombie is gone, whoever has not fetched its exit code."""
    give_up = time.monotonic() + 10
    while True:
        left = []
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE:
                    left.append(process)
        if not left or time.monotonic() > give_up:
            return left
        time.sleep(0.2)
