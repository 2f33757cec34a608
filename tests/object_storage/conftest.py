"""One real S3 server for all tests here; each test has a prefix of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.object_store import FolderStore, ObjectStore
from pipelines.s3.store import S3Store
from tests.object_storage.fault_proxy import FaultProxy
from tests.object_storage.seaweed_server import SeaweedServer

BUCKET = "fleet"


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    server = SeaweedServer(folder=tmp_path_factory.mktemp("seaweed"))
    server.start()
    try:
        for bucket in (BUCKET, "lists", "other"):
            server.create_bucket(bucket)
        yield server
    finally:
        server.kill()


@pytest.fixture
def s3_root() -> str:
    """Return the address of an empty prefix."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def s3_store(seaweed: SeaweedServer, s3_root: str) -> S3Store:
    return S3Store.open(s3_root, seaweed.settings())


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.service)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Return an empty store of each kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "lake")
    store: ObjectStore = request.getfixturevalue("s3_store")
    return store


@pytest.fixture
def fault_proxy(seaweed: SeaweedServer) -> Iterator[FaultProxy]:
    """Return a proxy before the server that breaks nothing yet."""
    proxy = FaultProxy(server=seaweed)
    proxy.start()
    yield proxy
    proxy.stop()
