"""Find CSV files below a folder, plain, gzip'd or inside zip archives, and read one whole, within bounds.

Nothing is ever extracted to disk, so names inside an archive can't reach a path.
"""

import contextlib
import fnmatch
import functools
import gzip
import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from pipelines.errors import SourceError, TransientError
from pipelines.sources.source import InputFile

# The largest published day (2025, 330,000 drives, 198 columns) is about 150 MB.
MAX_FILE_BYTES = 1 << 30
# Published days compress 8 to 12 times, a bomb about 1,000 times. Small files may be all alike.
MAX_RATIO = 200
RATIO_COUNTS_FROM_BYTES = 32 << 20
_CHUNK_BYTES = 1 << 20
_ENCRYPTED = 0x1
# zipfile raises the last three for archives whose tables contradict each other.
_DAMAGED = (
    *(EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error),
    *(struct.error, KeyError, ValueError),
)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """One CSV file: a path, or a member of the zip archive at that path."""

    path: Path
    member: str | None
    name: str

    @property
    def stem(self) -> str:
        """The file's own name without folders, ``.csv`` and ``.gz``."""
        last = (self.member or self.path.name).rsplit("/", 1)[-1]
        return last.removesuffix(".gz").removesuffix(".csv")


@dataclass(frozen=True, kw_only=True)
class FoundFiles:
    """All CSV files below a folder, sorted by name, and the archives that could not be opened."""

    files: tuple[CsvFile, ...]
    unreadable: tuple[SourceError, ...]


def find_csv_files(root: Path, pattern: str) -> FoundFiles:
    """Return the CSV files at ``root`` (a file or a folder, searched to the bottom).

    ``pattern`` is a glob for the name of the file on disk. Mac resource forks in archives
    (``__MACOSX/``, ``._name``) and hidden files are not data.
    """
    if not root.exists():
        raise SourceError(
            f"{root} does not exist. Nothing was read. Correct the source's path.", path=str(root)
        )
    files: list[CsvFile] = []
    unreadable: list[SourceError] = []
    with _named_errors(root.name):
        paths = list(_walk(root))
    for path in paths:
        name = path.relative_to(root).as_posix() if path != root else path.name
        if not fnmatch.fnmatchcase(path.name, pattern):
            continue
        if path.name.endswith((".csv", ".csv.gz")):
            files.append(CsvFile(path=path, member=None, name=name))
        elif path.name.endswith(".zip"):
            try:
                members = _members_of(path)
            except SourceError as error:
                unreadable.append(error)
                continue
            files += [CsvFile(path=path, member=member, name=f"{name}!/{member}") for member in members]
    return FoundFiles(files=tuple(sorted(files, key=lambda file: file.name)), unreadable=tuple(unreadable))


def read_csv_file(file: CsvFile) -> tuple[bytes, InputFile]:
    """Return the file's bytes, uncompressed, and what identifies it on disk.

    ``TransientError`` if it changed between the first and the last byte read, ``SourceError`` if it
    is damaged, locked or grows beyond the bounds.
    """
    with _named_errors(file.name):
        before = file.path.stat()
        with file.path.open("rb") as raw:
            data = _read_whole(raw, file, before.st_size)
            is_plain = file.member is None and file.path.suffix == ".csv"
            digest = hashlib.sha256(data).hexdigest() if is_plain else _digest_of(raw)
        after = file.path.stat()
    if stat_key(before) != stat_key(after):
        raise TransientError(
            f"{file.name} changed while it was read: {before.st_size:,} bytes before, {after.st_size:,} "
            "after. Nothing of it was written. Let the copy finish, then re-run that day.",
            file=file.name,
        )
    return data, InputFile(name=file.name, size_bytes=before.st_size, sha256=digest)


def version_of(file: CsvFile) -> tuple[int, int, int]:
    """Return what changes when the file is written or replaced; ``TransientError`` if it is gone."""
    with _named_errors(file.name):
        return stat_key(file.path.stat())


def stat_key(status: os.stat_result) -> tuple[int, int, int]:
    """Return what changes when a file is written or replaced."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def _digest_of(raw: BufferedReader) -> str:
    raw.seek(0)
    return hashlib.file_digest(raw, "sha256").hexdigest()


def _walk(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, subfolders, names in os.walk(root, onerror=_raise):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder) / name


def _raise(error: OSError) -> None:
    """A folder that can't be listed is an error: its days would silently be missing."""
    raise error


def _members_of(path: Path) -> tuple[str, ...]:
    with _named_errors(path.name):
        return _members_at(path, stat_key(path.stat()))


@functools.lru_cache(maxsize=1024)
def _members_at(path: Path, _version: tuple[int, int, int]) -> tuple[str, ...]:
    # The version is part of the cache's key: a changed archive is listed anew.
    with zipfile.ZipFile(path) as archive:
        names = [member.filename for member in archive.infolist() if not member.is_dir()]
    return tuple(name for name in names if name.endswith(".csv") and not _is_mac_litter(name))


def _is_mac_litter(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".")


def _read_whole(raw: BufferedReader, file: CsvFile, size_on_disk: int) -> bytes:
    if file.member is not None:
        with zipfile.ZipFile(raw) as archive:
            member = archive.getinfo(file.member)
            if member.flag_bits & _ENCRYPTED:
                raise SourceError(
                    f"{file.name} is protected by a password. Nothing of it was written. "
                    "Put the file there without one, then re-run that day.",
                    file=file.name,
                )
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise NotImplementedError(f"zip method {member.compress_type}")
            with archive.open(member) as stream:
                return _read_bounded(stream, file.name, member.compress_size)
    if file.path.suffix == ".gz":
        with gzip.GzipFile(fileobj=raw) as stream:
            return _read_bounded(stream, file.name, size_on_disk)
    if size_on_disk > MAX_FILE_BYTES:
        raise _too_large(file.name, f"more than {MAX_FILE_BYTES:,} bytes", size_on_disk)
    # One read: joining chunks would double the memory and half the speed. A file that grows
    # meanwhile is noticed by its size afterwards.
    return raw.read(size_on_disk + 1)


def _read_bounded(stream: _Readable, name: str, packed_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    # The sizes that an archive claims are not believed: what comes out is counted.
    while chunk := stream.read(_CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise _too_large(name, f"more than {MAX_FILE_BYTES:,} bytes", packed_bytes)
        if size > max(RATIO_COUNTS_FROM_BYTES, MAX_RATIO * packed_bytes):
            raise _too_large(name, f"more than {MAX_RATIO} times its packed size", packed_bytes)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(name: str, bound: str, packed_bytes: int) -> SourceError:
    return SourceError(
        f"{name} ({packed_bytes:,} bytes on disk) holds {bound}. No day of drive data is like that: it is "
        "an archive bomb, damaged, or many days in one file. Nothing of it was written. "
        "Remove it or fetch it again, then re-run that day.",
        file=name,
        packed_bytes=packed_bytes,
    )


@contextlib.contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Turn what the operating system, gzip and zipfile raise into our errors, named by the file."""
    try:
        yield
    except _DAMAGED as damaged:
        raise SourceError(
            f"{name} is damaged or cut short ({damaged}). Nothing of it was written. "
            "Fetch the file again, then re-run that day.",
            file=name,
        ) from damaged
    except NotImplementedError as unknown:
        raise SourceError(
            f"{name} is packed in a way that can't be read ({unknown}). Nothing of it was written. "
            "Pack it with gzip or plain zip, then re-run that day.",
            file=name,
        ) from unknown
    except PermissionError as forbidden:
        raise SourceError(
            f"{name} may not be read by this user. Nothing of it was written. Correct its permissions, "
            "then re-run that day.",
            file=name,
        ) from forbidden
    except OSError as error:
        raise TransientError(
            f"{name} could not be read: {error.strerror}. Nothing of it was written. Re-run that day.",
            file=name,
        ) from error
