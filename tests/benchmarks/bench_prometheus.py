"""A day of host metrics from a real Prometheus, against the bare transfer of the same samples."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.daily import BASELINE_MS, DaySpan
from pipelines.prometheus.remote_read import Matcher, encode_read_request
from pipelines.sources import prometheus
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import N_THREADS, Side, time_in_turn
from tests.prometheus.prometheus_server import PrometheusServer

N_HOSTS = 500
N_METRICS = 30
SCRAPE_SECONDS = 300
DAY = dt.date(2026, 2, 1)
_N_RUNS = 3


def run(scale: float) -> list[Row]:
    """Measure on ``scale`` × 500 hosts of 30 metrics, scraped every five minutes."""
    n_hosts = max(2, round(N_HOSTS * scale))
    with tempfile.TemporaryDirectory(prefix="prefail-bench-") as name:
        folder = Path(name)
        server = PrometheusServer(folder / "prometheus")
        _write_history(folder / "history.om", n_hosts)
        server.write_history(folder / "history.om")
        (folder / "bench.yaml").write_text(_catalogue())
        try:
            server.start()
            return [_measure(server, folder, n_hosts)]
        finally:
            server.remove()


def _measure(server: PrometheusServer, folder: Path, n_hosts: int) -> Row:
    options = prometheus.Options(
        url=server.url, exporters=(), catalogue_files=("bench.yaml",), concurrent_requests=N_THREADS
    )
    client = PrometheusClient(options, folder)
    read, transfer = time_in_turn(
        Side(what="a day of metrics, summed up", work=lambda: _read(options, folder, n_hosts)),
        Side(what="bare transfer of the same samples", work=lambda: _transfer(client)),
        n_runs=_N_RUNS,
    )
    n_samples = n_hosts * N_METRICS * 86_400 // SCRAPE_SECONDS
    return Row(
        name="a day of host metrics from Prometheus",
        subject=read,
        reference=transfer,
        ratio_at_most=2.0,
        note=f"{n_hosts} hosts × {N_METRICS} metrics, {n_samples / 1e6:.2f} M samples, a third of them counters "
        f"that are mostly 0; both sides ask {N_THREADS} questions side by side",
    )


def _read(options: prometheus.Options, folder: Path, n_hosts: int) -> int:
    (raw,) = prometheus.read_day(options, DAY, folder)
    assert raw.table.num_rows == n_hosts * N_METRICS
    assert min(raw.table["covered_share"].to_pylist()) == 1.0
    return int(raw.table.num_rows)


def _transfer(client: PrometheusClient) -> int:
    """Fetch the same bodies and look at none: what any reader has to wait for."""
    span = DaySpan.of(DAY)

    def fetch(number: int) -> int:
        first_ms = span.start_ms - (BASELINE_MS if _is_counter(number) else 0)
        body = encode_read_request([Matcher(name="__name__", value=_name(number))], first_ms, span.end_ms - 1)
        headers = {"x-prometheus-remote-read-version": "0.1.0", "content-encoding": "snappy"}
        return client.post("/api/v1/read", body, headers, len)

    with ThreadPoolExecutor(N_THREADS) as pool:
        return sum(pool.map(fetch, range(N_METRICS)))


def _is_counter(number: int) -> bool:
    return number % 3 == 0


def _name(number: int) -> str:
    return f"bench_{number:02d}"


def _catalogue() -> str:
    entries = [
        f"  - {{metric: {_name(n)}, signal: signal_{n:02d}, unit: count, "
        + (
            "kind: counter, aggregations: [last, increase]}"
            if _is_counter(n)
            else "kind: gauge, aggregations: [min, max, mean, last]}"
        )
        for n in range(N_METRICS)
    ]
    head = f"exporter: bench\nhost_labels: [instance]\npresence_metric: {_name(0)}\nmetrics:\n"
    return head + "\n".join(entries) + "\n"


def _write_history(path: Path, n_hosts: int) -> None:
    with path.open("w") as sink:
        for number in range(N_METRICS):
            for line in _lines(number, n_hosts):
                sink.write(line)
        sink.write("# EOF\n")


def _lines(number: int, n_hosts: int) -> Iterator[str]:
    start = DaySpan.of(DAY).start_ms // 1000
    times = range(start - 1800, start + 86_400, SCRAPE_SECONDS)
    rng = np.random.default_rng(number)
    for host in range(n_hosts):
        # Each host has a second of its own at which it is scraped.
        offset = int(rng.integers(0, SCRAPE_SECONDS))
        if _is_counter(number):
            values = np.cumsum(rng.random(len(times)) < 0.002).astype(np.float64)
        else:
            values = np.round(rng.normal(50, 5, len(times)), 2)
        labels = f'{{instance="host-{host:04d}.example.com:9100",job="node",site="a",rack="r{host // 20}"}}'
        yield "".join(
            f"{_name(number)}{labels} {value} {time + offset}\n"
            for time, value in zip(times, values.tolist(), strict=True)
        )
