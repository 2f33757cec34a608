"""What a lake needs of its storage: whole objects, conditional writes, listings.

A key is a relative POSIX path. An object is written whole or not at all; readers never see a part.
Two implementations: a folder (here) and S3 (``pipelines.s3``).
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipelines.errors import MissingInputError, PermanentError, StorageError, StorageFullError, WriteLostError

# Names from data (hosts, serials, source names) reach keys; nothing that could climb out may pass.
_SAFE_KEY = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.=@+-][A-Za-z0-9_.=@+/-]{0,900}")


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """One stored object. ``etag`` is an opaque version for conditional writes."""

    key: str
    size_bytes: int
    etag: str


class ObjectStore(Protocol):
    """The door to storage. Every method raises ``StorageError`` where trying again may help."""

    root: str

    def read(self, key: str) -> bytes:
        """Return the object; ``MissingInputError`` if there is none."""
        ...

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        """Return the object and the version to name in a later conditional write."""
        ...

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Replace the object atomically and return its etag; ``WriteLostError`` if the condition fails."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        ...

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        ...

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield objects whose key starts with ``prefix``, in key order."""
        ...

    def uri(self, key: str) -> str:
        """Return the address a person or another program would use."""
        ...


def check_key(key: str) -> str:
    """Return ``key`` if it stays inside the root; names from data can't escape it."""
    if not _SAFE_KEY.fullmatch(key):
        raise PermanentError(f"{key!r} is not a safe object name; nothing was read or written.", key=key)
    return key


class FolderStore:
    """Objects as files below one folder: temporary file, fsync, rename."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).absolute()
        self.root = str(self._root)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as missing:
            raise MissingInputError(f"{self.uri(key)} does not exist.", key=key) from missing
        except OSError as error:
            raise StorageError(f"{self.uri(key)} could not be read: {error.strerror}.", key=key) from error

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        data = self.read(key)
        return data, _etag(data)

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._temporary(target, data) as temporary:
                if if_absent:
                    # A hard link fails if the name is taken: the file system decides the race.
                    os.link(temporary, target)
                elif if_match is not None:
                    self._replace_if_match(temporary, target, if_match)
                else:
                    temporary.replace(target)
        except FileExistsError as taken:
            raise WriteLostError(f"{self.uri(key)} was already written by another run.", key=key) from taken
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError(
                    f"No space left to write {self.uri(key)} ({len(data):,} bytes). "
                    "What was there before is unchanged. Free space, then run the same command again.",
                    key=key,
                    size_bytes=len(data),
                ) from error
            raise StorageError(f"{self.uri(key)} could not be written: {error.strerror}.", key=key) from error
        return _etag(data)

    @contextlib.contextmanager
    def _temporary(self, target: Path, data: bytes) -> Iterator[Path]:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as sink:
                sink.write(data)
                sink.flush()
                os.fsync(sink.fileno())
            # mkstemp makes files private; a lake is shared by group and readers, as umask says.
            Path(name).chmod(0o666 & ~_umask())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _replace_if_match(self, temporary: Path, target: Path, etag: str) -> None:
        with (target.parent / f".lock-{target.name}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists() or _etag(target.read_bytes()) != etag:
                raise WriteLostError(f"{target} was changed by another run.", key=str(target))
            temporary.replace(target)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        folder = self._root / prefix.rpartition("/")[0]
        found = []
        for directory, _, names in os.walk(folder):
            for name in names:
                # Hidden names are half-written files of a killed run, or locks.
                if name.startswith((".tmp-", ".lock-")):
                    continue
                path = Path(directory) / name
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix):
                    found.append((key, path))
        for key, path in sorted(found):
            state = path.stat()
            yield ObjectInfo(key=key, size_bytes=state.st_size, etag=f"{state.st_mtime_ns}-{state.st_size}")

    def uri(self, key: str) -> str:
        return str(self._root / key)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
