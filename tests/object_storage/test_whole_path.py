"""The whole daily path on a real S3 server: the same bytes as in a folder, also when the server breaks down."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import StorageError
from pipelines.lake import Lake, open_lake
from pipelines.s3.store import S3Store
from pipelines.score import score_day
from pipelines.settings import Settings
from pipelines.target_scorers import open_target_scorers
from tests.object_storage.fault_proxy import Fault, FaultProxy
from tests.object_storage.seaweed_server import PIPELINE, SeaweedServer
from tests.object_storage.small_fleet import DAYS, fill_day, read_everything, run_morning, write_settings

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return write_settings(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def in_folder(fleet: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return what the path leaves in a folder: every day filled, two mornings run."""
    lake = open_lake(str(tmp_path_factory.mktemp("lake")))
    run_path(fleet, lake)
    return read_everything(lake)


def run_path(settings: Settings, lake: Lake) -> None:
    for day in DAYS:
        fill_day(day, settings, lake)
    for day in DAYS[-2:]:
        run_morning(day, settings, lake)


def differing(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    keys = (key for key in found.keys() | expected.keys() if not key.startswith("cache/"))
    return sorted(key for key in keys if found.get(key) != expected.get(key))


def test_the_path_on_s3_leaves_the_bytes_it_leaves_in_a_folder(
    seaweed: SeaweedServer, s3_root: str, tmp_path: Path, in_folder: dict[str, bytes]
) -> None:
    lake = open_lake(s3_root, seaweed.settings())
    run_path(write_settings(tmp_path), lake)
    on_s3 = read_everything(lake)
    assert any(key.startswith("published/at_risk_hosts/edition=") for key in on_s3)
    assert differing(on_s3, in_folder) == []
    secret = PIPELINE[1].encode()
    assert not [key for key, data in on_s3.items() if secret in data]


def test_the_path_over_a_broken_network_leaves_the_same_bytes(
    seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_root: str, tmp_path: Path, in_folder: dict[str, bytes]
) -> None:
    # Every ninth answer is lost, and other answers break off or are damaged.
    faults = (
        Fault(applies=lambda _: len(fault_proxy.heads) % 9 == 0, reset_after=0),
        Fault(
            applies=lambda head: head.startswith(b"GET") and len(fault_proxy.heads) % 7 == 0, reset_after=300
        ),
        Fault(
            applies=lambda head: head.startswith(b"PUT") and len(fault_proxy.heads) % 8 == 0, reset_after=0
        ),
    )
    for fault in faults:
        fault_proxy.add(fault)
    lake = open_lake(s3_root, seaweed.settings(endpoint_url=fault_proxy.endpoint_url))
    run_path(write_settings(tmp_path), lake)
    assert all(fault_proxy.times_used(fault) for fault in faults)
    assert differing(read_everything(open_lake(s3_root, seaweed.settings())), in_folder) == []


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[SeaweedServer]:
    server = SeaweedServer(folder=tmp_path / "seaweed")
    server.start()
    server.create_bucket("fleet")
    yield server
    server.kill()


def test_a_back_fill_survives_a_restart_of_the_server(
    own_server: SeaweedServer, tmp_path: Path, in_folder: dict[str, bytes]
) -> None:
    lake = open_lake("s3://fleet/lake", own_server.settings())
    settings = write_settings(tmp_path)
    attempts = dict.fromkeys(DAYS, 0)

    def back_fill() -> None:
        for day in DAYS:
            while True:
                attempts[day] += 1
                try:
                    fill_day(day, settings, lake)
                    break
                except StorageError:
                    # What a scheduler does with exit code 75.
                    continue

    worker = threading.Thread(target=back_fill)
    worker.start()
    while attempts[DAYS[3]] == 0:
        time.sleep(0.01)
    own_server.kill()
    time.sleep(1)
    own_server.start()
    worker.join(timeout=120)
    assert not worker.is_alive()
    filled = read_everything(lake)
    expected = {key: data for key, data in in_folder.items() if key.startswith(("raw_", "core_"))}
    assert expected
    assert [key for key in expected if filled.get(key) != expected[key]] == []
    assert sorted(key for key in filled if key.startswith(("raw_", "core_"))) == sorted(expected)


def test_scoring_a_day_needs_no_more_requests_than_its_lookback_and_ten(
    seaweed: SeaweedServer, s3_root: str, fleet: Settings
) -> None:
    lake = open_lake(s3_root, seaweed.settings())
    for day in DAYS:
        fill_day(day, fleet, lake)
    store = lake.store
    assert isinstance(store, S3Store)
    # The first scoring finds no roll-up of failures and writes one.
    score_day(DAYS[-3], fleet, lake)
    for day in DAYS[-2:]:
        scorers = open_target_scorers(fleet, lake)
        lookback = scorers[0].scorer.lookback_days
        store.requests.clear()
        score_day(day, fleet, lake)
        # A day that was never built costs its request, too: the answer is that there is none.
        assert store.requests["get_object"] <= lookback + 10
        # A target more is a look for its day and for the days around it, for the list and for the log line.
        looks = store.requests["head_object"] + store.requests["list_objects_v2"]
        assert looks <= 10 + 4 * (len(scorers) - 1)
