"""Airflow as more than one machine has it: PostgreSQL, each part a process of its own, Celery workers on Redis."""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_server import BIN, AirflowServer, end_session, free_port

_READY_SECONDS = 120


@dataclass(kw_only=True)
class Cluster:
    """Parts of Airflow that share one database. What is started ends with :func:`run_cluster`."""

    folder: Path
    database: str
    broker: str
    port: int
    dags_folder: Path
    server: AirflowServer = field(init=False)
    _started: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = AirflowServer(
            home=self.folder,
            port=self.port,
            environment=self.environment(),
            parts=("metadatabase", "scheduler", "dag_processor"),
        )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{self.database}",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags_folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": f"http://localhost:{self.port}",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{self.port}/execution/",
            # The same in every process: one signs what another checks.
            "AIRFLOW__API__SECRET_KEY": "of this test only",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of this test only, and long enough for the algorithm: 64 bytes or more",
            "AIRFLOW__CELERY__BROKER_URL": self.broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql://{self.database}",
            "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
            # Else the results do not say which worker it was.
            "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": '{"result_extended": true}',
        }

    def start(self, name: str, *command: str, more: Mapping[str, str] | None = None) -> None:
        """Start ``airflow <command>`` in a session of its own; ``name`` names its log."""
        with (self.folder / f"{name}.log").open("wb") as sink:
            self._started[name] = subprocess.Popen(
                [BIN / "airflow", *command],
                env=self.environment() | dict(more or {}),
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        give_up = time.monotonic() + _READY_SECONDS
        while not self.server.is_up():
            self.require_all_running()
            assert time.monotonic() < give_up, {name: self.log_of(name)[-500:] for name in self._started}
            time.sleep(0.5)

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-4000:]

    def require_all_running(self) -> None:
        for name, process in self._started.items():
            assert process.poll() is None, f"{name} has ended: {self.log_of(name)}"

    def stop(self, *names: str) -> None:
        """End these parts, all of them if none is named."""
        for name in names or tuple(self._started):
            end_session(self._started.pop(name))

    def query(self, sql: str, *values: object) -> list[tuple]:
        """Ask Airflow's database directly."""
        import psycopg2

        with (
            contextlib.closing(psycopg2.connect(f"postgresql://{self.database}")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())


@contextlib.contextmanager
def run_cluster(folder: Path, dags_folder: Path) -> Iterator[Cluster]:
    """Start PostgreSQL, Redis, an API server and a DAG processor; schedulers and workers are the test's to start."""
    home = folder / "airflow"
    home.mkdir(parents=True)
    with _run_postgres() as database, _run_redis(folder / "redis") as broker:
        cluster = Cluster(
            folder=home, database=database, broker=broker, port=free_port(), dags_folder=dags_folder
        )
        cluster.server.command("db", "migrate")
        try:
            cluster.start("api-server", "api-server")
            cluster.start("dag-processor", "dag-processor")
            yield cluster
        finally:
            cluster.stop()


@contextlib.contextmanager
def _run_postgres() -> Iterator[str]:
    """Yield ``user@host:port/database`` of a PostgreSQL in a folder of its own, gone afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found, "PostgreSQL is missing: infra/install_test_servers.sh"
    # It refuses to run as root; as its own user it can't reach pytest's folders, which only root may enter.
    is_root = os.geteuid() == 0
    as_user = ["runuser", "-u", "postgres", "--"] if is_root else []
    made = subprocess.run([*as_user, "mktemp", "-d"], capture_output=True, text=True, check=True, cwd="/")
    folder, port = Path(made.stdout.strip()), free_port()
    user = "postgres" if is_root else pwd.getpwuid(os.geteuid()).pw_name
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    )

    def run(program: str, *arguments: str) -> None:
        # Not a pipe: the server would inherit it and keep it open.
        subprocess.run(
            [*as_user, found[-1] / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/"
        )

    data, log = str(folder / "data"), str(folder / "log")
    run("initdb", "-D", data, "-U", user, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
    run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", log, "-o", options, "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", user, "airflow")
        yield f"{user}@127.0.0.1:{port}/airflow"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _run_redis(folder: Path) -> Iterator[str]:
    """Yield the address of a Redis that keeps nothing."""
    program = shutil.which("redis-server")
    assert program is not None, "Redis is missing: infra/install_test_servers.sh"
    folder.mkdir()
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        end_session(process)
