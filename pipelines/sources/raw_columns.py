"""The raw_ tables that drive sources deliver: their columns, types and order."""

import datetime as dt

import pyarrow as pa

SMART_ATTRIBUTES = (
    *(1, 3, 4, 5, 7, 9, 10, 12, 183, 184, 187, 188, 189, 190, 192, 193, 194),
    *(196, 197, 198, 199, 240, 241, 242),
)
KNOWN_AT = pa.timestamp("us", tz="UTC")

DRIVE_SMART = pa.schema(
    [
        ("serial_number", pa.string()),
        ("model", pa.string()),
        ("capacity_bytes", pa.int64()),
        ("firmware", pa.string()),
        ("is_failed", pa.bool_()),
        *((f"smart_{number}_raw", pa.int64()) for number in SMART_ATTRIBUTES),
        ("nvme_critical_warning", pa.int64()),
        ("nvme_available_spare_pct", pa.int64()),
        ("nvme_percentage_used", pa.int64()),
        ("nvme_media_errors", pa.int64()),
        ("nvme_unsafe_shutdowns", pa.int64()),
        ("nvme_error_log_entries", pa.int64()),
        ("scsi_grown_defects", pa.int64()),
        ("scsi_uncorrected_errors", pa.int64()),
        ("temperature_celsius", pa.float32()),
        ("smart_passed", pa.bool_()),
        ("source", pa.string()),
        ("known_at", KNOWN_AT),
    ]
)

INVENTORY = pa.schema(
    [
        ("component_id", pa.string()),
        ("component_kind", pa.string()),
        ("host_id", pa.string()),
        ("slot", pa.string()),
        ("rack", pa.string()),
        ("site", pa.string()),
        ("model", pa.string()),
        ("firmware", pa.string()),
        ("redundancy_group", pa.string()),
        ("source", pa.string()),
        ("known_at", KNOWN_AT),
    ]
)


def end_of_day(day: dt.date) -> dt.datetime:
    """Return the last instant of ``day`` in UTC: what is known then is known "by the end of the day"."""
    return dt.datetime.combine(day, dt.time.max, tzinfo=dt.UTC)


def complete_columns(columns: dict[str, pa.Array], schema: pa.Schema, n_rows: int) -> pa.Table:
    """Return the table of ``schema``; a column that the source does not have is null in every row."""
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"no such columns: {sorted(unknown)}")
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(n_rows, field.type) for field in schema
    ]
    return pa.table(arrays, schema=schema)


def repeat(value: object, kind: pa.DataType, n_rows: int) -> pa.Array:
    """Return one value ``n_rows`` times."""
    return pa.repeat(pa.scalar(value, kind), n_rows)
