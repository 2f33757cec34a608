"""Objects in memory: a lake without a disk, for tests that write thousands of days."""

import hashlib
from collections.abc import Iterator

from pipelines.errors import MissingInputError, WriteLostError
from pipelines.object_store import ObjectInfo, check_key


class MemoryStore:
    """Does what ``ObjectStore`` says."""

    root = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def read(self, key: str) -> bytes:
        return self.read_with_etag(key)[0]

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        if key not in self.objects:
            raise MissingInputError(f"{key} does not exist.", key=key)
        return self.objects[key], _etag(self.objects[key])

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        current = self.objects.get(check_key(key))
        if if_absent and current is not None:
            raise WriteLostError(f"{key} is taken.", key=key)
        if if_match is not None and (current is None or _etag(current) != if_match):
            raise WriteLostError(f"{key} was changed.", key=key)
        self.objects[key] = data
        return _etag(data)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in self.objects

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                data = self.objects[key]
                yield ObjectInfo(key=key, size_bytes=len(data), etag=_etag(data))

    def uri(self, key: str) -> str:
        return f"memory/{key}"


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
