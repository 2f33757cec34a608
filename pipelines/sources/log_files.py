"""Find the log files of hosts and stream their lines in bounded pieces, whatever the files hold."""

import datetime as dt
import gzip
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Literal

from features.log_templates import escape_text
from pipelines.errors import SourceError, TransientError
from pipelines.sources.archives import stat_key
from pipelines.sources.source import InputFile

Layout = Literal["day_folders", "host_folders"]

# Small enough for the processor's cache: masking is a dozen passes over the same bytes.
CHUNK_BYTES = 256 << 10
# The kernel prints at most 1 kB a line; journald splits at 48 kB.
MAX_LINE_BYTES = 8 << 10
# A host that writes a gigabyte an hour is at fault; more than a day of that is no log.
MAX_FILE_BYTES = 32 << 30
_SUFFIXES = re.compile(
    r"(?:\.(?:gz|log|txt|json|jsonl|ndjson|export|dmesg|syslog|journal|sel|csv|feather|db|sqlite|sqlite3|old|[0-9]+|[0-9]{8}))+$"
)
# Colours of `dmesg --color=always`, and whatever else a terminal obeys.
_TERMINAL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """One file of one host. ``name`` is below the source's folder, as reports show it."""

    path: Path
    host_id: str
    name: str

    def version(self) -> tuple[int, int, int]:
        """Return what changes when the file is written or replaced; ``TransientError`` if it is gone."""
        try:
            return stat_key(self.path.stat())
        except OSError as error:
            raise _unreadable(self.name, error) from error


@dataclass(kw_only=True)
class Findings:
    """Lines that gave no row, by reason, with the first of each as an example. Counted, never lost."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, example: str | bytes, n: int = 1) -> None:
        """Count ``n`` lines."""
        if n:
            self.counts[reason] += n
            if reason not in self.examples:
                text = example[:400].decode("utf-8", "replace") if isinstance(example, bytes) else example
                self.examples[reason] = escape_text(text.strip(), 200)

    def merge(self, other: "Findings", place: str) -> None:
        """Count the other's too, its examples told by ``place``."""
        for reason, count in other.counts.items():
            self.add(reason, f"{place}: {other.examples[reason]}", count)

    def as_mapping(self) -> dict[str, tuple[int, str]]:
        """Return count and example by reason."""
        return {reason: (count, self.examples[reason]) for reason, count in self.counts.items()}


def existing_folder(root: Path) -> Path:
    """Return ``root``; ``SourceError`` if it is no folder."""
    if not root.is_dir():
        raise SourceError(
            f"{root} is not a folder. Nothing was read. Correct the source's path.", path=str(root)
        )
    return root


def find_log_files(root: Path) -> list[LogFile]:
    """Return the files below ``root``, sorted: ``<host>*`` is a host's file, ``<host>/`` a folder of its files."""
    if not root.is_dir():
        return []
    found = []
    for entry in sorted(root.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_file():
            found.append(LogFile(path=entry, host_id=host_of(entry.name), name=escape_text(entry.name)))
        elif entry.is_dir():
            host = escape_text(entry.name, 255)
            found += [
                LogFile(path=path, host_id=host, name=escape_text(path.relative_to(root).as_posix()))
                for path in sorted(entry.rglob("*"))
                if path.is_file() and not path.name.startswith(".")
            ]
    return found


def host_of(file_name: str) -> str:
    """Return the host that a file name stands for: ``db1.example.org.log.2.gz`` → ``db1.example.org``."""
    return escape_text(_SUFFIXES.sub("", file_name) or file_name, 255)


def first_bytes(file: LogFile, size: int = 4096) -> bytes:
    """Return how the file begins, uncompressed; nothing where it is damaged from its first byte."""
    try:
        with file.path.open("rb") as raw:
            if file.path.suffix != ".gz":
                return raw.read(size)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return unpacked.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return b""
    except OSError as error:
        raise _unreadable(file.name, error) from error


def day_of_folder(name: str) -> dt.date | None:
    """Return the day of a folder named YYYY-MM-DD, None for any other."""
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None


class _Hashing:
    """Reads a file and hashes what was read, so that no file is read twice."""

    def __init__(self, raw: BufferedReader) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.digest.update(data)
        return data


class LogReader:
    """Streams one file. After the last chunk ``input_file`` says what was read."""

    def __init__(self, file: LogFile, findings: Findings, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._file = file
        self._findings = findings
        self._max_line_bytes = max_line_bytes
        self._pending = b""
        self._is_skipping = False
        self.input_file: InputFile | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield pieces of whole lines, each ending in a line feed, without NUL bytes and terminal escapes.

        A line beyond the bound is cut there.
        """
        for block in self.blocks():
            if lines := self._whole_lines(block):
                yield self._clean(lines)
        if self._pending and not self._is_skipping:
            yield self._clean(self._pending + b"\n")

    def blocks(self) -> Iterator[bytes]:
        """Yield the file's bytes, uncompressed, as they are.

        ``TransientError`` if the file was replaced or cut while it was read; that it grows is what logs do.
        """
        try:
            with self._file.path.open("rb") as raw:
                before = self._file.path.stat()
                hashing = _Hashing(raw)
                yield from self._blocks(hashing)
                while hashing.read(1 << 20):
                    pass
                after = self._file.path.stat()
        except OSError as error:
            raise _unreadable(self._file.name, error) from error
        if before.st_ino != after.st_ino or after.st_size < before.st_size:
            raise TransientError(
                f"{self._file.name} was replaced or cut while it was read. Nothing of it was written. "
                "Re-run that day.",
                file=self._file.name,
            )
        self.input_file = InputFile(
            name=self._file.name, size_bytes=before.st_size, sha256=hashing.digest.hexdigest()
        )

    def _blocks(self, hashing: _Hashing) -> Iterator[bytes]:
        read: Callable[[int], bytes] = hashing.read
        if self._file.path.suffix == ".gz":
            # read1, because read drops what it has unpacked when it meets the damage.
            # The types ask for a whole file; to read, it calls no more than `read`.
            read = gzip.GzipFile(fileobj=hashing, mode="rb").read1  # type: ignore[call-overload]
        size = 0
        while True:
            try:
                block = read(CHUNK_BYTES)
            except (EOFError, gzip.BadGzipFile, zlib.error) as damaged:
                self._findings.add("the file is damaged or cut short; what is before it counts", str(damaged))
                return
            if not block:
                return
            size += len(block)
            if size > MAX_FILE_BYTES:
                self._findings.add(
                    f"beyond the first {MAX_FILE_BYTES >> 30} GiB of the file", self._file.name
                )
                return
            yield block

    def _whole_lines(self, block: bytes) -> bytes:
        """Return the lines that end in ``block``; keep what follows the last line end, bounded."""
        if self._is_skipping:
            end = block.find(b"\n")
            if end < 0:
                return b""
            self._is_skipping = False
            block = block[end + 1 :]
        end = block.rfind(b"\n")
        if end >= 0:
            lines, self._pending = self._pending + block[: end + 1], block[end + 1 :]
        else:
            lines, self._pending = b"", self._pending + block
        if len(self._pending) > self._max_line_bytes:
            self._findings.add(self._too_long, self._pending)
            lines += self._pending[: self._max_line_bytes] + b"\n"
            self._pending = b""
            self._is_skipping = True
        return lines

    def _clean(self, lines: bytes) -> bytes:
        if b"\0" in lines:
            # A crash leaves blocks of NULs; the line after them is whole.
            self._findings.add("NUL bytes in a line; the rest of the line counts", _around(lines, b"\0"))
            lines = lines.replace(b"\0", b"")
        if b"\x1b" in lines:
            lines = _TERMINAL.sub(b"", lines)
        if len(lines) > self._max_line_bytes and _has_long_line(lines, self._max_line_bytes):
            lines = b"".join(self._cut(line) for line in lines.split(b"\n")[:-1])
        return lines

    def _cut(self, line: bytes) -> bytes:
        if len(line) <= self._max_line_bytes:
            return line + b"\n"
        self._findings.add(self._too_long, line)
        return line[: self._max_line_bytes] + b"\n"

    @property
    def _too_long(self) -> str:
        return f"longer than {self._max_line_bytes:,} bytes; the beginning counts"


def _has_long_line(lines: bytes, max_bytes: int) -> bool:
    """Return whether a line may be too long: a stretch of half the bound without a line end."""
    half = max_bytes // 2
    probes = range(0, len(lines), half)
    return any(lines.find(b"\n", at, at + half) < 0 for at in probes if at + half <= len(lines))


def _around(lines: bytes, what: bytes) -> bytes:
    at = lines.find(what)
    start = lines.rfind(b"\n", 0, at) + 1
    return lines[start : start + 200].replace(what, b"\\0")


def _unreadable(name: str, error: OSError) -> TransientError:
    return TransientError(
        f"{name} could not be read: {error.strerror}. Nothing of it was written. Re-run that day.", file=name
    )
