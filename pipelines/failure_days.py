"""Read the failures of many days with few requests: one roll-up, and the days that it does not know yet.

A day has a handful of failures, and scoring looks back over 90 of them. Where each object costs a
request, ``cache/core_failures.parquet`` holds the rows of all days, each with the etag of the object
they came from. A day whose object changed since is read itself, so the roll-up is never wrong, only
incomplete; whoever finds it too incomplete writes it anew. It may be deleted at any time.
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
_COLUMNS = ("component_key", "component_kind", "model", "is_confirmed", "known_at")
# More single reads than this are worth a new roll-up.
_MOST_UNKNOWN_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class _RollUp:
    """The failures of ``etags``' days in one table with a column ``day`` (ISO text), as last written."""

    etags: Mapping[str, str]
    rows: pa.Table | None
    etag: str | None


def read_failure_days(
    lake: Lake, first_day: dt.date | None, last_day: dt.date
) -> Iterator[tuple[dt.date, pa.Table]]:
    """Yield each day of ``[first_day, last_day]`` that was built, ascending, and its failures."""
    days = [
        day for day in lake.list_days(DATASET) if day <= last_day and (first_day is None or day >= first_day)
    ]
    if not isinstance(lake.store, RangedStore):
        # On a disk a file costs nothing; and what a manifest records must be the days' own objects.
        yield from ((day, lake.read_day(DATASET, day, columns=_COLUMNS)) for day in days)
        return
    stored = {item.key: item.etag for item in lake.store.list_keys(f"{DATASET}/day=")}
    wanted = {day.isoformat(): stored[key] for day in days if (key := partition_key(DATASET, day)) in stored}
    roll_up = _read_roll_up(lake)
    tables = {
        day: roll_up.rows.filter(pc.equal(roll_up.rows["day"], day)).drop_columns(["day"])
        for day, etag in wanted.items()
        if roll_up.rows is not None and roll_up.etags.get(day) == etag
    }
    unknown = [day for day in wanted if day not in tables]
    for day in unknown:
        tables[day] = lake.read_day(DATASET, dt.date.fromisoformat(day), columns=_COLUMNS)
    if len(unknown) > _MOST_UNKNOWN_DAYS:
        _write_roll_up(tables, wanted, roll_up, stored, lake)
    yield from ((dt.date.fromisoformat(day), tables[day]) for day in sorted(tables))


def _read_roll_up(lake: Lake) -> _RollUp:
    try:
        data, etag = lake.store.read_with_etag(ROLL_UP_KEY)
    except MissingInputError:
        return _RollUp(etags={}, rows=None, etag=None)
    try:
        rows = pq.read_table(io.BytesIO(data))
        return _RollUp(etags=json.loads(rows.schema.metadata[b"etags"]), rows=rows, etag=etag)
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        # Damaged, or another version's: as good as none, and replaced.
        return _RollUp(etags={}, rows=None, etag=etag)


def _write_roll_up(
    tables: Mapping[str, pa.Table],
    etags: Mapping[str, str],
    former: _RollUp,
    stored: Mapping[str, str],
    lake: Lake,
) -> None:
    """Write the days just read, and those of the former roll-up that are still as they were."""
    merged = {
        day: former.rows.filter(pc.equal(former.rows["day"], day)).drop_columns(["day"])
        for day, etag in former.etags.items()
        if former.rows is not None and stored.get(partition_key(DATASET, dt.date.fromisoformat(day))) == etag
    } | dict(tables)
    known = {day: etags.get(day) or former.etags[day] for day in sorted(merged)}
    parts = [
        merged[day].append_column("day", pa.array([day] * merged[day].num_rows, pa.string())) for day in known
    ]
    rows = pa.concat_tables(parts).replace_schema_metadata({"etags": json.dumps(known)})
    try:
        lake.store.write(
            ROLL_UP_KEY, encode_parquet(rows), if_absent=former.etag is None, if_match=former.etag
        )
    except PrefailError as error:
        # Another run wrote one, or this identity may only read: nothing depends on it.
        log.debug(f"roll-up of {DATASET} not written: {error}")
