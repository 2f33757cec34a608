"""One real Prometheus with a small fleet's day in it, for all tests here that only read."""

from collections.abc import Iterator

import pytest

from tests.prometheus.fleet_history import small_fleet
from tests.prometheus.prometheus_server import PrometheusServer


@pytest.fixture(scope="session")
def fleet_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    server.write_history(small_fleet())
    try:
        server.start()
        yield server
    finally:
        server.remove()
