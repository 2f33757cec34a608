"""What latest.json names is whole, unchanged, and never older than what it named before."""

import datetime as dt
from pathlib import Path

import pytest

from pipelines.errors import MissingInputError, PermanentError, WriteLostError
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.published_list import (
    CSV_FILE,
    LATEST_KEY,
    LIST_FILE,
    REPORT_FILE,
    InputPartition,
    Manifest,
    PublishedFile,
    digest,
    move_latest,
    read_day_manifest,
    read_file,
    read_latest,
    write_day_copies,
    write_edition,
)
from pipelines.store_views import RecordingStore, ScratchStore

DAY = dt.date(2026, 2, 1)
FILES = {LIST_FILE: b"parquet", CSV_FILE: b"csv", REPORT_FILE: b"html"}


def manifest(day: dt.date = DAY, files: dict[str, bytes] = FILES) -> Manifest:
    return Manifest(
        day=day,
        environment="test",
        list_length=20,
        minimum_risk=0.02,
        code_version="0.1.0+0",
        settings_sha256="0",
        models=(),
        contracts=(),
        inputs=(),
        predictions=InputPartition(key="out_predictions/x", sha256="0"),
        files=tuple(
            PublishedFile(name=name, sha256=digest(data), size_bytes=len(data))
            for name, data in files.items()
        ),
        n_scored=1,
        n_abstained=0,
        n_listed=1,
    )


def publish(lake: Lake, day: dt.date = DAY, files: dict[str, bytes] = FILES) -> bool:
    write_edition(manifest(day, files), files, lake)
    write_day_copies(manifest(day, files), files, lake)
    return move_latest(manifest(day, files), lake)


def test_latest_names_the_newest_day_and_an_older_one_never_moves_it_back(lake: Lake) -> None:
    assert publish(lake, DAY)
    assert not publish(lake, DAY - dt.timedelta(days=1))
    latest = read_latest(lake)
    assert latest is not None
    assert latest.day == DAY
    assert read_day_manifest(DAY - dt.timedelta(days=1), lake).day == DAY - dt.timedelta(days=1)
    assert publish(lake, DAY + dt.timedelta(days=1))


def test_a_day_published_again_with_other_content_becomes_latest_and_keeps_the_old_edition(
    lake: Lake,
) -> None:
    publish(lake)
    before = read_latest(lake)
    assert publish(lake, files={**FILES, CSV_FILE: b"other"})
    after = read_latest(lake)
    assert before is not None
    assert after is not None
    assert read_file(before, CSV_FILE, lake) == b"csv"
    assert read_file(after, CSV_FILE, lake) == b"other"


def test_publishing_the_same_again_does_not_write_the_pointer(lake: Lake, tmp_path: Path) -> None:
    publish(lake)
    before = (tmp_path / "lake" / LATEST_KEY).stat().st_mtime_ns
    assert publish(lake)
    assert (tmp_path / "lake" / LATEST_KEY).stat().st_mtime_ns == before


def test_a_pointer_that_another_run_moved_is_compared_again_not_overwritten(lake: Lake) -> None:
    later = DAY + dt.timedelta(days=5)
    publish(lake, DAY - dt.timedelta(days=9))

    class LaterWins(FolderStore):
        raced = False

        def write(
            self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None
        ) -> str:
            if key == LATEST_KEY and not self.raced:
                self.raced = True
                publish(lake, later)
            return super().write(key, data, if_absent=if_absent, if_match=if_match)

    assert not publish(Lake(LaterWins(lake.store.root)))
    latest = read_latest(lake)
    assert latest is not None
    assert latest.day == later


def test_a_pointer_that_is_fought_over_is_lost_with_the_next_command(lake: Lake) -> None:
    before = DAY - dt.timedelta(days=9)
    publish(lake, before)

    class NeverStill(FolderStore):
        n_races = 0

        def write(
            self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None
        ) -> str:
            if key == LATEST_KEY:
                self.n_races += 1
                publish(lake, before, {**FILES, CSV_FILE: b"%d" % self.n_races})
            return super().write(key, data, if_absent=if_absent, if_match=if_match)

    contested = Lake(NeverStill(lake.store.root))
    with pytest.raises(WriteLostError, match="prefail publish --day 2026-02-01"):
        publish(contested)


def test_nothing_published_is_no_latest_and_a_missing_day_says_what_to_run(lake: Lake) -> None:
    assert read_latest(lake) is None
    with pytest.raises(MissingInputError, match="prefail publish --day 2026-02-01"):
        read_day_manifest(DAY, lake)


def test_a_file_that_was_changed_after_publication_is_refused(lake: Lake) -> None:
    publish(lake)
    lake.store.write(manifest().folder + CSV_FILE, b"forged")
    with pytest.raises(PermanentError, match="was changed after it was published"):
        read_file(manifest(), CSV_FILE, lake)


def test_a_manifest_that_was_changed_is_refused_by_the_pointer(lake: Lake) -> None:
    publish(lake)
    forged = manifest().model_copy(update={"n_listed": 7})
    lake.store.write(manifest().folder + "manifest.json", forged.to_json())
    with pytest.raises(PermanentError, match="was changed after it was published"):
        read_latest(lake)


def test_a_pointer_that_is_no_pointer_is_refused_and_stays(lake: Lake) -> None:
    lake.store.write(LATEST_KEY, b"{}")
    with pytest.raises(PermanentError, match="is not a pointer"):
        publish(lake)
    assert lake.store.read(LATEST_KEY) == b"{}"


def test_the_manifest_is_the_same_bytes_after_reading() -> None:
    assert Manifest.model_validate_json(manifest().to_json()).to_json() == manifest().to_json()


def test_a_recording_store_knows_what_was_read_and_what_was_not_there(lake: Lake) -> None:
    lake.store.write("a", b"1")
    recording = RecordingStore(lake.store)
    recording.read("a")
    assert not recording.exists("b")
    with pytest.raises(MissingInputError):
        recording.read("c")
    assert recording.digests == {"a": digest(b"1"), "b": None, "c": None}


def test_a_scratch_store_reads_through_and_never_writes_through(lake: Lake) -> None:
    lake.store.write("a", b"1")
    lake.store.write("b", b"2")
    scratch = ScratchStore(lake.store)
    scratch.write("a", b"other")
    scratch.delete("b")
    scratch.write("c", b"3", if_absent=True)
    assert (scratch.read("a"), scratch.exists("b"), scratch.read("c")) == (b"other", False, b"3")
    assert [item.key for item in scratch.list_keys("")] == ["a", "c"]
    assert [item.key for item in lake.store.list_keys("")] == ["a", "b"]
    assert lake.store.read("a") == b"1"


def test_a_scratch_store_holds_conditions_as_a_real_one_does(lake: Lake) -> None:
    lake.store.write("a", b"1")
    scratch = ScratchStore(lake.store)
    with pytest.raises(WriteLostError):
        scratch.write("a", b"2", if_absent=True)
    with pytest.raises(WriteLostError):
        scratch.write("a", b"2", if_match="another version")
    with pytest.raises(MissingInputError):
        ScratchStore(lake.store).read("nothing")
    scratch.write("a", b"2", if_match=scratch.read_with_etag("a")[1])
    assert scratch.read("a") == b"2"


def test_a_manifest_of_a_release_that_knew_no_outages_is_still_itself(lake: Lake) -> None:
    before = manifest().to_json()
    assert b"outages" not in before
    assert Manifest.model_validate_json(before).to_json() == before
    publish(lake)
    assert read_latest(lake) == manifest()


def test_outages_are_part_of_what_a_manifest_says() -> None:
    told = manifest().model_copy(update={"outages": ("source ipmi delivered nothing",)})
    assert Manifest.model_validate_json(told.to_json()) == told
    assert told.edition != manifest().edition
