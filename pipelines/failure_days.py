"""Read the failures of many days with few requests: one roll-up, and the parts that it does not know yet.

A day has a handful of failures, and scoring looks back over 90 of them. Where each object costs a
request, ``cache/core_failures.parquet`` holds the rows of all parts, each with the etag of the object
they came from. A part that changed since is read itself, so the roll-up is never wrong, only
incomplete; whoever finds it too incomplete writes it anew. It may be deleted at any time.

A day has the part of the build step (what sources say), and one for each day on which outcomes of
tickets about it were collected (``outcomes-<day>``).
"""

import datetime as dt
import io
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import MissingInputError, PrefailError
from pipelines.lake import Lake, encode_parquet, partition_key
from pipelines.ranged_parquet import RangedStore

log = logging.getLogger(__name__)

DATASET = "core_failures"
ROLL_UP_KEY = "cache/core_failures.parquet"
OUTCOME_PART = "outcomes-"
"""How the names of parts begin that come from tickets."""

_COLUMNS = ("component_key", "component_kind", "model", "is_confirmed", "known_at")
# More single reads than this are worth a new roll-up.
_MOST_UNKNOWN_PARTS = 2


@dataclass(frozen=True, kw_only=True)
class FailurePart:
    """The rows of one part of one day."""

    day: dt.date
    part: str
    rows: pa.Table


@dataclass(frozen=True, kw_only=True)
class _RollUp:
    """The failures of ``etags``' objects in one table with a column ``key``, as last written."""

    etags: Mapping[str, str]
    rows: pa.Table | None
    etag: str | None

    def rows_of(self, key: str, etag: str) -> pa.Table | None:
        """Return the rows of an object, None if they are of another version of it or not here."""
        if self.rows is None or self.etags.get(key) != etag:
            return None
        return self.rows.filter(pc.equal(self.rows["key"], key)).drop_columns(["key"])


def read_failure_parts(lake: Lake, first_day: dt.date | None, last_day: dt.date) -> Iterator[FailurePart]:
    """Yield each part of each day of ``[first_day, last_day]`` that was written, by day, then part."""
    parts = [
        (day, part)
        for day, part in lake.list_parts(DATASET)
        if day <= last_day and (first_day is None or day >= first_day)
    ]
    if not isinstance(lake.store, RangedStore):
        # On a disk a file costs nothing; and what a manifest records must be the days' own objects.
        for day, part in parts:
            rows = lake.read_day(DATASET, day, columns=_COLUMNS, part=part)
            yield FailurePart(day=day, part=part, rows=rows)
        return
    stored = {item.key: item.etag for item in lake.store.list_keys(f"{DATASET}/day=")}
    wanted = {key: (day, part) for day, part in parts if (key := partition_key(DATASET, day, part)) in stored}
    roll_up = _read_roll_up(lake)
    tables = {key: rows for key in wanted if (rows := roll_up.rows_of(key, stored[key])) is not None}
    unknown = [key for key in wanted if key not in tables]
    for key in unknown:
        day, part = wanted[key]
        tables[key] = lake.read_day(DATASET, day, columns=_COLUMNS, part=part)
    if len(unknown) > _MOST_UNKNOWN_PARTS:
        _write_roll_up(tables, roll_up, stored, lake)
    for key, (day, part) in wanted.items():
        yield FailurePart(day=day, part=part, rows=tables[key])


def _read_roll_up(lake: Lake) -> _RollUp:
    try:
        data, etag = lake.store.read_with_etag(ROLL_UP_KEY)
    except MissingInputError:
        return _RollUp(etags={}, rows=None, etag=None)
    try:
        rows = pq.read_table(io.BytesIO(data))
        rows["key"]
        return _RollUp(etags=json.loads(rows.schema.metadata[b"etags"]), rows=rows, etag=etag)
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        # Damaged, or another version's: as good as none, and replaced.
        return _RollUp(etags={}, rows=None, etag=etag)


def _write_roll_up(
    tables: Mapping[str, pa.Table], former: _RollUp, stored: Mapping[str, str], lake: Lake
) -> None:
    """Write the parts just read, and those of the former roll-up that are still as they were."""
    merged = dict(tables)
    for key in former.etags.keys() - tables.keys():
        rows = former.rows_of(key, stored.get(key, ""))
        if rows is not None:
            merged[key] = rows
    parts = [
        merged[key].append_column("key", pa.array([key] * merged[key].num_rows, pa.string()))
        for key in sorted(merged)
    ]
    known = {key: stored[key] for key in merged}
    rows = pa.concat_tables(parts).replace_schema_metadata({"etags": json.dumps(known, sort_keys=True)})
    try:
        lake.store.write(
            ROLL_UP_KEY, encode_parquet(rows), if_absent=former.etag is None, if_match=former.etag
        )
    except PrefailError as error:
        # Another run wrote one, or this identity may only read: nothing depends on it.
        log.debug(f"roll-up of {DATASET} not written: {error}")
