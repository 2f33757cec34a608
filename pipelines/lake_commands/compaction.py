"""Make one sorted object of a month's daily ones, for those who read months: analysts, not the steps.

``compacted/<dataset>/month=YYYY-MM/part-00.parquet`` holds the month's rows by component, then day, and
``manifest.json`` beside it the digest of every daily object they came from. The daily objects stay as
they are: steps read them while this runs and after, and published lists are verified by their digests.
"""

import datetime as dt
import hashlib
import io
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import ConfigError, MissingInputError
from pipelines.lake import Lake

_FOLDER = "compacted"
# Rows that are sorted at once; 28 columns of 8 bytes, twice.
_BYTES_PER_ROW = 500
_KEY = "component_key"


class CompactionManifest(BaseModel):
    """What a monthly object was made of. ``inputs``: SHA-256 by key of the daily object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    month: str
    inputs: dict[str, str]
    sha256: str
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class CompactedMonth:
    """One month's result. ``is_new`` is false where it was already made of the same days."""

    key: str
    n_days: int
    n_rows: int
    is_new: bool


def compact_month(
    dataset: str, month: dt.date, lake: Lake, *, memory_limit_mb: float, is_dry_run: bool = False
) -> CompactedMonth:
    """Write the month that ``month`` lies in; ``MissingInputError`` if it has no day.

    Memory stays within about the limit: keys are taken range by range, the days read once for each.
    Run again it changes nothing, unless a day did.
    """
    if not dataset.startswith("core_"):
        raise ConfigError(f"Only core_ datasets are compacted, {dataset} is not one. Nothing was written.")
    name = f"{month:%Y-%m}"
    folder = f"{_FOLDER}/{dataset}/month={name}/"
    keys = [item.key for item in lake.store.list_keys(f"{dataset}/day={name}-")]
    if not keys:
        raise MissingInputError(
            f"{dataset} has no day in {name}. See what there is: prefail lake ls {dataset}",
            dataset=dataset,
            month=name,
        )
    inputs = {key: hashlib.sha256(lake.store.read(key)).hexdigest() for key in keys}
    former = _read_manifest(folder, lake)
    key = f"{folder}part-00.parquet"
    if former is not None and former.inputs == inputs and lake.store.exists(key):
        return CompactedMonth(key=key, n_days=len(keys), n_rows=former.n_rows, is_new=False)
    data, n_rows = _merge(keys, lake, memory_limit_mb)
    if not is_dry_run:
        lake.store.write(key, data)
        manifest = CompactionManifest(
            dataset=dataset,
            month=name,
            inputs=inputs,
            sha256=hashlib.sha256(data).hexdigest(),
            n_rows=n_rows,
        )
        lake.write_json(f"{folder}manifest.json", manifest.model_dump(mode="json"))
    return CompactedMonth(key=key, n_days=len(keys), n_rows=n_rows, is_new=True)


def _read_manifest(folder: str, lake: Lake) -> CompactionManifest | None:
    try:
        return CompactionManifest.model_validate_json(lake.store.read(f"{folder}manifest.json"))
    except (MissingInputError, ValidationError):
        return None


def _merge(keys: Sequence[str], lake: Lake, memory_limit_mb: float) -> tuple[bytes, int]:
    """Return the sorted rows of all days as Parquet, and how many they are."""
    files = [pq.ParquetFile(io.BytesIO(lake.store.read(key))) for key in keys]
    schema = pa.unify_schemas([file.schema_arrow for file in files]).append(pa.field("day", pa.date32()))
    order = [name for name in (_KEY, "component_id", "model", "signal", "bin") if name in schema.names]
    n_rows = sum(file.metadata.num_rows for file in files)
    n_passes = 1
    if _KEY in schema.names:
        n_passes = max(1, math.ceil(n_rows * _BYTES_PER_ROW / (memory_limit_mb * 1_000_000)))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, schema, compression="zstd", write_page_checksum=True) as writer:
        for low, high in _key_ranges(n_passes):
            parts = [_read_part(file, key, low, high, schema) for file, key in zip(files, keys, strict=True)]
            rows = pa.concat_tables(parts).sort_by([(name, "ascending") for name in (*order, "day")])
            writer.write_table(rows, row_group_size=1_000_000)
    return sink.getvalue(), n_rows


def _key_ranges(n: int) -> Iterator[tuple[int, int]]:
    """Yield ``n`` ranges ``[low, high]`` that cover all 64-bit keys; keys are hashes, so ranges are even."""
    bounds = [(2**64 * place) // n for place in range(n + 1)]
    yield from ((low, high - 1) for low, high in itertools.pairwise(bounds))


def _read_part(file: pq.ParquetFile, key: str, low: int, high: int, schema: pa.Schema) -> pa.Table:
    rows = file.read()
    if _KEY in rows.column_names and (low, high) != (0, 2**64 - 1):
        at_least = pc.greater_equal(rows[_KEY], pa.scalar(np.uint64(low), pa.uint64()))
        at_most = pc.less_equal(rows[_KEY], pa.scalar(np.uint64(high), pa.uint64()))
        rows = rows.filter(pc.and_(at_least, at_most))
    day = dt.date.fromisoformat(key.partition("day=")[2][:10])
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
        if field.name != "day"
    ]
    return pa.table([*columns, pa.array([day] * rows.num_rows, pa.date32())], schema=schema)
