"""The readers' bucket: filled by a role that may write nothing else, whole at any moment, with a page of past lists."""

import datetime as dt
import urllib.request
import uuid
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake, open_lake
from pipelines.object_store import FolderStore, ObjectStore
from pipelines.publication import INDEX_KEY, link_to_report, open_publication, render_index, write_index
from pipelines.publish import publish_day
from pipelines.published_list import LATEST_KEY, REPORT_FILE, day_folder, read_file, read_latest
from pipelines.score import score_day
from pipelines.settings import Settings
from tests.object_storage.seaweed_server import PUBLISHER, READ_ONLY, SeaweedServer
from tests.object_storage.small_fleet import DAYS, fill_day, write_settings
from tests.object_storage.test_store_contract import race

MORNINGS = DAYS[2:4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a settings folder whose lake has two scored days."""
    folder = tmp_path_factory.mktemp("fleet")
    settings = write_settings(folder)
    lake = Lake(FolderStore(folder / "lake"))
    for day in DAYS[:4]:
        fill_day(day, settings, lake)
    for day in MORNINGS:
        score_day(day, settings, lake)
    return folder


@pytest.fixture
def lake(folder: Path) -> Lake:
    return Lake(FolderStore(folder / "lake"))


def with_bucket(folder: Path, seaweed: SeaweedServer, identity: tuple[str, str] = PUBLISHER) -> Settings:
    root = f"s3://lists/{uuid.uuid4().hex}"
    publish = seaweed.settings(identity, root=root)
    return write_settings(folder).model_copy(update={"publish": publish})


@pytest.mark.service
def test_readers_get_the_edition_that_the_lake_holds(
    folder: Path, lake: Lake, seaweed: SeaweedServer
) -> None:
    settings = with_bucket(folder, seaweed)
    for day in MORNINGS:
        publish_day(day, settings, lake)
    assert settings.publish is not None
    readers = open_lake(settings.publish.root, seaweed.settings(READ_ONLY))
    manifest = read_latest(readers)
    assert manifest is not None
    assert manifest == read_latest(lake)
    assert manifest.day == MORNINGS[1]
    assert read_file(manifest, REPORT_FILE, readers) == read_file(manifest, REPORT_FILE, lake)
    # Nothing of the lake itself is there.
    assert {item.key.split("/")[0] for item in readers.store.list_keys("")} == {"published"}
    page = readers.store.read(INDEX_KEY).decode()
    assert [page.count(f'href="day={day}/report.html"') for day in MORNINGS] == [1, 1]


@pytest.mark.service
def test_publishing_again_changes_nothing_for_readers(
    folder: Path, lake: Lake, seaweed: SeaweedServer
) -> None:
    settings = with_bucket(folder, seaweed)
    contents = []
    for _ in range(2):
        publish_day(MORNINGS[0], settings, lake)
        readers = open_publication(settings)
        assert readers is not None
        contents.append({item.key: readers.store.read(item.key) for item in readers.store.list_keys("")})
    assert contents[0] == contents[1]


@pytest.mark.service
def test_a_publication_that_is_refused_says_so_and_moves_no_pointer(
    folder: Path, lake: Lake, seaweed: SeaweedServer
) -> None:
    publish_day(MORNINGS[0], write_settings(folder), lake)
    lake.store.delete(LATEST_KEY)
    settings = with_bucket(folder, seaweed, READ_ONLY)
    with pytest.raises(PermanentError, match="AccessDenied"):
        publish_day(MORNINGS[1], settings, lake)
    assert read_latest(lake) is None
    readers = open_publication(settings)
    assert readers is not None
    assert read_latest(readers) is None


@pytest.mark.service
def test_a_link_to_the_report_opens_without_an_account(
    folder: Path, lake: Lake, seaweed: SeaweedServer
) -> None:
    settings = with_bucket(folder, seaweed)
    publish_day(MORNINGS[0], settings, lake)
    with urllib.request.urlopen(link_to_report(MORNINGS[0], 60, settings, lake)) as answer:
        assert answer.read() == lake.store.read(day_folder(MORNINGS[0]) + REPORT_FILE)
    with pytest.raises(MissingInputError, match="No report of 2026-01-01"):
        link_to_report(DAYS[0], 60, settings, lake)


def test_on_a_folder_the_link_is_the_path(
    folder: Path, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_day(MORNINGS[0], write_settings(folder), lake)
    assert main(["--config", str(folder / "prefail.toml"), "lake", "link", str(MORNINGS[0])]) == 0
    assert Path(capsys.readouterr().out.strip()).read_bytes().startswith(b"<!")


def test_runs_that_publish_at_once_are_all_on_the_page(store: ObjectStore) -> None:
    lake = Lake(store)
    days = [dt.date(2026, 2, 1) + dt.timedelta(days=n) for n in range(4)]

    def publish(number: int) -> None:
        store.write(f"{day_folder(days[number])}manifest.json", b"{}")
        write_index(lake, "test")

    assert len(race(4, publish)) == 4
    page = store.read(INDEX_KEY).decode()
    assert all(f"day={day}/report.html" in page for day in days)


def test_the_page_lists_the_newest_first_and_takes_no_markup_from_names() -> None:
    page = render_index([dt.date(2026, 1, 1), dt.date(2026, 1, 2)], "<script>")
    assert page.index("2026-01-02") < page.index("2026-01-01")
    assert "<script>" not in page
