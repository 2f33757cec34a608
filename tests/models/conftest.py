"""Fleets that several tests read: written once, copied where a test writes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_fleet import make_target, write_fleet

from features.target import Target
from pipelines.lake import Lake
from pipelines.object_store import FolderStore


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


@pytest.fixture
def small_target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """Let training and backtest know the small fleet's target by name."""
    target = make_target()
    monkeypatch.setattr("pipelines.train.load_target", lambda _name: target)
    monkeypatch.setattr("pipelines.backtest.load_target", lambda _name: target)
    yield target
