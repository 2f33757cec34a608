"""Read one Drive Stats CSV, of any year's column set, into typed columns; refuse what is not one."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from pipelines.errors import SourceError
from pipelines.sources.raw_columns import smart_attributes
from pipelines.sources.strict_cells import CellKind, Problem, convert_cells, list_problems

NEEDED: Final = ("date", "serial_number", "model", "capacity_bytes", "failure")
LOCATION: Final = ("datacenter", "cluster_id", "vault_id", "pod_id", "pod_slot_num")
_KINDS: Final[Mapping[str, CellKind]] = {
    "date": "date",
    "failure": "failure",
    "serial_number": "text",
    "model": "text",
    "datacenter": "text",
}
_NULLS: Final = ["", "NaN", "nan", "NULL", "null"]
_SAMPLE_BYTES: Final = 64 << 10
# Above it a float64 no longer tells neighbouring integers apart.
_EXACT_IN_FLOAT64: Final = 2**53


def parse_drive_stats(data: bytes, name: str, *, only_date: bool = False) -> pa.Table:
    """Return the needed columns of one file: one row per CSV row, in the file's order.

    date date32, serial_number, model and datacenter string, failure bool, all others int64; optional
    columns that the file lacks are absent. Numbers may be written as floats ("8.0"); each is exact
    or the file is refused. ``SourceError`` names the column, the data row and the value.
    """
    _check_bytes(data, name)
    header = _read_header(data, name)
    all_wanted = [column for column in needed_columns() if column in header]
    table = _parse_fast(data, header, ["date"] if only_date else all_wanted)
    if table is None:
        # Something is not as it should be: read again as text, slowly, to say exactly what.
        table = _parse_strictly(data, name, header, all_wanted)
    if table.num_rows == 0:
        raise SourceError(
            f"{name} has a header and no row. Nothing was written. "
            "Fetch the file again, then re-run that day.",
            file=name,
        )
    return table


def needed_columns() -> tuple[str, ...]:
    """Return the columns that are parsed where a file has them; the first five it must have."""
    return (*NEEDED, *LOCATION, *(f"smart_{number}_raw" for number in sorted(smart_attributes())))


def _check_bytes(data: bytes, name: str) -> None:
    if not data or data.isspace():
        raise SourceError(
            f"{name} is empty. Nothing was written. Fetch the file again, then re-run that day.", file=name
        )
    if (position := data.find(b"\0")) >= 0:
        raise SourceError(
            f"{name} has a NUL byte at byte {position:,}: it is binary, UTF-16, or was cut by a full disk. "
            "Nothing of it was written. Fetch the file again, then re-run that day.",
            file=name,
            position=position,
        )
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as bad:
            raise SourceError(
                f"{name} is not UTF-8: byte {bad.start:,} is {data[bad.start : bad.start + 1]!r}. "
                "Nothing of it was written. Fetch or convert the file, then re-run that day.",
                file=name,
                position=bad.start,
            ) from bad


def _read_header(data: bytes, name: str) -> list[str]:
    first = data[: 1 << 20].splitlines()[0]
    header = [cell.strip() for cell in next(csv.reader([first.decode("utf-8-sig", "replace")]), [])]
    missing = [column for column in NEEDED if column not in header]
    if missing:
        shown = ", ".join(cell[:40] for cell in header[:12])
        more = f" and {len(header) - 12} more" if len(header) > 12 else ""
        raise SourceError(
            f"{name} lacks {'column' if len(missing) == 1 else 'columns'} {', '.join(missing)}; "
            f"it has: {shown}{more}. Nothing of it was written. "
            "Put the original Drive Stats file there, then re-run that day.",
            file=name,
            missing=tuple(missing),
        )
    doubled = sorted({column for column in header if header.count(column) > 1 and column})
    if doubled:
        raise SourceError(
            f"{name} has column {', '.join(doubled[:5])} twice; which one counts is unknown. "
            "Nothing of it was written. Put the original file there, then re-run that day.",
            file=name,
            doubled=tuple(doubled),
        )
    return header


def _parse_fast(data: bytes, header: list[str], wanted: list[str]) -> pa.Table | None:
    """Return the typed table, or None where a closer look is needed."""
    try:
        types = _guess_types(data, header, wanted)
        floats = [column for column in wanted if types[column] == pa.float64()]
        if floats and b"+" in data:
            return None  # 1.2E+13 reads as a float, but its digits are lost
        table = _read_csv(data, header, wanted, types, use_threads=True)
        for column in floats:
            extremes = pc.min_max(table[column])
            if extremes["min"].is_valid and not (
                -_EXACT_IN_FLOAT64 < extremes["min"].as_py() <= extremes["max"].as_py() < _EXACT_IN_FLOAT64
            ):
                return None
            table = _replace(table, column, table[column].cast(pa.int64()))
        if "failure" in wanted:
            failures = table["failure"]
            if not set(pc.unique(failures).to_pylist()) <= {0, 1, None}:
                return None
            table = _replace(table, "failure", failures.cast(pa.bool_()))
    except pa.ArrowInvalid:
        return None
    return None if table["date"].null_count else table


def _guess_types(data: bytes, header: list[str], wanted: list[str]) -> dict[str, pa.DataType]:
    """Take a column as float64 if its first rows are written so; exactness is checked afterwards."""
    sample = data[:_SAMPLE_BYTES]
    end = len(sample) if len(sample) == len(data) else max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1
    types = {column: pa.string() if _KINDS.get(column) == "text" else pa.int64() for column in wanted}
    types["date"] = pa.date32()
    numbers = [column for column in wanted if types[column] == pa.int64()]
    texts = _read_csv(sample[:end], header, numbers, dict.fromkeys(numbers, pa.string()), use_threads=False)
    for column in numbers:
        if pc.any(pc.match_substring(texts[column], ".")).as_py():
            types[column] = pa.float64()
    return types


def _parse_strictly(data: bytes, name: str, header: list[str], wanted: list[str]) -> pa.Table:
    ragged: list[_RaggedRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        ragged.append(
            _RaggedRow(number=row.number or 0, expected=row.expected_columns, actual=row.actual_columns)
        )
        return "error"

    try:
        texts = _read_csv(
            data, header, wanted, dict.fromkeys(wanted, pa.string()), use_threads=False, note=note
        )
    except pa.ArrowInvalid as broken:
        what = ragged[0].text if ragged else str(broken)[:200]
        raise SourceError(
            f"{name} is not a well-formed CSV: {what}. Nothing of it was written. "
            "Fetch the file again (a copy may have been cut short), then re-run that day.",
            file=name,
        ) from broken
    columns: dict[str, pa.ChunkedArray] = {}
    problems: list[Problem] = []
    for column in wanted:
        converted = convert_cells(column, texts[column], _KINDS.get(column, "integer"))
        if isinstance(converted, Problem):
            problems.append(converted)
        else:
            columns[column] = converted
    if problems:
        raise SourceError(
            f"{name} is not a usable Drive Stats file, {len(problems)} column(s) are wrong:\n"
            f"{list_problems(problems)}\nNothing of it was written. "
            "Put the original file there, or move this one out of the source's path, then re-run that day.",
            file=name,
            columns=tuple(problem.column for problem in problems),
            rows=tuple(problem.first_row for problem in problems),
        )
    return pa.table(columns)


@dataclass(frozen=True, kw_only=True)
class _RaggedRow:
    number: int
    expected: int
    actual: int

    @property
    def text(self) -> str:
        return f"line {self.number:,} has {self.actual} cells, the header has {self.expected}"


def _read_csv(
    data: bytes,
    header: list[str],
    columns: list[str],
    types: dict[str, pa.DataType],
    *,
    use_threads: bool,
    note: object = None,
) -> pa.Table:
    return pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(column_names=header, skip_rows=1, use_threads=use_threads),
        parse_options=pa_csv.ParseOptions(invalid_row_handler=note),
        convert_options=pa_csv.ConvertOptions(
            column_types=types, include_columns=columns, null_values=_NULLS, strings_can_be_null=True
        ),
    )


def _replace(table: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), column, values)
