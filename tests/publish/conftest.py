"""A small scored fleet, made once and copied for each test."""

import shutil
from pathlib import Path

import pytest

from pipelines.lake import Lake
from pipelines.object_store import FolderStore

from .fleet import Fleet, make_fleet


@pytest.fixture(scope="session")
def fleet_once(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(Lake(FolderStore(tmp_path_factory.mktemp("fleet") / "lake")))


@pytest.fixture
def fleet(fleet_once: Fleet, tmp_path: Path) -> Fleet:
    """Return a fleet of the test's own: readings, model and predictions of the day, nothing published."""
    root = tmp_path / "fleet"
    shutil.copytree(fleet_once.lake.store.root, root)
    return Fleet(lake=Lake(FolderStore(root)), settings=fleet_once.settings, model_id=fleet_once.model_id)
