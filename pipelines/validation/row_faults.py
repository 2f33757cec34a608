"""Which rows break which rule, and in what words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_contracts.model import InRange, Matches, OneOf, Rule, UniqueKey
from pipelines.validation.gx_runner import Finding


@dataclass(frozen=True, kw_only=True)
class RowFault:
    """Rows that break a rule for one reason; ``rows`` (int64) are ascending positions in the table."""

    rule: Rule
    rows: np.ndarray
    reason: str


def find_row_faults(rule: Rule, finding: Finding, table: pa.Table) -> tuple[RowFault, ...]:
    """Return the rows at fault; of exact copies the first is not."""
    if not len(finding.rows):
        return ()
    if isinstance(rule.check, UniqueKey):
        return _split_duplicates(rule, rule.check, finding.rows, table)
    return (RowFault(rule=rule, rows=finding.rows, reason=f"broken rule: {rule.claim}"),)


def _split_duplicates(
    rule: Rule, check: UniqueKey, rows: np.ndarray, table: pa.Table
) -> tuple[RowFault, ...]:
    said = table.take(pa.array(rows)).drop_columns(list(check.ignoring)).to_pandas(ignore_metadata=True)
    key = list(check.columns)
    is_copy = said.duplicated(keep="first").to_numpy()
    is_contradicted = said[~is_copy].duplicated(subset=key, keep=False)
    contradicted_keys = said.loc[is_contradicted[is_contradicted].index, key].drop_duplicates()
    in_conflict = (
        said[key].merge(contradicted_keys, how="left", on=key, indicator=True)["_merge"].to_numpy() == "both"
    )
    names = ", ".join(key)
    faults = (
        RowFault(
            rule=rule, rows=rows[is_copy & ~in_conflict], reason=f"exact copy of a row with the same {names}"
        ),
        RowFault(rule=rule, rows=rows[in_conflict], reason=f"contradicts a row with the same {names}"),
    )
    return tuple(fault for fault in faults if len(fault.rows))


def rows_of(faults: Sequence[RowFault]) -> np.ndarray:
    """Return the positions (int64) that any of the faults names, ascending, each once."""
    if not faults:
        return np.array([], dtype=np.int64)
    return np.unique(np.concatenate([fault.rows for fault in faults]))


def reasons_by_row(faults: Sequence[RowFault], rows: np.ndarray, table: pa.Table) -> list[str]:
    """Return for each of ``rows`` why it is at fault, with the value where the rule is about one."""
    place = {int(row): i for i, row in enumerate(rows)}
    reasons: list[list[str]] = [[] for _ in rows]
    for fault in faults:
        shows_value = isinstance(fault.rule.check, InRange | OneOf | Matches)
        here = fault.rows[np.isin(fault.rows, rows)]
        values = (
            table[fault.rule.column].take(pa.array(here)).to_pylist() if shows_value else [None] * len(here)
        )
        for row, value in zip(here.tolist(), values, strict=True):
            text = f"{fault.reason} (it is {value!r})" if shows_value else fault.reason
            reasons[place[row]].append(text)
    return ["; ".join(texts) for texts in reasons]
