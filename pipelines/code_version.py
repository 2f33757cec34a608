"""Which code made a model: the release, and a digest of the sources that were in use."""

import functools
import hashlib
from importlib import metadata, resources

DISTRIBUTION = "prefail"
_PACKAGES = ("data_contracts", "features", "pipelines")
_SOURCE_ENDINGS = (".py", ".yaml", ".j2", ".css")


@functools.cache
def code_version() -> str:
    """Return ``<release>+<first 12 hex of the SHA-256 over all sources>``; the same for a wheel and a checkout."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for name, data in sorted(_read_sources(resources.files(package), package)):
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
    try:
        release = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        release = "unreleased"
    return f"{release}+{digest.hexdigest()[:12]}"


def _read_sources(folder: "resources.abc.Traversable", prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for item in folder.iterdir():
        name = f"{prefix}/{item.name}"
        if item.is_dir():
            found += _read_sources(item, name)
        elif item.name.endswith(_SOURCE_ENDINGS):
            found.append((name, item.read_bytes()))
    return found
