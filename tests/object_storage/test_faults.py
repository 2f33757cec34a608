"""Broken connections, slow and damaged answers, refusals that pass: nothing is lost and nothing doubled."""

import contextlib
import datetime as dt
import time

import numpy as np
import pyarrow as pa
import pytest

from pipelines.errors import StorageError, WriteLostError
from pipelines.lake import Lake
from pipelines.s3.store import S3Store
from tests.object_storage.fault_proxy import CannedAnswer, Fault, FaultProxy
from tests.object_storage.seaweed_server import SeaweedServer

pytestmark = pytest.mark.service

DAY = dt.date(2026, 2, 1)
LARGE = np.random.default_rng(4).bytes(18_000_000)
DATA = np.random.default_rng(3).bytes(400_000)


def is_get(head: bytes) -> bool:
    return head.startswith(b"GET")


def is_put(head: bytes) -> bool:
    return head.startswith(b"PUT")


@pytest.fixture
def faulty(seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_root: str) -> S3Store:
    """Return a store that reaches the same prefix as ``s3_store``, through the proxy."""
    return S3Store.open(s3_root, seaweed.settings(endpoint_url=fault_proxy.endpoint_url))


def impatient(store: S3Store, seaweed: SeaweedServer, fault_proxy: FaultProxy) -> S3Store:
    return S3Store.open(
        store.root, seaweed.settings(endpoint_url=fault_proxy.endpoint_url, time_limit_seconds=2)
    )


@pytest.mark.parametrize(
    "fault",
    [
        Fault(applies=is_get, times=2, reset_after=0),
        Fault(applies=is_get, times=2, reset_after=100_000),
        Fault(applies=is_get, times=2, flip_at=200_000),
        Fault(applies=is_get, times=3, answer=CannedAnswer(status=500, code="InternalError")),
        Fault(applies=is_get, times=1, answer=CannedAnswer(status=503, code="SlowDown")),
        Fault(applies=is_get, times=1, delay_seconds=1.5),
    ],
    ids=["reset at once", "reset in the body", "damaged", "500s", "slow down", "slow"],
)
def test_a_read_survives(faulty: S3Store, s3_store: S3Store, fault_proxy: FaultProxy, fault: Fault) -> None:
    s3_store.write("a", DATA)
    fault_proxy.add(fault)
    assert faulty.read("a") == DATA
    assert fault_proxy.times_used(fault) == fault.times


@pytest.mark.parametrize(
    "fault",
    [
        # The server has done the work; only its answer is lost.
        Fault(applies=is_put, times=2, reset_after=0),
        Fault(applies=is_put, times=2, damage_request=True),
        Fault(applies=is_put, times=3, answer=CannedAnswer(status=500, code="InternalError")),
        Fault(applies=is_put, times=1, answer=CannedAnswer(status=503, code="SlowDown")),
    ],
    ids=["answer lost", "damaged", "500s", "slow down"],
)
@pytest.mark.parametrize("condition", ["none", "if_absent", "if_match"])
def test_a_write_survives_and_is_done_once(
    faulty: S3Store, s3_store: S3Store, fault_proxy: FaultProxy, fault: Fault, condition: str
) -> None:
    etag = s3_store.write("a", b"before") if condition == "if_match" else None
    fault_proxy.add(fault)
    faulty.write("a", DATA, if_absent=condition == "if_absent", if_match=etag)
    assert fault_proxy.times_used(fault) == fault.times
    assert s3_store.read("a") == DATA
    assert [item.key for item in s3_store.list_keys("")] == ["a"]


def test_a_lost_answer_never_turns_another_run_s_success_into_ours(
    faulty: S3Store, s3_store: S3Store, fault_proxy: FaultProxy
) -> None:
    s3_store.write("claim", b"theirs", if_absent=True)
    fault_proxy.add(Fault(applies=is_put, times=1, reset_after=0))
    with pytest.raises(WriteLostError):
        faulty.write("claim", b"ours", if_absent=True)
    # Nor if it wrote the same bytes.
    fault_proxy.add(Fault(applies=is_put, times=1, reset_after=0))
    with pytest.raises(WriteLostError):
        faulty.write("claim", b"theirs", if_absent=True)


def test_an_upload_in_parts_survives_resets(
    seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_store: S3Store
) -> None:
    options = seaweed.settings(endpoint_url=fault_proxy.endpoint_url, multipart_threshold_mb=5)
    for applies in (is_put, lambda head: head.startswith(b"POST") and b"uploadId" in head):
        fault_proxy.add(Fault(applies=applies, times=1, reset_after=0))
    S3Store.open(s3_store.root, options).write("large", LARGE)
    assert [fault_proxy.times_used(fault) for fault in fault_proxy.faults] == [1, 1]
    assert s3_store.read("large") == LARGE


def test_damage_to_an_object_in_parts_is_noticed_by_our_own_digest(
    seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_store: S3Store
) -> None:
    # The server's checksum of an upload in parts is of the parts' checksums; no client compares that.
    S3Store.open(s3_store.root, seaweed.settings(multipart_threshold_mb=5)).write("large", LARGE)
    fault_proxy.add(Fault(applies=is_get, flip_at=9_000_000))
    with pytest.raises(StorageError, match="another SHA-256 than those written"):
        impatient(s3_store, seaweed, fault_proxy).read("large")


def test_damage_in_a_range_is_noticed_by_the_page_checksums(
    faulty: S3Store, s3_store: S3Store, fault_proxy: FaultProxy
) -> None:
    rng = np.random.default_rng(1)
    table = pa.table({f"signal_{n:02d}": rng.random(200_000, dtype=np.float32) for n in range(8)})
    Lake(s3_store).write_day("core_x", DAY, table)
    opened = Lake(faulty).open_day("core_x", DAY, by_range=True)
    fault = Fault(applies=is_get, times=1, flip_at=300_000)
    fault_proxy.add(fault)
    assert opened.read(columns=["signal_01"]).equals(table.select(["signal_01"]))
    assert fault_proxy.times_used(fault) == 1
    fault_proxy.add(Fault(applies=is_get, flip_at=300_000))
    with pytest.raises(StorageError, match="arrived damaged twice"):
        Lake(faulty).open_day("core_x", DAY, by_range=True).read(columns=["signal_02"])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(applies=lambda _: True, answer=CannedAnswer(status=503, code="SlowDown")), "SlowDown"),
        (
            Fault(applies=lambda _: True, answer=CannedAnswer(status=500, code="InternalError")),
            "InternalError",
        ),
        (Fault(applies=lambda _: True, reset_after=0), "ConnectionClosedError"),
        (Fault(applies=is_get, flip_at=200_000), "FlexibleChecksumError"),
        (Fault(applies=lambda _: True, delay_seconds=5), "ReadTimeoutError"),
    ],
    ids=["slow down", "500s", "resets", "damaged", "slow"],
)
def test_what_does_not_pass_ends_in_time_with_the_old_object_in_place(
    seaweed: SeaweedServer, s3_store: S3Store, fault_proxy: FaultProxy, fault: Fault, reason: str
) -> None:
    s3_store.write("a", DATA)
    fault_proxy.add(fault)
    store = impatient(s3_store, seaweed, fault_proxy)
    started = time.monotonic()
    with pytest.raises(StorageError, match=reason):
        store.read("a")
    if reason != "FlexibleChecksumError":
        with contextlib.suppress(StorageError):
            store.write("a", DATA)
            raise AssertionError("the write can't have worked")
    assert time.monotonic() - started < 12
    assert s3_store.read("a") == DATA


def test_a_throttled_request_waits_as_long_as_the_server_asks(
    faulty: S3Store, s3_store: S3Store, fault_proxy: FaultProxy
) -> None:
    s3_store.write("a", b"1")
    answer = CannedAnswer(status=503, code="SlowDown", headers=(("Retry-After", "3"),))
    fault_proxy.add(Fault(applies=is_get, times=1, answer=answer))
    started = time.monotonic()
    faulty.read("a")
    assert time.monotonic() - started >= 3
