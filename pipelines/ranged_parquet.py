"""Read some row groups and columns of a stored Parquet file, and fetch only their bytes."""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import StorageError


class RangedReader(Protocol):
    """A read-only file whose parts come from far away; what it fetched it keeps."""

    name: str

    def read(self, size: int | None = -1) -> bytes: ...

    def seek(self, offset: int, whence: int = 0) -> int: ...

    def tell(self) -> int: ...

    def prefetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetch byte ranges ``[start, end)`` together."""
        ...

    def forget(self) -> None:
        """Drop what was fetched, so that it is fetched anew."""
        ...


@runtime_checkable
class RangedStore(Protocol):
    """A store that can give out parts of an object."""

    def open_ranged(self, key: str) -> RangedReader:
        """Open one version of an object; ``MissingInputError`` if there is none."""
        ...


class RangedParquet(pq.ParquetFile):  # type: ignore[misc]  # pyarrow has no types
    """A ``ParquetFile`` that fetches the column chunks of a read together, and checks each page's checksum.

    A part of an object has no digest of its own, so pages damaged on the way are noticed here: they
    are fetched once more, and ``StorageError`` if they are still damaged.
    """

    def __init__(self, source: RangedReader) -> None:
        super().__init__(source, pre_buffer=False, page_checksum_verification=True)
        self._ranges_of = source

    def read_row_groups(
        self, row_groups: Sequence[int], columns: Sequence[str] | None = None, **options: object
    ) -> pa.Table:
        """Return the rows of ``row_groups``, only ``columns`` if given."""
        wanted = list(row_groups)
        ranges = self._byte_ranges(wanted, columns)
        try:
            self._ranges_of.prefetch(ranges)
            return super().read_row_groups(wanted, columns=columns, **options)
        except (OSError, pa.ArrowInvalid):
            self._ranges_of.forget()
        try:
            self._ranges_of.prefetch(ranges)
            return super().read_row_groups(wanted, columns=columns, **options)
        except (OSError, pa.ArrowInvalid) as damaged:
            raise StorageError(
                f"{self._ranges_of.name} arrived damaged twice ({damaged}). Nothing was changed. Run the same "
                "command again; if it stays, re-run the step that wrote this day.",
                where=self._ranges_of.name,
            ) from damaged

    def read_row_group(
        self, row_group: int, columns: Sequence[str] | None = None, **options: object
    ) -> pa.Table:
        """Return the rows of one row group, only ``columns`` if given."""
        return self.read_row_groups([row_group], columns=columns, **options)

    def read(self, columns: Sequence[str] | None = None, **options: object) -> pa.Table:
        """Return all rows, only ``columns`` if given."""
        return self.read_row_groups(range(self.num_row_groups), columns=columns, **options)

    def _byte_ranges(self, row_groups: Sequence[int], columns: Sequence[str] | None) -> list[tuple[int, int]]:
        ranges = []
        for index in row_groups:
            group = self.metadata.row_group(index)
            for place in range(group.num_columns):
                chunk = group.column(place)
                if columns is None or chunk.path_in_schema.partition(".")[0] in columns:
                    start = chunk.dictionary_page_offset or chunk.data_page_offset
                    ranges.append((start, start + chunk.total_compressed_size))
        return ranges
