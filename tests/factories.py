"""The one seeded factory of valid tables: whatever a contract asks for, built from the contract itself."""

import datetime as dt
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.arrow_schema import arrow_type, schema_of
from data_contracts.loader import load_contract
from data_contracts.model import (
    Check,
    Column,
    Contract,
    EqualsDay,
    InRange,
    IsJson,
    IsNull,
    Matches,
    OneOf,
    UniqueKey,
)
from features.shards import component_keys

_NULL_SHARE = 0.2


def make_valid_table(dataset: str, n_rows: int, day: dt.date, seed: int = 7) -> pa.Table:
    """Return a table of ``dataset`` that its contract passes: ``n_rows`` rows in the contract's grain, of ``day``.

    Optional columns have nulls. Facts are known at the end of the day. Same arguments, same table.
    Where a dataset has component_key, it is the key of component_id and the rows are sorted by it.
    """
    contract = load_contract(dataset)
    rng = np.random.default_rng([seed, n_rows, day.toordinal()])
    columns = {column.name: _values(contract, column, n_rows, day, rng) for column in contract.columns}
    for column in contract.columns:
        for check in _checks(contract, column):
            if isinstance(check, IsNull):
                other = columns[check.where.column]
                is_empty = other.is_null() if check.where.is_null else other.is_valid()
                filled = _fill(contract, column, n_rows, day, rng)
                columns[column.name] = pc.if_else(is_empty, pa.nulls(n_rows, filled.type), filled)
    table = pa.table(columns)
    if "component_key" in columns:
        keys = pa.array(component_keys(columns["component_id"]), pa.uint64())
        at = table.schema.get_field_index("component_key")
        table = table.set_column(at, "component_key", keys).sort_by("component_key")
    return pa.Table.from_arrays([c.combine_chunks() for c in table.columns], schema=schema_of(contract))


def _values(
    contract: Contract, column: Column, n_rows: int, day: dt.date, rng: np.random.Generator
) -> pa.Array:
    filled = _fill(contract, column, n_rows, day, rng)
    if column.is_required:
        return filled
    is_null = pa.array(rng.random(n_rows) < _NULL_SHARE)
    return pc.if_else(is_null, pa.nulls(n_rows, filled.type), filled)


def _fill(
    contract: Contract, column: Column, n_rows: int, day: dt.date, rng: np.random.Generator
) -> pa.Array:
    """Return a column without nulls."""
    kind = arrow_type(column.physical_type)
    checks = _checks(contract, column)
    is_unique = any(
        isinstance(rule.check, UniqueKey) and rule.check.columns[-1] == column.name
        for rule in contract.rules
        if rule.check != UniqueKey(columns=contract.grain)
    )
    is_unique = is_unique or column.name == contract.grain[0]
    if pa.types.is_timestamp(kind):
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
        return pa.array([end] * n_rows, kind)
    if pa.types.is_boolean(kind):
        return pa.array(rng.random(n_rows) < 0.1, kind)
    if logical_text(kind):
        texts = [f"{column.name}-{i:06d}" for i in range(n_rows)] if is_unique else None
        texts = texts or _texts(column.name, checks, n_rows, day, rng)
        return pa.array(texts, pa.string()).cast(kind)
    if is_unique:
        return pa.array(np.arange(1, n_rows + 1), kind)
    low, high = _range(checks)
    if pa.types.is_floating(kind):
        return pa.array(rng.uniform(low, min(high, low + 100), n_rows).astype(kind.to_pandas_dtype()), kind)
    return pa.array(rng.integers(int(low), int(min(high, low + 1000)) + 1, n_rows), kind)


def logical_text(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds text."""
    return pa.types.is_string(kind) or pa.types.is_dictionary(kind)


def _texts(
    name: str, checks: Sequence[Check], n_rows: int, day: dt.date, rng: np.random.Generator
) -> list[str]:
    choices: list[str] = [f"{name}_{i}" for i in range(3)]
    for check in checks:
        match check:
            case OneOf(values=values):
                choices = list(values)
            case EqualsDay():
                choices = [day.isoformat()]
            case IsJson():
                choices = ['[{"label": "reallocated sectors", "weight": 0.5}]', "[]"]
            case Matches(pattern=pattern):
                choices = [text for text in [*choices, day.isoformat()] if re.search(pattern, text)]
    assert choices, f"the factory knows no text that {name} may hold"
    return [choices[i] for i in rng.integers(0, len(choices), n_rows)]


def _range(checks: Sequence[Check]) -> tuple[float, float]:
    low, high = 0.0, 1000.0
    for check in checks:
        if isinstance(check, InRange):
            low = 0.0 if check.minimum is None else check.minimum
            high = low + 1000 if check.maximum is None else check.maximum
    return low, high


def _checks(contract: Contract, column: Column) -> list[Check]:
    return [rule.check for rule in contract.rules if rule.column == column.name]


def with_values(table: pa.Table, column: str, values: dict[int, object]) -> pa.Table:
    """Return the table with the values of some rows replaced; ``values`` goes from row to value, None is null."""
    at = table.schema.get_field_index(column)
    field = table.schema.field(at)
    kind = field.type
    changed = table[column].to_pylist()
    for row, value in values.items():
        changed[row] = value
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_nullable = field.nullable or None in values.values()
    return table.set_column(at, field.with_nullable(is_nullable), pa.array(changed, plain).cast(kind))
