"""Where each dataset's days lie, and how one is written and read.

``<root>/<dataset>/day=YYYY-MM-DD/part-00.parquet``: one part is one object with a fixed name,
written whole, so re-running a day replaces it. Raw datasets have one part a source
(``part-drives.parquet``), so sources never wait for or overwrite each other.
"""

import datetime as dt
import hashlib
import io
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import MissingInputError, PermanentError
from pipelines.object_store import FolderStore, ObjectStore
from pipelines.ranged_parquet import RangedParquet, RangedStore

if TYPE_CHECKING:
    from pipelines.lake_settings import LakeSettings

log = logging.getLogger(__name__)

_DAY_IN_KEY = re.compile(r"/day=(\d{4}-\d{2}-\d{2})/part-([^/]+)\.parquet$")
ONLY_PART = "00"


@dataclass(frozen=True, kw_only=True)
class StoredTable:
    """One written partition: where, how much, and the digest that a manifest names."""

    dataset: str
    day: dt.date | None
    key: str
    n_rows: int
    size_bytes: int
    sha256: str


class Lake:
    """Datasets by day over an object store. Holds no state besides the store."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def write_day(
        self,
        dataset: str,
        day: dt.date,
        table: pa.Table,
        *,
        part: str = ONLY_PART,
        row_group_rows: Sequence[int] | None = None,
    ) -> StoredTable:
        """Write one day of a dataset, replacing what was there.

        ``row_group_rows`` are the lengths of consecutive row groups (one a shard); without it the
        file has row groups of a million rows. Same table, same bytes.
        """
        key = partition_key(dataset, day, part)
        data = encode_parquet(table, row_group_rows=row_group_rows)
        self.store.write(key, data)
        return StoredTable(
            dataset=dataset,
            day=day,
            key=key,
            n_rows=table.num_rows,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def read_day(
        self, dataset: str, day: dt.date, columns: Sequence[str] | None = None, *, part: str = ONLY_PART
    ) -> pa.Table:
        """Return one part of a dataset's day, only ``columns`` if given; ``MissingInputError`` if never written."""
        return self.open_day(dataset, day, part=part).read(columns=None if columns is None else list(columns))

    def open_day(
        self,
        dataset: str,
        day: dt.date,
        *,
        part: str = ONLY_PART,
        by_range: bool = False,
        dictionary_columns: Sequence[str] = (),
    ) -> pq.ParquetFile:
        """Open one part for reading by row group; ``MissingInputError`` if never written.

        ``by_range`` is for reading little of it: where the store can, only that is fetched, in two or
        more requests. Otherwise the whole object is, in one. Of texts that repeat, ``dictionary_columns``
        are then read as codes.
        """
        key = partition_key(dataset, day, part)
        try:
            if by_range and isinstance(self.store, RangedStore):
                return RangedParquet(self.store.open_ranged(key))
            stored = pa.BufferReader(self.store.read(key))
            return pq.ParquetFile(stored, read_dictionary=list(dictionary_columns))
        except MissingInputError as missing:
            how = _HOW_TO_MAKE.get(dataset.split("_")[0], "")
            raise MissingInputError(
                f"{dataset} has no data of {day}: {self.store.uri(key)} does not exist. {how}",
                dataset=dataset,
                day=day.isoformat(),
            ) from missing
        except pa.ArrowInvalid as damaged:
            raise PermanentError(
                f"{self.store.uri(key)} is not readable Parquet ({damaged}). "
                f"Re-run the step that writes {dataset} for {day}.",
                dataset=dataset,
                day=day.isoformat(),
            ) from damaged

    def has_day(self, dataset: str, day: dt.date, *, part: str = ONLY_PART) -> bool:
        """Return whether the part is there."""
        return self.store.exists(partition_key(dataset, day, part))

    def digest_day(self, dataset: str, day: dt.date, *, part: str = ONLY_PART) -> str:
        """Return the SHA-256 of the part's bytes."""
        return hashlib.sha256(self.store.read(partition_key(dataset, day, part))).hexdigest()

    def delete_day(self, dataset: str, day: dt.date, *, part: str = ONLY_PART) -> None:
        """Remove a part that a re-run no longer yields; a missing one is no error."""
        self.store.delete(partition_key(dataset, day, part))

    def list_days(self, dataset: str) -> list[dt.date]:
        """Return the days that have at least one part, ascending, each once."""
        found = (_DAY_IN_KEY.search(item.key) for item in self.store.list_keys(f"{dataset}/day="))
        return sorted({dt.date.fromisoformat(match.group(1)) for match in found if match})

    def list_parts(self, dataset: str) -> list[tuple[dt.date, str]]:
        """Return day and name of each part of a dataset, ascending."""
        found = (_DAY_IN_KEY.search(item.key) for item in self.store.list_keys(f"{dataset}/day="))
        return sorted((dt.date.fromisoformat(match.group(1)), match.group(2)) for match in found if match)

    def read_json(self, key: str) -> object:
        """Return a stored JSON document."""
        return json.loads(self.store.read(key))

    def write_json(
        self, key: str, document: object, *, if_absent: bool = False, if_match: str | None = None
    ) -> str:
        """Write a JSON document with sorted keys: same content, same bytes."""
        data = (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        return self.store.write(key, data, if_absent=if_absent, if_match=if_match)


_HOW_TO_MAKE = {
    "raw": "Run `prefail ingest` for that day first.",
    "core": "Run `prefail build` for that day first.",
    "out": "Run `prefail score` and `prefail publish` for that day first.",
}


def partition_key(dataset: str, day: dt.date, part: str = ONLY_PART) -> str:
    """Return the one object name of a dataset's day and part."""
    return f"{dataset}/day={day.isoformat()}/part-{part}.parquet"


def encode_parquet(table: pa.Table, *, row_group_rows: Sequence[int] | None = None) -> bytes:
    """Return ``table`` as Parquet: zstd, float32 byte-stream-split, the same bytes for the same rows."""
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    dictionaries = [
        field.name
        for field in table.schema
        if not pa.types.is_floating(field.type) and not field.name.endswith(("_key", "_id", "serial_number"))
    ]
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionaries,
        use_byte_stream_split=floats,
        # Reading a part of an object has no other check of what arrived.
        write_page_checksum=True,
    ) as writer:
        if row_group_rows is None:
            writer.write_table(table, row_group_size=1_000_000)
        else:
            start = 0
            for length in row_group_rows:
                # An empty shard still gets its (empty) row group, so that group i is shard i.
                writer.write_table(table.slice(start, length), row_group_size=max(length, 1))
                start += length
            if start != table.num_rows:
                raise ValueError(f"row groups cover {start} of {table.num_rows} rows")
    return sink.getvalue()


def open_lake(root: str, options: "LakeSettings | None" = None) -> Lake:
    """Open the lake at a folder or ``s3://bucket/prefix``; ``options`` say how S3 is reached."""
    if root.startswith("s3://"):
        # Imported here: boto3 takes half a second, and a folder lake needs none of it.
        from pipelines.s3.store import S3Store

        return Lake(S3Store.open(root, options))
    return Lake(FolderStore(root))
