"""A small scored fleet, made once and copied for each test."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from pipelines.lake import Lake
from pipelines.object_store import FolderStore

from .fleet import Fleet, make_fleet
from .several_kinds import add_other_kinds, several_kinds_settings


@pytest.fixture(scope="session")
def fleet_once(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(Lake(FolderStore(tmp_path_factory.mktemp("fleet") / "lake")))


@pytest.fixture
def fleet(fleet_once: Fleet, tmp_path: Path) -> Fleet:
    """Return a fleet of the test's own: readings, model and predictions of the day, nothing published."""
    root = tmp_path / "fleet"
    shutil.copytree(fleet_once.lake.store.root, root)
    return Fleet(lake=Lake(FolderStore(root)), settings=fleet_once.settings, model_id=fleet_once.model_id)


@pytest.fixture(scope="session")
def several_once(fleet_once: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    root = tmp_path_factory.mktemp("several") / "lake"
    shutil.copytree(fleet_once.lake.store.root, root)
    fleet = dataclasses.replace(fleet_once, lake=Lake(FolderStore(root)), settings=several_kinds_settings())
    add_other_kinds(fleet.lake)
    return fleet


@pytest.fixture
def several(several_once: Fleet, tmp_path: Path) -> Fleet:
    """Return a fleet of the test's own: drives, memory modules and hosts; nothing scored with all of them."""
    root = tmp_path / "several"
    shutil.copytree(several_once.lake.store.root, root)
    return dataclasses.replace(several_once, lake=Lake(FolderStore(root)))
