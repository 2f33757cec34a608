"""The pyarrow schema of a dataset, from its contract.

``physicalType`` is one of the names below, or ``dictionary<…>`` of one: int32 codes into a list of
values, the type that pyarrow infers for a partition folder.
"""

import pyarrow as pa

from data_contracts.model import Contract

_TYPES = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "timestamp[us, UTC]": pa.timestamp("us", tz="UTC"),
}


def arrow_type(physical_type: str) -> pa.DataType:
    """Return the Arrow type of a ``physicalType``; ``KeyError`` if it is none of ours."""
    if physical_type.startswith("dictionary<") and physical_type.endswith(">"):
        return pa.dictionary(pa.int32(), _TYPES[physical_type[len("dictionary<") : -1]])
    return _TYPES[physical_type]


def logical_type(physical_type: str) -> str:
    """Return the ODCS ``logicalType`` that goes with a ``physicalType``."""
    kind = arrow_type(physical_type)
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    return "timestamp" if pa.types.is_timestamp(kind) else "string"


def schema_of(contract: Contract) -> pa.Schema:
    """Return the contract's columns in their order; required columns are not nullable."""
    return pa.schema(
        pa.field(column.name, arrow_type(column.physical_type), nullable=not column.is_required)
        for column in contract.columns
    )
