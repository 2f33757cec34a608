"""A real Airflow (`airflow standalone`: scheduler, API server, DAG processor, triggerer) for one test."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

BIN = Path(sys.executable).parent
_READING_SECONDS = 8


@dataclass(frozen=True, kw_only=True)
class Run:
    """One DAG run, as the REST interface tells it."""

    run_id: str
    run_type: str
    partition_key: str | None
    state: str


class AirflowServer:
    """What the test asks of the running Airflow. Every answer comes over REST or the ``airflow`` command."""

    def __init__(
        self,
        *,
        home: Path,
        port: int,
        environment: Mapping[str, str],
        parts: tuple[str, ...] = ("metadatabase", "scheduler", "dag_processor", "triggerer"),
    ) -> None:
        self.home = home
        self.parts = parts
        self.url = f"http://localhost:{port}"
        self.environment = environment
        self._token = ""
        self.user = ""

    def is_up(self) -> bool:
        """Return whether every part reports that it is alive."""
        try:
            health = self._call("GET", "/api/v2/monitor/health")
            if any(health[part]["status"] != "healthy" for part in self.parts):
                return False
            self._token = self._call("GET", "/auth/token")["access_token"]
            return self._call("GET", "/api/v2/dags")["total_entries"] > 0
        except (OSError, KeyError):
            return False

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def is_paused(self, dag_id: str) -> bool:
        return bool(self._call("GET", f"/api/v2/dags/{dag_id}")["is_paused"])

    def trigger(
        self, dag_id: str, *, partition_key: str | None = None, conf: Mapping[str, str] | None = None
    ) -> str:
        """Start a run by hand and return its id."""
        body = {"logical_date": None, "partition_key": partition_key, "conf": dict(conf or {})}
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[Run]:
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?limit=100")["dag_runs"]
        return [
            Run(
                run_id=run["dag_run_id"],
                run_type=run["run_type"],
                partition_key=run["partition_key"],
                state=run["state"],
            )
            for run in found
        ]

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the state of each task instance of a run, mapped ones by "task[what it is mapped over]"."""
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {
            task["task_id"] + (f"[{task['rendered_map_index']}]" if task["map_index"] >= 0 else ""): task[
                "state"
            ]
            for task in found
        }

    def questions(self, dag_id: str, run_id: str) -> list[str]:
        """Return what a run asks people, as its Required Actions page shows it."""
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/hitlDetails")
        return [detail["subject"] for detail in found["hitl_details"]]

    def approve(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> None:
        """Press the button Approve, no faster than a person reads.

        Answered in the second in which the task parks, Airflow 3.3.2 takes the end of its first half for a
        failure ("finished with state success, but … queued") and tries it once more later.
        """
        time.sleep(_READING_SECONDS)
        task = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/{map_index}"
        answered = self._call("PATCH", f"{task}/hitlDetails", {"chosen_options": ["Approve"]})
        self.user = answered["responded_by"]["name"]

    def command(self, *arguments: str) -> str:
        """Run the ``airflow`` command on the same installation and return what it prints."""
        done = subprocess.run(
            [BIN / "airflow", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def wait_for(
        self,
        what: str,
        condition: Callable[[], bool],
        *,
        seconds: float = 120.0,
        may_fail: frozenset[str] = frozenset(),
    ) -> None:
        """Wait until ``condition`` holds; fail at once, with the task's log, when any task has failed.

        Tasks of ``may_fail`` ("dag.task") are expected to.
        """
        give_up = time.monotonic() + seconds
        while not condition():
            # A task that waits minutes for its next try has failed as far as a test is concerned.
            unlucky = self._call(
                "GET", "/api/v2/dags/~/dagRuns/~/taskInstances?state=failed&state=up_for_retry"
            )["task_instances"]
            names = [
                f"{task['dag_id']}.{task['task_id']} of {task['dag_run_id']}"
                for task in unlucky
                if f"{task['dag_id']}.{task['task_id']}" not in may_fail
            ]
            assert not names, f"failed: {names}\n{self.newest_errors()}"
            assert time.monotonic() < give_up, f"waited {seconds:.0f} s for {what}\n{self.newest_errors()}"
            time.sleep(1.0)

    def newest_errors(self) -> str:
        """Return what the task logs, one JSON object a line, say at ERROR; the newest last."""
        logs = sorted((self.home / "logs").rglob("dag_id=*/**/*.log"), key=lambda path: path.stat().st_mtime)
        lines = [line for path in logs for line in path.read_text("utf-8").splitlines()]
        return (
            "\n".join(line[:4000] for line in lines if '"level":"error"' in line) or "no task logged an error"
        )

    def _call(self, method: str, path: str, body: object = None) -> dict:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as refused:
            raise OSError(f"{method} {path}: {refused.code} {refused.read().decode()}") from refused


@contextlib.contextmanager
def run_airflow(home: Path, dags_folder: Path, settings_path: Path) -> Iterator[AirflowServer]:
    """Start Airflow in its own session, yield it when it is healthy, end every process of the session."""
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",  # `airflow standalone` starts its parts by name
        "PREFAIL_CONFIG": str(settings_path),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
        "AIRFLOW__API__HOST": "127.0.0.1",
        # These three belong together: tasks report to the API server under the third.
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
    }
    home.mkdir()
    output = home / "standalone.log"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [BIN / "airflow", "standalone"],
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = AirflowServer(home=home, port=port, environment=environment)
    try:
        give_up = time.monotonic() + 300  # half a minute on a quiet machine
        while not server.is_up():
            assert process.poll() is None, output.read_text("utf-8")[-5000:]
            assert time.monotonic() < give_up, output.read_text("utf-8")[-5000:]
            time.sleep(0.5)
        yield server
    finally:
        end_session(process)


def end_session(process: "subprocess.Popen[bytes]") -> None:
    """End the leader and everything that it started, wherever it hung itself in the process tree."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    psutil.wait_procs(processes_of_session(process.pid), timeout=15)
    for left in processes_of_session(process.pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait(timeout=15)
    psutil.wait_procs(processes_of_session(process.pid), timeout=15)


def processes_of_session(session_id: int) -> list[psutil.Process]:
    found = []
    for candidate in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(candidate.pid) == session_id and candidate.status() != psutil.STATUS_ZOMBIE:
                found.append(candidate)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
