"""Figures reach Prometheus: as a file that promtool and a real server read, and as a push."""

import http.server
import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest

from pipelines.day_findings import DayCheck, write_day_check
from pipelines.errors import ConfigError, PermanentError, TransientError
from pipelines.lake import Lake
from pipelines.monitoring.exposition import push_figures, render_exposition, write_textfile
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.monitoring.measure import METRICS, measure_day
from tests.monitoring.measured_day import DAY, fill, make_settings
from tests.prometheus.prometheus_server import PrometheusServer, free_port

NASTY = Metric(name="prefail_example", help="An example.", labels=("signal",))
SAMPLES = [NASTY.sample(1.5, 'a "quoted" \\ name\nof two lines'), NASTY.sample(2, "b")]


@pytest.fixture
def samples(tmp_path: Path, lake: Lake) -> tuple[Sample, ...]:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    write_day_check(DayCheck(first_day=DAY, last_day=DAY, findings=()), lake)
    return measure_day(DAY, settings, lake)


@pytest.mark.service
def test_promtool_finds_nothing_to_say_about_the_file(samples: tuple[Sample, ...]) -> None:
    shown = {each.metric.name for each in samples}
    # A model's age is the one figure that this day lacks: a rule scores.
    assert {each.name for each in METRICS} - shown == {"prefail_model_learned_until_timestamp_seconds"}
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=render_exposition(samples, "test"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


class Answers(BaseHTTPRequestHandler):
    """Serves a file to GET, keeps what is PUT, and answers that with ``status``."""

    file: ClassVar[Path]
    status: ClassVar[int] = 200
    taken: ClassVar[list[tuple[str, bytes]]] = []

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self.file.read_bytes())

    def do_PUT(self) -> None:
        type(self).taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(**state: object) -> Iterator[tuple[str, type[Answers]]]:
    handler = type("Handler", (Answers,), {"taken": [], **state})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.service
def test_a_real_prometheus_scrapes_every_figure(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    path = tmp_path / "prefail.prom"
    write_textfile(samples, "test", path)
    server = PrometheusServer(tmp_path / "prometheus")
    with serve(file=path) as (address, _):
        target = urllib.parse.urlsplit(address).netloc
        node = f"{{job_name: node, scrape_interval: 1s, static_configs: [{{targets: ['{target}']}}]}}"
        server.config = f"scrape_configs: [{node}]\n"
        server.start()
        try:
            found: dict[str, float] = {}
            deadline = time.monotonic() + 30
            while len(found) < len(samples) and time.monotonic() < deadline:
                time.sleep(0.1)
                query = urllib.parse.quote('{__name__=~"prefail_.+", environment="test"}')
                with urllib.request.urlopen(f"{server.url}/api/v1/query?query={query}", timeout=5) as answer:
                    rows = json.load(answer)["data"]["result"]
                found = {json.dumps(row["metric"], sort_keys=True): float(row["value"][1]) for row in rows}
        finally:
            server.remove()
    assert len(found) == len(samples)
    assert sorted(found.values()) == pytest.approx(sorted(each.value for each in samples))


def test_the_file_is_replaced_whole_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "prefail.prom"
    write_textfile(SAMPLES, "test", path)
    write_textfile(SAMPLES[:1], "test", path)
    assert [each.name for each in tmp_path.iterdir()] == ["prefail.prom"]
    assert path.read_text("utf-8").splitlines()[2:] == [
        r'prefail_example{environment="test",signal="a \"quoted\" \\ name\nof two lines"} 1.5'
    ]


def test_a_name_that_the_collector_passes_over_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not end in \.prom"):
        write_textfile(SAMPLES, "test", tmp_path / "prefail.txt")


def test_a_folder_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="prefail metrics --day D --textfile FILE"):
        write_textfile(SAMPLES, "test", tmp_path / "no" / "prefail.prom")


def test_a_push_puts_the_environments_figures_in_the_place_of_the_former() -> None:
    with serve() as (address, handler):
        push_figures(SAMPLES, "test", address)
    path, body = handler.taken[0]
    assert path == "/metrics/job/prefail/environment/test"
    assert b'prefail_example{environment="test",signal="b"} 2.0' in body


@pytest.mark.parametrize(("status", "kind"), [(400, PermanentError), (503, TransientError)])
def test_a_gateway_that_refuses_is_told_from_one_that_can_not_now(status: int, kind: type[Exception]) -> None:
    with serve(status=status) as (address, _), pytest.raises(kind, match=f"answered {status}"):
        push_figures(SAMPLES, "test", address)


def test_a_gateway_that_is_away_may_be_tried_again() -> None:
    with pytest.raises(TransientError, match="did not answer"):
        push_figures(SAMPLES, "test", f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("address", ["pushgateway", "ftp://host", "http://user:secret@host:9091"])
def test_an_address_that_is_none_is_refused_and_a_password_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        push_figures(SAMPLES, "test", address)
    assert "secret" not in str(refused.value)
