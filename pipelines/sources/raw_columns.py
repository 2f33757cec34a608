"""The raw_ tables that sources deliver, in the form that their contracts state."""

import datetime as dt
import functools
from collections.abc import Mapping

import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract

KNOWN_AT = pa.timestamp("us", tz="UTC")


@functools.cache
def raw_schema(dataset: str) -> pa.Schema:
    """Return the columns of a raw_ dataset, in the order of its contract.

    All are nullable here: a null where none may be is for the contract to find.
    """
    return pa.schema([field.with_nullable(True) for field in schema_of(load_contract(dataset))])


@functools.cache
def smart_attributes() -> frozenset[int]:
    """Return the numbers of the SMART attributes that raw_drive_smart keeps."""
    names = (name.split("_") for name in raw_schema("raw_drive_smart").names)
    return frozenset(int(parts[1]) for parts in names if parts[0] == "smart" and parts[-1] == "raw")


def end_of_day(day: dt.date) -> dt.datetime:
    """Return the last instant of ``day`` in UTC: what is known then is known "by the end of the day"."""
    return dt.datetime.combine(day, dt.time.max, tzinfo=dt.UTC)


def complete_columns(dataset: str, columns: Mapping[str, pa.Array], n_rows: int) -> pa.Table:
    """Return a table of ``dataset``; a column that the source does not have is null in every row."""
    schema = raw_schema(dataset)
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"no such columns of {dataset}: {sorted(unknown)}")
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(n_rows, field.type) for field in schema
    ]
    return pa.table(arrays, schema=schema)


def repeat(value: object, kind: pa.DataType, n_rows: int) -> pa.Array:
    """Return one value ``n_rows`` times."""
    return pa.repeat(pa.scalar(value, kind), n_rows)
