"""Whatever write a run is killed before: run again, there is one list and one ticket a component."""

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import pytest

from pipelines.errors import StorageError
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.published_list import read_file, read_latest
from pipelines.settings import Settings, load_settings
from pipelines.tickets.trackers import open_tracker
from tests.steps.small_morning import FIRST_DAY, MORNING, run_steps, write_settings


class KilledError(BaseException):
    """The machine stops: nothing in the product may catch it."""


class FailingStore(FolderStore):
    """A folder store that stops the machine instead of its nth write."""

    def __init__(self, root: str, writes_left: int) -> None:
        super().__init__(root)
        self.writes_left = writes_left

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        if self.writes_left == 0:
            raise KilledError
        self.writes_left -= 1
        return super().write(key, data, if_absent=if_absent, if_match=if_match)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with history, and yesterday's list and tickets."""
    folder = tmp_path_factory.mktemp("prepared")
    settings = write_settings(folder)
    lake = Lake(FolderStore(folder / "lake"))
    for day in range((MORNING - FIRST_DAY).days - 1):
        run_steps(settings, lake, FIRST_DAY.fromordinal(FIRST_DAY.toordinal() + day), until="build")
    run_steps(settings, lake, FIRST_DAY.fromordinal(MORNING.toordinal() - 1))
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "lake").rglob("*"))
        if path.is_file() and not path.name.startswith(".lock-")
    }


def open_keys(settings: Settings) -> Counter[str]:
    return Counter(ticket.key for ticket in open_tracker(settings).list_open(settings.environment))


def copy_of(prepared: Path, place: Path) -> tuple[Settings, str]:
    shutil.copytree(prepared, place)
    return load_settings(place / "prefail.toml", {}), str(place / "lake")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_morning_killed_before_any_write_ends_the_same_when_run_again(
    prepared: Path, tmp_path: Path
) -> None:
    settings, root = copy_of(prepared, tmp_path / "undisturbed")
    counting = FailingStore(root, writes_left=10_000)
    run_steps(settings, Lake(counting), MORNING)
    n_writes = 10_000 - counting.writes_left
    wanted, wanted_tickets = digests(tmp_path / "undisturbed"), open_keys(settings)
    assert n_writes > 10
    assert wanted_tickets
    assert set(wanted_tickets.values()) == {1}

    for kill_at in range(n_writes):
        place = tmp_path / "killed"
        settings, root = copy_of(prepared, place)
        yesterday = read_latest(Lake(FolderStore(root)))
        with pytest.raises(KilledError):
            run_steps(settings, Lake(FailingStore(root, writes_left=kill_at)), MORNING)

        # A reader in between sees a whole list: yesterday's or, after the last write, today's.
        seen = read_latest(Lake(FolderStore(root)))
        assert seen is not None
        assert yesterday is not None
        assert seen.day in (yesterday.day, MORNING)
        assert read_file(seen, "list.csv", Lake(FolderStore(root)))

        run_steps(settings, Lake(FolderStore(root)), MORNING)
        assert digests(place) == wanted, f"killed before write {kill_at}"
        assert open_keys(settings) == wanted_tickets, f"killed before write {kill_at}"
        shutil.rmtree(place)


@pytest.mark.slow
def test_a_morning_run_twice_equals_once(prepared: Path, tmp_path: Path) -> None:
    settings, root = copy_of(prepared, tmp_path / "twice")
    run_steps(settings, Lake(FolderStore(root)), MORNING)
    once, tickets = digests(tmp_path / "twice"), open_keys(settings)
    run_steps(settings, Lake(FolderStore(root)), MORNING)
    assert digests(tmp_path / "twice") == once
    assert open_keys(settings) == tickets


@pytest.mark.slow
def test_a_full_disk_is_worth_another_try_and_leaves_the_published_list(
    prepared: Path, tmp_path: Path
) -> None:
    settings, root = copy_of(prepared, tmp_path / "full")

    class FullStore(FolderStore):
        def write(
            self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None
        ) -> str:
            raise StorageError("No space left.", key=key)

    before = digests(tmp_path / "full")
    with pytest.raises(StorageError):
        run_steps(settings, Lake(FullStore(root)), MORNING)
    assert digests(tmp_path / "full") == before
