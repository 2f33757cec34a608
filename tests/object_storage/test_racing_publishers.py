"""Sixteen runs that publish the same day at once: one list, whole, and everybody ends well."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from pipelines.errors import VerificationError
from pipelines.lake import Lake, open_lake
from pipelines.list_edition import Edition, compose_edition
from pipelines.list_explanation import explain_with_model
from pipelines.object_store import FolderStore, ObjectStore
from pipelines.publish import publish_day
from pipelines.published_list import (
    day_folder,
    digest,
    move_latest,
    read_day_manifest,
    read_file,
    read_latest,
    write_day_copies,
    write_edition,
)
from pipelines.score import score_day
from pipelines.verify import verify_list
from tests.object_storage.seaweed_server import SeaweedServer
from tests.object_storage.small_fleet import DAYS, fill_day, write_settings
from tests.object_storage.test_store_contract import race

DAY = DAYS[3]


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Edition, ...]:
    """Return two editions of one day, of runs with other settings, and one of the day before."""
    folder = tmp_path_factory.mktemp("fleet")
    settings = write_settings(folder)
    lake = Lake(FolderStore(folder / "lake"))
    for day in DAYS[:4]:
        fill_day(day, settings, lake)
    for day in DAYS[2:4]:
        score_day(day, settings, lake)
    longer = settings.model_copy(update={"list": settings.list.model_copy(update={"length": 30})})
    return (
        compose_edition(DAY, settings, lake, explain_with_model),
        compose_edition(DAY, longer, lake, explain_with_model),
        compose_edition(DAY - dt.timedelta(days=1), settings, lake, explain_with_model),
    )


def publish(edition: Edition, lake: Lake) -> bool:
    write_edition(edition.manifest, edition.files, lake)
    write_day_copies(edition.manifest, edition.files, lake)
    return move_latest(edition.manifest, lake)


def test_sixteen_publishers_leave_one_edition_without_mixture(
    store: ObjectStore, editions: tuple[Edition, ...]
) -> None:
    lake = Lake(store)
    is_latest: dict[int, bool] = {}

    def run(number: int) -> None:
        is_latest[number] = publish(editions[number % 3], lake)

    assert len(race(16, run)) == 16
    latest = read_latest(lake)
    assert latest in (editions[0].manifest, editions[1].manifest)
    for file in latest.files:
        read_file(latest, file.name, lake)
    # Somebody's edition of the newer day won; those of the older day were told, unless they were first.
    assert any(is_latest[number] for number in is_latest if number % 3 != 2)
    for edition in (editions[0], editions[2]):
        day = edition.manifest.day
        current = read_day_manifest(day, lake)
        for name in ("list.csv", "report.html"):
            assert digest(store.read(day_folder(day) + name)) == current.file(name).sha256


@pytest.mark.service
def test_a_list_on_s3_is_verified_offline_and_tampering_is_named(
    seaweed: SeaweedServer, s3_root: str, tmp_path: Path
) -> None:
    settings = write_settings(tmp_path)
    lake = open_lake(s3_root, seaweed.settings())
    for day in DAYS[:4]:
        fill_day(day, settings, lake)
    score_day(DAY, settings, lake)
    publish_day(DAY, settings, lake)
    report = verify_list(DAY, settings, lake)
    assert report.n_inputs > 4
    key = f"core_drive_days/day={DAYS[1]}/part-00.parquet"
    original = lake.store.read(key)
    lake.store.write(key, lake.store.read(f"core_drive_days/day={DAYS[0]}/part-00.parquet"))
    with pytest.raises(VerificationError, match=str(DAYS[1])):
        verify_list(DAY, settings, lake)
    lake.store.write(key, original)
    assert dataclasses.asdict(verify_list(DAY, settings, lake)) == dataclasses.asdict(report)
