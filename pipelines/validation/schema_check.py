"""Whether a table has the columns and types of its contract, before any value is looked at."""

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.arrow_schema import schema_of
from data_contracts.model import Contract

SCHEMA_RULE = "schema"
SCHEMA_CLAIM = "columns and types are those of the contract"


def find_schema_faults(contract: Contract, table: pa.Table) -> tuple[str, ...]:
    """Return each missing, unknown, doubled or wrongly typed column; order and nullability are not compared."""
    expected = schema_of(contract)
    faults = []
    for field in expected:
        found = table.schema.get_all_field_indices(field.name)
        if not found:
            faults.append(f"{field.name} ({field.type}) is missing")
        elif len(found) > 1:
            faults.append(f"{field.name} is there {len(found)} times")
        elif table.schema.field(found[0]).type != field.type:
            faults.append(f"{field.name} is {table.schema.field(found[0]).type}, not {field.type}")
    known = set(expected.names)
    faults += [f"{name} is not in the contract" for name in table.schema.names if name not in known]
    return tuple(faults)


def in_contract_form(contract: Contract, table: pa.Table) -> pa.Table:
    """Return the table with the contract's column order and nullability, and null where a float is NaN.

    The rules were checked with NaN taken for null; what flows on says so in one way. ``table`` must
    have no schema fault and no null in a required column.
    """
    schema = schema_of(contract)
    return pa.Table.from_arrays([_without_nan(table[name]) for name in schema.names], schema=schema)


def _without_nan(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    if not pa.types.is_floating(whole.type) or not pc.any(pc.is_nan(whole)).as_py():
        return whole
    return pc.if_else(pc.is_nan(whole), pa.scalar(None, whole.type), whole)
