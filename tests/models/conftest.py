"""Fleets that several tests read: written once, copied where a test writes."""

import shutil
from pathlib import Path

import pytest
from model_fleet import AS_OF, TARGET_NAME, make_settings, make_target, write_fleet

from features.target import Target
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.train import train_target


@pytest.fixture(scope="session")
def fleet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    write_fleet(Lake(FolderStore(folder)))
    return folder


@pytest.fixture(scope="session")
def fleet_lake(fleet_folder: Path) -> Lake:
    """Return the honest small fleet, to be read only."""
    return Lake(FolderStore(fleet_folder))


@pytest.fixture
def own_fleet_lake(fleet_folder: Path, tmp_path: Path) -> Lake:
    """Return a copy of the honest small fleet that a test may write to."""
    shutil.copytree(fleet_folder, tmp_path / "own")
    return Lake(FolderStore(tmp_path / "own"))


@pytest.fixture(scope="session")
def trained_folder(fleet_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "lake"
    shutil.copytree(fleet_folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.train.find_target", lambda _name: make_target())
        train_target(TARGET_NAME, AS_OF, make_settings(), Lake(FolderStore(folder)), who="a test")
    return folder


@pytest.fixture
def trained_lake(trained_folder: Path, tmp_path: Path) -> Lake:
    """Return a copy of the small fleet with a first champion, trained as of ``AS_OF``."""
    shutil.copytree(trained_folder, tmp_path / "trained")
    return Lake(FolderStore(tmp_path / "trained"))


@pytest.fixture
def small_target(monkeypatch: pytest.MonkeyPatch) -> Target:
    """Let training and backtest know the small fleet's target by name."""
    target = make_target()
    monkeypatch.setattr("pipelines.train.find_target", lambda _name: target)
    monkeypatch.setattr("pipelines.backtest.find_target", lambda _name: target)
    return target
