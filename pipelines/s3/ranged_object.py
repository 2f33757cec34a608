"""Read parts of one stored object as if it were a file: the end first, then what is asked for, side by side."""

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

# Small files come whole with the first request; the footer of a large one is within its end.
TAIL_BYTES = 2 * 2**20
# Reading on over a hole is cheaper than another request: 20 ms at 50 MB/s.
_HOLE_BYTES = 2**20
_N_THREADS = 8

# (range as in the HTTP header, etag or None) -> bytes, etag, size of the whole object.
GetRange = Callable[[str, str | None], tuple[bytes, str, int]]


class RangedObject(io.RawIOBase):
    """A read-only file over one version of an object; if it is replaced meanwhile, reading on is an error."""

    def __init__(self, get_range: GetRange, name: str) -> None:
        super().__init__()
        self.name = name
        self._get_range = get_range
        tail, self._etag, self._size = get_range(f"bytes=-{TAIL_BYTES}", None)
        self._blocks: dict[int, bytes] = {self._size - len(tail): tail}
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        start, self._position = self._position, max(end, self._position)
        if end <= start:
            return b""
        self.prefetch([(start, end)])
        return self._held(start, end)

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetch the byte ranges ``[start, end)`` that are not here yet, with few requests side by side."""
        missing = [(start, end) for start, end in join_ranges(ranges) if not self._is_held(start, end)]
        if len(missing) == 1:
            self._fetch(missing[0])
        elif missing:
            with ThreadPoolExecutor(min(_N_THREADS, len(missing))) as threads:
                list(threads.map(self._fetch, missing))

    def forget(self) -> None:
        """Drop what was fetched, so that it is fetched anew."""
        self._blocks.clear()

    def _fetch(self, wanted: tuple[int, int]) -> None:
        start, end = wanted
        self._blocks[start] = self._get_range(f"bytes={start}-{end - 1}", self._etag)[0]

    def _is_held(self, start: int, end: int) -> bool:
        return any(at <= start and end <= at + len(block) for at, block in self._blocks.items())

    def _held(self, start: int, end: int) -> bytes:
        for at, block in self._blocks.items():
            if at <= start and end <= at + len(block):
                return block[start - at : end - at]
        raise AssertionError(f"bytes {start} to {end} of {self.name} were not fetched")


def join_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges in order, those joined that touch, overlap or have a small hole between them."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] <= _HOLE_BYTES:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
