"""What only S3 has: parts, ranges, encryption, links, and other programs at the same bucket."""

import datetime as dt
import urllib.error
import urllib.request

import numpy as np
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest

from pipelines.errors import PermanentError, StorageError, WriteLostError
from pipelines.lake import Lake
from pipelines.s3.store import S3Store
from tests.object_storage.seaweed_server import PIPELINE, SeaweedServer
from tests.object_storage.test_store_contract import race

pytestmark = pytest.mark.service

DAY = dt.date(2026, 2, 1)
LARGE = np.random.default_rng(7).bytes(17_000_000)


@pytest.fixture
def small_parts(seaweed: SeaweedServer, s3_root: str) -> S3Store:
    """Return a store that sends anything above 5 MB in parts."""
    return S3Store.open(s3_root, seaweed.settings(multipart_threshold_mb=5))


def test_a_large_object_goes_in_parts_and_comes_back_whole(small_parts: S3Store) -> None:
    small_parts.write("large", LARGE)
    assert small_parts.requests["upload_part"] == 2
    assert small_parts.requests["put_object"] == 0
    assert small_parts.read("large") == LARGE


def test_a_large_conditional_write_is_one_request_with_one_winner(small_parts: S3Store) -> None:
    etag = small_parts.write("large", LARGE, if_absent=True)
    with pytest.raises(WriteLostError):
        small_parts.write("large", LARGE[::-1], if_absent=True)
    small_parts.write("large", LARGE[::-1], if_match=etag)
    with pytest.raises(WriteLostError):
        small_parts.write("large", LARGE, if_match=etag)
    assert small_parts.read("large") == LARGE[::-1]
    won = race(4, lambda n: small_parts.write("claim", bytes([n]) * 6_000_000, if_absent=True))
    assert len(won) == 1
    assert small_parts.read("claim") == bytes([won[0]]) * 6_000_000
    assert small_parts.requests["create_multipart_upload"] == 0


def write_wide_day(lake: Lake, n_rows: int = 400_000) -> pa.Table:
    rng = np.random.default_rng(1)
    table = pa.table({f"signal_{n:02d}": rng.random(n_rows, dtype=np.float32) for n in range(20)})
    lake.write_day("core_x", DAY, table, row_group_rows=[n_rows // 4] * 4)
    return table


def test_reading_few_columns_and_groups_of_a_large_day_fetches_only_those(s3_store: S3Store) -> None:
    lake = Lake(s3_store)
    table = write_wide_day(lake)
    size = len(s3_store.read("core_x/day=2026-02-01/part-00.parquet"))
    s3_store.requests.clear()
    opened = lake.open_day("core_x", DAY, by_range=True)
    assert s3_store.requests["get_object"] == 1
    groups = opened.read_row_groups([0, 2], columns=["signal_03"])
    n = len(table) // 4
    expected = pa.concat_tables([table.slice(0, n), table.slice(2 * n, n)]).select(["signal_03"])
    assert groups.combine_chunks().equals(expected.combine_chunks())
    assert s3_store.requests["get_object"] == 3
    held = sum(len(block) for block in opened._ranges_of._blocks.values())
    assert held < size / 5


def test_a_whole_day_is_one_request(s3_store: S3Store) -> None:
    lake = Lake(s3_store)
    table = write_wide_day(lake)
    s3_store.requests.clear()
    assert lake.read_day("core_x", DAY).equals(table)
    assert s3_store.requests == {"get_object": 1}


def test_an_object_replaced_while_it_is_read_by_range_is_an_error(s3_store: S3Store) -> None:
    lake = Lake(s3_store)
    write_wide_day(lake)
    opened = lake.open_day("core_x", DAY, by_range=True)
    write_wide_day(lake, n_rows=4)
    with pytest.raises(StorageError, match="replaced by another run while it was read"):
        opened.read_row_group(0)


def test_listing_goes_on_after_a_full_page(s3_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    send = s3_store._send

    def send_small_pages(operation: str, **arguments: object) -> dict[str, object]:
        return send(operation, **arguments, **({"MaxKeys": 2} if operation == "list_objects_v2" else {}))

    monkeypatch.setattr(s3_store, "_send", send_small_pages)
    for n in range(5):
        s3_store.write(f"d/{n}", b"")
    assert [item.key for item in s3_store.list_keys("d/")] == [f"d/{n}" for n in range(5)]
    assert s3_store.requests["list_objects_v2"] == 3


def test_encryption_is_asked_for_and_read_back(seaweed: SeaweedServer, s3_root: str) -> None:
    store = S3Store.open(s3_root, seaweed.settings(sse="sse-s3", multipart_threshold_mb=5))
    store.write("small", b"abc")
    store.write("large", LARGE)
    assert store.read("small") == b"abc"
    assert store.read("large") == LARGE
    stored = store._send("head_object", Key=store._full("small"))
    assert stored["ServerSideEncryption"] == "AES256"


def test_a_kms_key_is_named_in_each_write(seaweed: SeaweedServer, s3_root: str) -> None:
    store = S3Store.open(
        s3_root, seaweed.settings(sse="sse-kms", kms_key_id="alias/fleet", time_limit_seconds=1)
    )
    sent: list[dict[str, object]] = []
    store._client.meta.events.register(
        "before-parameter-build.s3.PutObject", lambda params, **_: sent.append(dict(params))
    )
    # This server has no KMS and says so with 500: what was asked for is checked, and that we hear of it.
    with pytest.raises(StorageError, match="InternalError"):
        store.write("secret", b"abc")
    assert sent[0]["ServerSideEncryption"] == "aws:kms"
    assert sent[0]["SSEKMSKeyId"] == "alias/fleet"


def test_a_link_opens_in_a_browser_until_it_is_tampered_with(s3_store: S3Store) -> None:
    s3_store.write("published/report.html", b"<html>")
    link = s3_store.presign("published/report.html", 60)
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"<html>"
        assert answer.headers["content-type"].startswith("text/html")
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(link.replace("report.html", "other.html"))
    refused.value.close()
    with pytest.raises(PermanentError, match=r"604,800 \(a week\)"):
        s3_store.presign("published/report.html", 8 * 24 * 3600)


def test_other_programs_read_the_lake_as_a_hive_data_set(seaweed: SeaweedServer, s3_store: S3Store) -> None:
    lake = Lake(s3_store)
    for day in (DAY, DAY + dt.timedelta(days=1)):
        lake.write_day("out_x", day, pa.table({"rank": pa.array([1, 2], pa.int32())}))
    files = pyarrow.fs.S3FileSystem(
        access_key=PIPELINE[0],
        secret_key=PIPELINE[1],
        endpoint_override=seaweed.endpoint_url,
        region="us-east-1",
    )
    read = pq.read_table(f"{lake.store.root.removeprefix('s3://')}/out_x", filesystem=files)
    assert sorted(zip(read["day"].to_pylist(), read["rank"].to_pylist(), strict=True)) == [
        (day, rank) for day in ("2026-02-01", "2026-02-02") for rank in (1, 2)
    ]
