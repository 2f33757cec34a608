"""The folder store: whole objects, conditional writes, and nothing outside its root."""

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import MissingInputError, PermanentError, StorageFullError, WriteLostError
from pipelines.object_store import FolderStore, check_key


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lake")


def test_what_was_written_is_read_back(store: FolderStore) -> None:
    store.write("a/b.txt", b"one")
    assert store.read("a/b.txt") == b"one"
    store.write("a/b.txt", b"two")
    assert store.read("a/b.txt") == b"two"


def test_a_missing_object_is_named(store: FolderStore) -> None:
    with pytest.raises(MissingInputError, match=r"a/b\.txt does not exist"):
        store.read("a/b.txt")
    assert not store.exists("a/b.txt")


def test_a_write_if_absent_is_lost_once_the_name_is_taken(store: FolderStore) -> None:
    store.write("claim", b"first", if_absent=True)
    with pytest.raises(WriteLostError):
        store.write("claim", b"second", if_absent=True)
    assert store.read("claim") == b"first"


def test_a_write_if_match_needs_the_version_that_was_read(store: FolderStore) -> None:
    store.write("pointer", b"1")
    _, etag = store.read_with_etag("pointer")
    store.write("pointer", b"2", if_match=etag)
    with pytest.raises(WriteLostError):
        store.write("pointer", b"3", if_match=etag)
    with pytest.raises(WriteLostError):
        store.write("never-written", b"3", if_match=etag)
    assert store.read("pointer") == b"2"


@pytest.mark.parametrize("condition", ["if_absent", "if_match"])
def test_sixteen_writers_have_exactly_one_winner(store: FolderStore, condition: str) -> None:
    store.write("pointer", b"start")
    _, etag = store.read_with_etag("pointer")
    won: list[int] = []
    gate = threading.Barrier(16)

    def write(number: int) -> None:
        gate.wait()
        try:
            if condition == "if_absent":
                store.write("claim", str(number).encode(), if_absent=True)
            else:
                store.write("pointer", str(number).encode(), if_match=etag)
        except WriteLostError:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("claim" if condition == "if_absent" else "pointer") == str(won[0]).encode()


def test_listing_shows_objects_in_key_order_and_no_half_written_files(
    store: FolderStore, tmp_path: Path
) -> None:
    for key in ("d/day=2026-01-02/x", "d/day=2026-01-01/x", "e/x"):
        store.write(key, b"abc")
    (tmp_path / "lake/d/day=2026-01-01/.tmp-killed").write_bytes(b"half")
    assert [item.key for item in store.list_keys("d/day=")] == ["d/day=2026-01-01/x", "d/day=2026-01-02/x"]
    assert [item.size_bytes for item in store.list_keys("e/")] == [3]
    assert list(store.list_keys("nowhere/")) == []


def test_a_full_disk_leaves_the_old_object_and_no_rest(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("list", b"old")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFullError, match="What was there before is unchanged"):
        store.write("list", b"new" * 1000)
    assert store.read("list") == b"old"
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["list"]


@pytest.mark.parametrize(
    "key", ["../x", "a/../../x", "/etc/passwd", "a/./b", "", "a\nb", "a\0b", "..", "a/..", "tab\t", "ü"]
)
def test_names_from_data_cannot_escape_the_root(store: FolderStore, key: str) -> None:
    with pytest.raises(PermanentError, match="not a safe object name"):
        store.write(key, b"")


@given(st.text(max_size=40))
def test_any_accepted_key_stays_inside(key: str) -> None:
    try:
        accepted = check_key(key)
    except PermanentError:
        return
    assert os.path.normpath(f"/root/{accepted}").startswith("/root/")
