"""A real Prometheus with a history that the test writes, on a port of its own."""

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_READY_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of a history: pairs of Unix seconds and value."""

    name: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def openmetrics(history: Iterable[Series]) -> str:
    """Return a history in the form that promtool reads: grouped by name, seconds, an end mark."""
    lines: list[str] = []
    for series in sorted(history, key=lambda each: each.name):
        texts = [f"{name}={_quoted(value)}" for name, value in sorted(series.labels.items())]
        head = f"{series.name}{{{','.join(texts)}}}"
        lines += [f"{head} {value!r} {seconds!r}" for seconds, value in series.samples]
    return "\n".join([*lines, "# EOF", ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class PrometheusServer:
    """Started and ended by the test; a missing binary is a failure: infra/install_test_servers.sh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._options: tuple[str, ...] = ()
        self.config = "global: {scrape_interval: 1h}\n"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_history(self, history: Iterable[Series] | Path) -> None:
        """Make blocks of a history; before the start."""
        path = history if isinstance(history, Path) else self.folder / "history.om"
        if not isinstance(history, Path):
            path.write_text(openmetrics(history))
        subprocess.run(
            # Without the hidden flag the file is parsed again for each two hours.
            [
                "promtool",
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                "--max-block-duration=168h",
                path,
                self.data,
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )

    def start(self, *options: str, scheme: str = "http") -> None:
        """Start and wait until it answers, with whatever status; options stay for a restart."""
        self._options = options or self._options
        config = self.folder / "prometheus.yml"
        config.write_text(self.config)
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={self.data}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                # The default of 15 days deletes the blocks that promtool made.
                "--storage.tsdb.retention.time=100y",
                *self._options,
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            if self._is_ready(scheme):
                return
            time.sleep(0.05)
        raise AssertionError(
            f"Prometheus was not ready in {_READY_SECONDS} s: {(self.folder / 'log').read_text()}"
        )

    def _is_ready(self, scheme: str) -> bool:
        if scheme == "https":
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as refused:
            return refused.code == 401
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
