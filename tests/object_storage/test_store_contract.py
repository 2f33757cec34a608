"""What every store must do, the same on a folder and on a real S3 server."""

import datetime as dt
import threading
from collections.abc import Callable

import pyarrow as pa
import pytest

from pipelines.errors import MissingInputError, PermanentError, WriteLostError
from pipelines.lake import Lake
from pipelines.object_store import ObjectStore

DAY = dt.date(2026, 2, 1)
TABLE = pa.table(
    {
        "component_key": pa.array([1, 2, 3], pa.uint64()),
        "model": ["a", "a", None],
        "temperature_celsius": pa.array([30.5, None, 31], pa.float32()),
        "known_at": pa.array([dt.datetime(2026, 2, 1, tzinfo=dt.UTC)] * 3, pa.timestamp("us", "UTC")),
    }
)


def test_what_was_written_is_read_back(store: ObjectStore) -> None:
    store.write("a/b.txt", b"one")
    assert store.read("a/b.txt") == b"one"
    store.write("a/b.txt", b"two")
    assert store.read("a/b.txt") == b"two"
    store.write("empty", b"")
    assert store.read("empty") == b""


def test_a_missing_object_is_named(store: ObjectStore) -> None:
    with pytest.raises(MissingInputError, match=r"a/b\.txt does not exist"):
        store.read("a/b.txt")
    assert not store.exists("a/b.txt")
    store.write("a/b.txt", b"")
    assert store.exists("a/b.txt")


def test_the_etag_of_a_write_is_the_one_that_is_read(store: ObjectStore) -> None:
    assert store.write("pointer", b"1") == store.read_with_etag("pointer")[1]


def test_a_write_if_absent_is_lost_once_the_name_is_taken(store: ObjectStore) -> None:
    store.write("claim", b"first", if_absent=True)
    with pytest.raises(WriteLostError, match="already written by another run"):
        store.write("claim", b"second", if_absent=True)
    assert store.read("claim") == b"first"


def test_a_write_if_match_needs_the_version_that_was_read(store: ObjectStore) -> None:
    store.write("pointer", b"1")
    _, etag = store.read_with_etag("pointer")
    store.write("pointer", b"2", if_match=etag)
    with pytest.raises(WriteLostError):
        store.write("pointer", b"3", if_match=etag)
    with pytest.raises(WriteLostError):
        store.write("never-written", b"3", if_match=etag)
    assert store.read("pointer") == b"2"
    assert not store.exists("never-written")


def race(n_writers: int, write: Callable[[int], object]) -> list[int]:
    """Let writers start at the same moment; return those that did not lose."""
    won: list[int] = []
    failed: list[Exception] = []
    gate = threading.Barrier(n_writers)

    def run(number: int) -> None:
        gate.wait()
        try:
            write(number)
        except WriteLostError:
            return
        except Exception as error:
            failed.append(error)
            return
        won.append(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(n_writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    return won


def test_sixteen_writers_of_a_new_name_have_exactly_one_winner(store: ObjectStore) -> None:
    won = race(16, lambda n: store.write("claim", f"writer {n}".encode(), if_absent=True))
    assert len(won) == 1
    assert store.read("claim") == f"writer {won[0]}".encode()


def test_sixteen_writers_of_one_version_have_exactly_one_winner(store: ObjectStore) -> None:
    etag = store.write("pointer", b"start")
    won = race(16, lambda n: store.write("pointer", f"writer {n}".encode(), if_match=etag))
    assert len(won) == 1
    assert store.read("pointer") == f"writer {won[0]}".encode()


def test_a_reader_sees_whole_objects_only_while_they_are_replaced(store: ObjectStore) -> None:
    versions = [bytes([n]) * 300_000 for n in range(4)]
    store.write("list", versions[0])
    is_over = threading.Event()

    def replace() -> None:
        for n in range(24):
            store.write("list", versions[n % 4])
        is_over.set()

    writer = threading.Thread(target=replace)
    writer.start()
    seen = []
    while not is_over.is_set():
        seen.append(store.read("list"))
    writer.join()
    assert seen
    assert all(data in versions for data in seen)


def test_listing_shows_objects_below_a_prefix_in_key_order(store: ObjectStore) -> None:
    for key in ("d/day=2026-01-02/x", "d/day=2026-01-01/x", "e/x"):
        store.write(key, b"abc")
    assert [item.key for item in store.list_keys("d/day=")] == ["d/day=2026-01-01/x", "d/day=2026-01-02/x"]
    assert [item.size_bytes for item in store.list_keys("e/")] == [3]
    assert list(store.list_keys("nowhere/")) == []


def test_deleting_twice_is_no_error(store: ObjectStore) -> None:
    store.write("a", b"1")
    store.delete("a")
    store.delete("a")
    assert not store.exists("a")


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a/./b", "", "a\nb", "a\0b", "..", "ü"])
def test_names_from_data_cannot_escape_the_root(store: ObjectStore, key: str) -> None:
    for act in (
        store.read,
        store.exists,
        store.delete,
        lambda unsafe: store.write(unsafe, b""),
    ):
        with pytest.raises(PermanentError, match="not a safe object name"):
            act(key)


def test_a_day_of_a_lake_is_read_back_with_its_types(store: ObjectStore) -> None:
    lake = Lake(store)
    stored = lake.write_day("core_x", DAY, TABLE, row_group_rows=[2, 0, 1])
    assert lake.read_day("core_x", DAY).equals(TABLE)
    assert lake.list_days("core_x") == [DAY]
    assert lake.digest_day("core_x", DAY) == stored.sha256
    part = lake.open_day("core_x", DAY, by_range=True)
    assert part.read_row_groups([0, 2], columns=["model"]).equals(TABLE.select(["model"]))
    with pytest.raises(MissingInputError, match="prefail build"):
        lake.open_day("core_x", DAY + dt.timedelta(days=1), by_range=True)
