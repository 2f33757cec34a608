"""Turn a column of CSV texts into exact values, or say which cell is wrong and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

CellKind = Literal["date", "failure", "text", "integer"]

_SHOWN_CHARACTERS = 40
_SHOWN_COLUMNS = 6
# 18 digits always fit int64; a raw SMART value has at most 17.
_INTEGER = r"^-?[0-9]{1,18}(\.0*)?$"
_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_OTHER_DATE = r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}$"
_ROUNDED = r"^-?[0-9](\.[0-9]+)?[eE]\+?[0-9]+$"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One column's wrong cells. Rows count from 1 after the header."""

    column: str
    reason: str
    first_row: int
    first_value: str | None
    n_wrong: int
    n_rows: int

    @property
    def text(self) -> str:
        """The problem as one line of a message."""
        value = "empty" if self.first_value is None else repr(self.first_value[:_SHOWN_CHARACTERS])
        return (
            f"{self.column}: data row {self.first_row:,} is {value}, {self.reason} "
            f"({self.n_wrong:,} of {self.n_rows:,} rows)"
        )


def list_problems(problems: Sequence[Problem]) -> str:
    """Return one indented line per problem, at most six."""
    lines = [f"  - {problem.text}" for problem in problems[:_SHOWN_COLUMNS]]
    if len(problems) > _SHOWN_COLUMNS:
        lines.append(f"  - and {len(problems) - _SHOWN_COLUMNS} more columns")
    return "\n".join(lines)


def convert_cells(column: str, texts: pa.ChunkedArray, kind: CellKind) -> pa.ChunkedArray | Problem:
    """Return ``texts`` as date32, bool, string or int64; an empty cell is null, except for a date."""
    if kind == "text":
        return texts
    if kind == "date":
        return _convert_dates(column, texts)
    texts = pc.utf8_trim_whitespace(texts)
    if kind == "failure":
        # "1", "1.0" and, after a detour through a data frame, "True".
        for word, digit in (("true", "1"), ("false", "0")):
            texts = pc.replace_substring_regex(texts, f"(?i)^{word}$", digit)
    is_integer = pc.match_substring_regex(texts, _INTEGER)
    if not _all(is_integer):
        return _problem(column, texts, pc.fill_null(pc.invert(is_integer), False), "not a whole number")
    numbers = pc.replace_substring_regex(texts, r"\.0*$", "").cast(pa.int64())
    if kind == "integer":
        return numbers
    is_flag = pc.is_in(numbers, value_set=pa.array([0, 1, None], pa.int64()))
    if not _all(is_flag):
        return _problem(column, texts, pc.invert(is_flag), "neither 0 nor 1")
    return numbers.cast(pa.bool_())


def _convert_dates(column: str, texts: pa.ChunkedArray) -> pa.ChunkedArray | Problem:
    is_iso = pc.fill_null(pc.match_substring_regex(texts, _ISO_DATE), False)
    if not _all(is_iso):
        return _problem(column, texts, pc.invert(is_iso), "not a date as YYYY-MM-DD")
    # Few distinct days in many rows: convert each once.
    codes = texts.combine_chunks().dictionary_encode()
    days = []
    for text in codes.dictionary.to_pylist():
        try:
            days.append(pa.scalar(text).cast(pa.date32()))
        except pa.ArrowInvalid:
            return _problem(column, texts, pc.equal(texts, text), "no day of the calendar")
    values = pa.array([day.as_py() for day in days], pa.date32())
    return pa.chunked_array([values.take(codes.indices)], pa.date32())


def _all(claims: pa.ChunkedArray) -> bool:
    return bool(pc.all(claims, min_count=0).as_py())


def _problem(column: str, texts: pa.ChunkedArray, is_wrong: pa.ChunkedArray, reason: str) -> Problem:
    first = pc.index(is_wrong, True).as_py()
    value = texts[first].as_py()
    return Problem(
        column=column,
        reason=f"{reason}{_explain(value)}",
        first_row=first + 1,
        first_value=value,
        n_wrong=pc.sum(is_wrong).as_py(),
        n_rows=len(texts),
    )


def _explain(value: str | None) -> str:
    if value is None:
        return ""
    if re.fullmatch(_ROUNDED, value):
        return ": a spreadsheet rounded it to scientific notation, its digits are lost"
    if re.fullmatch(_OTHER_DATE, value):
        return ": a spreadsheet or a local date format rewrote it"
    return ""
