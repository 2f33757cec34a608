"""The pandas form of a table that Great Expectations checks: only the columns that rules speak of.

Integers with nulls travel as float64: exact to 2^53, and no rule asks for more.
"""

from typing import TYPE_CHECKING

import pyarrow as pa

from data_contracts.model import Contract, IsNull, NotNull, Rule, UniqueKey, Where

if TYPE_CHECKING:
    import pandas as pd


def frame_of(contract: Contract, table: pa.Table) -> "pd.DataFrame":
    """Return the columns that the contract's rules read, with index 0, 1, 2, …"""
    read = {name for rule in contract.rules for name in _columns_read(rule)}
    names = [column.name for column in contract.columns if column.name in read]
    frame: pd.DataFrame = table.select(names).to_pandas(ignore_metadata=True)
    return frame


def _columns_read(rule: Rule) -> list[str]:
    own = [] if rule.column is None else [rule.column]
    match rule.check:
        case UniqueKey(columns=columns):
            return [*own, *columns]
        case NotNull(where=Where(column=other)) | IsNull(where=Where(column=other)):
            return [*own, other]
        case _:
            return own
