"""The source against a real Prometheus: what a day gives, and what limits, restarts and logins do to it."""

import datetime as dt
import math
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.errors import ConfigError, MissingInputError
from pipelines.ingest import ingest_day, list_source_days
from pipelines.lake import Lake
from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.errors import LoginRefusedError, TlsRefusedError, TooMuchError
from pipelines.prometheus.remote_read import Matcher, decode_read_response, encode_read_request
from pipelines.settings import Settings, SourceSettings
from pipelines.sources import prometheus
from tests.prometheus.fleet_history import DAY, MIDNIGHT, STEP, small_fleet
from tests.prometheus.prometheus_server import PrometheusServer, Series

pytestmark = pytest.mark.service

Row = dict[str, object]


def read(
    server: PrometheusServer, day: dt.date = DAY, folder: Path = Path(), **options: object
) -> dict[str, pa.Table]:
    chosen = prometheus.Options.model_validate({"url": server.url, **options})
    return {raw.dataset: raw.table for raw in prometheus.read_day(chosen, day, folder)}


def row(table: pa.Table, host: str, signal: str, component: str | None = None) -> Row:
    (found,) = [
        each
        for each in table.to_pylist()
        if (each["host_id"], each["signal"], each["component_id"]) == (host, signal, component or host)
    ]
    return dict(found)


def test_a_day_has_one_row_a_part_and_signal(fleet_server: PrometheusServer) -> None:
    metrics = read(fleet_server)["raw_host_metrics"]
    assert metrics.schema.names == schema_of(load_contract("raw_host_metrics")).names
    load = row(metrics, "host-0", "load_1m")
    samples = [
        v for t, v in next(s for s in small_fleet() if s.name == "node_load1").samples if t >= MIDNIGHT
    ]
    assert load["value_max"] == max(samples)
    assert math.isclose(float(str(load["value_mean"])), sum(samples) / len(samples))
    assert (load["component_kind"], load["unit"], load["n_samples"]) == ("host", "processes", 288)
    assert (load["value_min"], load["increase"]) == (None, None), "not asked for by the catalogue"
    # Two sensors of one host are one signal: its hottest, and as many scrapes as both had.
    assert row(metrics, "host-0", "temperature_celsius")["n_samples"] == 2 * 288
    assert "docker0" not in str(metrics["component_id"].to_pylist())


def test_a_silent_host_shows_as_uncovered(fleet_server: PrometheusServer) -> None:
    metrics = read(fleet_server)["raw_host_metrics"]
    silent = row(metrics, "host-1", "load_1m")
    assert (silent["covered_share"], silent["longest_gap_seconds"]) == (0.5, 12 * 3600 + STEP)
    assert row(metrics, "host-0", "load_1m")["covered_share"] == 1.0


def test_a_dimm_counts_what_its_counter_grew_by_today(fleet_server: PrometheusServer) -> None:
    metrics = read(fleet_server)["raw_host_metrics"]
    dimm = row(metrics, "host-2", "edac_correctable_errors", "host-2/DIMM_A1")
    # Scrape 5 lies 25 minutes before midnight.
    assert (dimm["component_kind"], dimm["increase"], dimm["value_last"]) == ("dimm", 3 + 20, 30)
    dimms = [
        row for row in read(fleet_server)["raw_inventory"].to_pylist() if row["component_kind"] == "dimm"
    ]
    assert [(row["component_id"], row["slot"]) for row in dimms] == [
        (f"host-{n}/DIMM_A1", "DIMM_A1") for n in range(3)
    ]
    assert row(metrics, "host-0", "nic_receive_errors", "host-0/eth0")["increase"] == 0


def test_a_gpu_whose_labels_change_stays_one_gpu(fleet_server: PrometheusServer) -> None:
    tables = read(fleet_server)
    gpu = row(tables["raw_host_metrics"], "host-2", "gpu_temperature_celsius", "GPU-1")
    assert (gpu["n_samples"], gpu["covered_share"]) == (288, 1.0)
    errors = row(tables["raw_host_metrics"], "host-2", "gpu_ecc_double_bit_errors", "GPU-1")
    assert errors["increase"] == 3
    (place,) = [row for row in tables["raw_inventory"].to_pylist() if row["component_kind"] == "gpu"]
    named = [place[name] for name in ("component_id", "host_id", "slot", "model")]
    assert named == ["GPU-1", "host-2", "0", "A100"]


def test_days_are_those_on_which_an_exporter_answered(fleet_server: PrometheusServer) -> None:
    options = prometheus.Options(url=fleet_server.url)
    assert prometheus.list_days(options, Path()) == [DAY - dt.timedelta(days=1), DAY]
    later = options.model_copy(update={"first_day": DAY})
    assert prometheus.list_days(later, Path()) == [DAY]


def test_a_day_without_samples_or_not_over_is_missing(fleet_server: PrometheusServer) -> None:
    with pytest.raises(MissingInputError, match="has no sample of 2025-01-01"):
        read(fleet_server, dt.date(2025, 1, 1))
    with pytest.raises(MissingInputError, match="is not over"):
        read(fleet_server, dt.date(2999, 1, 1))


def test_a_catalogue_of_ones_own_adds_signals(fleet_server: PrometheusServer, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "exporter: own\nhost_labels: [instance]\npresence_metric: node_load1\nmetrics:\n"
        "  - {metric: node_load1, signal: own_load, kind: gauge, unit: processes, aggregations: [min]}\n"
    )
    metrics = read(fleet_server, folder=tmp_path, exporters=[], catalogue_files=["own.yaml"])[
        "raw_host_metrics"
    ]
    assert set(metrics["signal"].to_pylist()) == {"own_load"}
    assert metrics["value_min"].null_count == 0


def test_the_day_passes_its_contract_and_a_second_run_changes_nothing(
    fleet_server: PrometheusServer, lake: Lake
) -> None:
    source = SourceSettings.model_validate({"name": "metrics", "kind": "prometheus", "url": fleet_server.url})
    settings = Settings(sources=(source,))
    assert list_source_days(settings) == [DAY - dt.timedelta(days=1), DAY]
    ingest_day(DAY, settings, lake)
    first = lake.digest_day("raw_host_metrics", DAY, part="metrics")
    ingest_day(DAY, settings, lake)
    assert lake.digest_day("raw_host_metrics", DAY, part="metrics") == first
    assert set(lake.read_day("raw_host_metrics", DAY, part="metrics")["source"].to_pylist()) == {"metrics"}


def test_a_sample_limit_of_the_server_only_makes_the_questions_smaller(
    fleet_server: PrometheusServer, tmp_path: Path
) -> None:
    small = PrometheusServer(tmp_path)
    small.write_history(small_fleet())
    try:
        small.start("--storage.remote.read-sample-limit=400", "--query.max-samples=100000")
        client = PrometheusClient(prometheus.Options(url=small.url), Path())
        span = encode_read_request([Matcher(name="__name__", value="node_load1")], 0, 2**50)
        with pytest.raises(TooMuchError, match="sample limit"):
            client.post("/api/v1/read", span, {}, decode_read_response)
        assert read(small) == read(fleet_server)
        small.stop()
        small.start("--query.max-samples=300")
        assert read(small, samples_by="query", exporters=["ipmi_exporter", "node_exporter"]) == read(
            fleet_server, exporters=["node_exporter"]
        )
    finally:
        small.remove()


def test_a_server_without_remote_read_gives_the_same_by_queries(fleet_server: PrometheusServer) -> None:
    assert read(fleet_server, samples_by="query") == read(fleet_server)


def test_a_restart_in_the_middle_is_survived(fleet_server: PrometheusServer, tmp_path: Path) -> None:
    server = PrometheusServer(tmp_path)
    server.write_history(small_fleet())
    server.start()
    questions = prometheus.Options(url=server.url, concurrent_requests=1, patience_seconds=60)
    whole = read(fleet_server)
    stopped = threading.Event()
    original = prometheus.read_metric_rows
    n_asked = 0

    def stop_after_five(*args: object, **options: object) -> object:
        nonlocal n_asked
        n_asked += 1
        if n_asked == 5:
            server.stop()
            threading.Timer(1.5, server.start).start()
            stopped.set()
        return original(*args, **options)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prometheus, "read_metric_rows", stop_after_five)
            tables = {raw.dataset: raw.table for raw in prometheus.read_day(questions, DAY, Path())}
    finally:
        server.remove()
    assert stopped.is_set()
    assert tables == whole


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def guarded_server(tmp_path: Path, certificates: Path) -> Iterator[PrometheusServer]:
    """Return a server with TLS and a login; the hash is bcrypt's of the word 'test'."""
    server = PrometheusServer(tmp_path / "guarded")
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config: {{cert_file: {certificates}/cert.pem, key_file: {certificates}/key.pem}}\n"
        "basic_auth_users: {reader: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay}\n"
    )
    server.write_history(
        [Series(name="node_load1", labels={"instance": "h:9100"}, samples=[(MIDNIGHT + 5, 1.5)])]
    )
    try:
        server.start(f"--web.config.file={web}", scheme="https")
        yield server
    finally:
        server.remove()


def test_tls_and_a_login_work_and_each_refusal_is_named(
    guarded_server: PrometheusServer, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_PASSWORD", "test")
    url = f"https://127.0.0.1:{guarded_server.port}"
    login = {"username": "reader", "password_variable": "PROM_PASSWORD", "exporters": ["node_exporter"]}
    trust = {"ca_bundle": "cert.pem"}
    tables = read(guarded_server, folder=certificates, **{**login, **trust, "url": url})
    assert tables["raw_host_metrics"]["host_id"].to_pylist() == ["h"]
    with pytest.raises(TlsRefusedError, match="do not agree on certificates"):
        read(guarded_server, folder=certificates, **{**login, "url": url, "patience_seconds": 0})
    monkeypatch.setenv("PROM_PASSWORD", "wrong")
    with pytest.raises(LoginRefusedError, match="401"):
        read(guarded_server, folder=certificates, **{**login, **trust, "url": url})
    with pytest.raises(ConfigError, match="can't be used"):
        read(guarded_server, folder=certificates, **{**login, "ca_bundle": "none.pem", "url": url})
