"""Daily drive health in the published Backblaze Drive Stats format, from a folder of CSV files.

A day's file is complete when the day is over, so everything in it is known at the day's last instant
(UTC), and nothing earlier.
"""

import datetime as dt
import functools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipelines.errors import MissingInputError, SourceError
from pipelines.sources.archives import CsvFile, FoundFiles, find_csv_files, read_csv_file, version_of
from pipelines.sources.drive_stats_csv import parse_drive_stats
from pipelines.sources.drive_stats_location import locate_drives
from pipelines.sources.raw_columns import KNOWN_AT, complete_columns, end_of_day, raw_schema, repeat
from pipelines.sources.source import InputFile, RawTable, SourceOptions

log = logging.getLogger(__name__)


class Options(SourceOptions):
    """Where the files are and how they are cut."""

    path: str = Field(
        description="A folder, searched to the bottom, or one file; relative to the config file."
    )
    layout: Literal["daily_files", "any_files"] = Field(
        default="daily_files",
        description="daily_files: one file a day, named YYYY-MM-DD.csv; any_files: days by the date column.",
    )
    pattern: str = Field(default="*", description="Glob that the names of files on disk must match.")


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have a file (or, with any_files, a row), ascending."""
    found = find_csv_files(base_folder / options.path, options.pattern)
    _warn_unreadable(found)
    if options.layout == "any_files":
        return sorted({day for file in found.files for day in _days_in(file)})
    return sorted({day for file in found.files if (day := _day_of_name(file)) is not None})


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_drive_smart of ``day`` and, where the files say where drives sit, raw_inventory.

    ``failure`` = 1 is a failure; a drive that just stops appearing is not one.
    """
    found = find_csv_files(base_folder / options.path, options.pattern)
    if options.layout == "any_files":
        rows, inputs = _read_any_files(found, day)
    else:
        rows, inputs = _read_daily_file(found, day)
    yield RawTable(dataset="raw_drive_smart", table=_drive_smart(rows, day), inputs=inputs)
    located = locate_drives(rows, day)
    if located is not None:
        yield RawTable(dataset="raw_inventory", table=located.table, inputs=inputs, left_out=located.left_out)


def list_inputs(options: Options, day: dt.date, base_folder: Path) -> tuple[InputFile, ...]:
    """Return the files that ``day`` is made of now, so that a late or replaced one is noticed."""
    found = find_csv_files(base_folder / options.path, options.pattern)
    if options.layout == "any_files":
        files = [file for file in found.files if day in _days_in(file)]
    else:
        files = [file for file in found.files if _day_of_name(file) == day][:1]
    return tuple(read_csv_file(file)[1] for file in files)


def _drive_smart(rows: pa.Table, day: dt.date) -> pa.Table:
    known = raw_schema("raw_drive_smart").names
    columns = {name: rows[name] for name in rows.column_names if name in known}
    columns["is_failed"] = rows["failure"]
    columns["source"] = repeat("drive_stats", pa.string(), rows.num_rows)
    columns["known_at"] = repeat(end_of_day(day), KNOWN_AT, rows.num_rows)
    return complete_columns("raw_drive_smart", columns, rows.num_rows)


def _read_daily_file(found: FoundFiles, day: dt.date) -> tuple[pa.Table, tuple[InputFile, ...]]:
    candidates = [file for file in found.files if _day_of_name(file) == day]
    if not candidates:
        raise _nothing_of(day, found)
    _warn_unreadable(found)
    file = candidates[0]
    data, first_input = read_csv_file(file)
    for other in candidates[1:]:
        other_data, _ = read_csv_file(other)
        if other_data != data:
            raise SourceError(
                f"{day} is there twice, and not the same: {file.name} ({len(data):,} bytes) and "
                f"{other.name} ({len(other_data):,} bytes). Nothing was written. "
                "Remove the one that is wrong, then re-run that day.",
                day=day.isoformat(),
                files=(file.name, other.name),
            )
    rows = parse_drive_stats(data, file.name)
    others = rows.filter(pc.not_equal(rows["date"], day))
    if others.num_rows:
        raise _wrong_day(file, day, others["date"], rows.num_rows)
    return rows, (first_input,)


def _wrong_day(file: CsvFile, day: dt.date, dates: pa.ChunkedArray, n_rows: int) -> SourceError:
    counts = sorted((entry["values"], entry["counts"]) for entry in pc.value_counts(dates).to_pylist())
    shown = ", ".join(
        f"{date} ({count:,} rows{', in the future of that day' if date > day else ''})"
        for date, count in counts[:5]
    )
    return SourceError(
        f"{file.name} says by its name that it is of {day}, but {len(dates):,} of its {n_rows:,} rows are of "
        f"{shown}{' and other days' if len(counts) > 5 else ''}. Nothing of it was written. Put the right "
        'file there, or set layout = "any_files" if files hold several days, then re-run that day.',
        file=file.name,
        day=day.isoformat(),
        n_rows=len(dates),
    )


def _read_any_files(found: FoundFiles, day: dt.date) -> tuple[pa.Table, tuple[InputFile, ...]]:
    if found.unreadable:
        raise found.unreadable[0]  # which days it holds is unknown: any day might be incomplete
    tables: list[pa.Table] = []
    inputs: list[InputFile] = []
    for file in found.files:
        if day in _days_in(file):
            data, one_input = read_csv_file(file)
            rows = parse_drive_stats(data, file.name)
            tables.append(rows.filter(pc.equal(rows["date"], day)))
            inputs.append(one_input)
    if not tables:
        raise _nothing_of(day, found)
    return pa.concat_tables(tables, promote_options="default"), tuple(inputs)


def _days_in(file: CsvFile) -> frozenset[dt.date]:
    return _days_at(file, version_of(file))


@functools.lru_cache(maxsize=4096)
def _days_at(file: CsvFile, _version: tuple[int, int, int]) -> frozenset[dt.date]:
    # The version is part of the cache's key: a changed file is looked into anew.
    data, _ = read_csv_file(file)
    return frozenset(pc.unique(parse_drive_stats(data, file.name, only_date=True)["date"]).to_pylist())


def _day_of_name(file: CsvFile) -> dt.date | None:
    try:
        # fromisoformat would take 20240101 and 2024-W01-1 as well.
        day = dt.datetime.strptime(file.stem, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None
    return day if day.isoformat() == file.stem else None


def _nothing_of(day: dt.date, found: FoundFiles) -> SourceError | MissingInputError:
    if found.unreadable:
        return found.unreadable[0]
    days = sorted({named for file in found.files if (named := _day_of_name(file)) is not None})
    has = f"it has {len(days)} days, {days[0]} to {days[-1]}" if days else "it has no file named by a day"
    n_others = len(found.files) - sum(_day_of_name(file) is not None for file in found.files)
    hint = f' and {n_others} other CSV files (layout = "any_files" reads them by date)' if n_others else ""
    return MissingInputError(
        f"The Drive Stats folder has nothing of {day}; {has}{hint}. Nothing was written. "
        "Put the day's file there, then re-run that day.",
        day=day.isoformat(),
    )


def _warn_unreadable(found: FoundFiles) -> None:
    for error in found.unreadable:
        log.warning(f"left out an archive of the Drive Stats folder: {error}")
