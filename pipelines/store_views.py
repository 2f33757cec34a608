"""Two views of an object store: one that remembers what was read, one whose writes stay in memory.

The first tells a manifest what a list was made of, without a second account of it that could be
wrong. The second lets ``prefail verify`` run the very steps that publish, and change nothing.
"""

import hashlib
from collections.abc import Iterator

from pipelines.errors import MissingInputError, WriteLostError
from pipelines.object_store import ObjectInfo, ObjectStore


class RecordingStore:
    """A store that keeps the SHA-256 of every object read, and that others were looked for in vain."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.root = store.root
        self.digests: dict[str, str | None] = {}

    def read(self, key: str) -> bytes:
        return self.read_with_etag(key)[0]

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        try:
            data, etag = self._store.read_with_etag(key)
        except MissingInputError:
            self.digests.setdefault(key, None)
            raise
        self.digests[key] = hashlib.sha256(data).hexdigest()
        return data, etag

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        return self._store.write(key, data, if_absent=if_absent, if_match=if_match)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def exists(self, key: str) -> bool:
        is_there = self._store.exists(key)
        if not is_there:
            self.digests.setdefault(key, None)
        return is_there

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._store.list_keys(prefix)

    def uri(self, key: str) -> str:
        return self._store.uri(key)


class ScratchStore:
    """A store over another: reads fall through to it, writes and deletions stay in memory."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._own: dict[str, bytes | None] = {}
        self.root = store.root

    def read(self, key: str) -> bytes:
        return self.read_with_etag(key)[0]

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        if key not in self._own:
            return self._store.read_with_etag(key)
        data = self._own[key]
        if data is None:
            raise MissingInputError(f"{self.uri(key)} does not exist.", key=key)
        return data, hashlib.sha256(data).hexdigest()

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        if if_absent and self.exists(key):
            raise WriteLostError(f"{self.uri(key)} is already there.", key=key)
        if if_match is not None and (not self.exists(key) or self.read_with_etag(key)[1] != if_match):
            raise WriteLostError(f"{self.uri(key)} was changed.", key=key)
        self._own[key] = bytes(data)
        return hashlib.sha256(data).hexdigest()

    def delete(self, key: str) -> None:
        self._own[key] = None

    def exists(self, key: str) -> bool:
        return self._own[key] is not None if key in self._own else self._store.exists(key)

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        found = {item.key: item for item in self._store.list_keys(prefix) if item.key not in self._own}
        for key, data in self._own.items():
            if data is not None and key.startswith(prefix):
                etag = hashlib.sha256(data).hexdigest()
                found[key] = ObjectInfo(key=key, size_bytes=len(data), etag=etag)
        yield from (found[key] for key in sorted(found))

    def uri(self, key: str) -> str:
        return self._store.uri(key)
