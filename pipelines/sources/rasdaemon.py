"""Hardware events from the SQLite data bases that rasdaemon keeps on each host, whatever its version records.

Which tables and columns a data base has depends on how rasdaemon was built, so they are looked up. A row is
known from when it was written.
"""

import contextlib
import datetime as dt
import logging
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from pipelines.errors import TransientError
from pipelines.sources.archives import stat_key
from pipelines.sources.event_messages import EventMessage, collect_messages
from pipelines.sources.hw_events import EventCollector, nothing_of, raw_events
from pipelines.sources.log_files import (
    Findings,
    Layout,
    LogFile,
    LogReader,
    day_of_folder,
    existing_folder,
    find_log_files,
)
from pipelines.sources.rasdaemon_rows import message_of, second_of
from pipelines.sources.source import InputFile, RawTable, SourceOptions

log = logging.getLogger(__name__)

_SIDE_FILES = ("-journal", "-wal", "-shm")
NO_DATABASE = "no SQLite data base, or a damaged one"
NO_TABLE = "a data base without a table of events"
BAD_TIME = "a row without a time"
# A host that records more has been broken for years.
_MAX_ROWS_A_TABLE = 2_000_000


class Options(SourceOptions):
    """Where copies of ras-mc_event.db are."""

    path: str = Field(description="Folder of the data bases; relative to the config file.")
    layout: Layout = Field(
        default="host_folders",
        description="host_folders: <path>/<host>* or <path>/<host>/*; day_folders: the same below <path>/<YYYY-MM-DD>.",
    )


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have a folder (day_folders) or an event, ascending."""
    root = existing_folder(base_folder / options.path)
    if options.layout == "day_folders":
        days = (day_of_folder(folder.name) for folder in root.iterdir() if folder.is_dir())
        return sorted(day for day in days if day is not None)
    found = (message for file in _databases(root) for message in _read_database(file, Findings()))
    return sorted({_day_of(message) for message in found})


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_hw_events of ``day``; a damaged data base costs only its own host."""
    root = existing_folder(base_folder / options.path)
    files = _databases(root / day.isoformat() if options.layout == "day_folders" else root)
    if not files:
        raise nothing_of(day, str(root), "data base of rasdaemon")
    collector, findings, inputs = EventCollector(), Findings(), list[InputFile]()
    for file in files:
        found = Findings()
        collect_messages([each for each in _read_database(file, found) if _day_of(each) == day], collector)
        findings.merge(found, file.name)
        reader = LogReader(file, Findings())
        for _ in reader.blocks():
            pass
        inputs += [reader.input_file] if reader.input_file else []
    raw = raw_events(collector, day, "rasdaemon", inputs, findings.as_mapping())
    log.info(f"read data bases of rasdaemon of {day}: hosts={len(files)} rows={raw.table.num_rows}")
    if raw.left_out:
        listed = "; ".join(f"{left.count} × {left.reason} ({left.example})" for left in raw.left_out)
        log.warning(f"rows of rasdaemon of {day} without an event: {listed}")
    yield raw


def _databases(root: Path) -> list[LogFile]:
    return [file for file in find_log_files(root) if not file.name.endswith(_SIDE_FILES)]


def _read_database(file: LogFile, findings: Findings) -> list[EventMessage]:
    """Return the events of one data base; it is opened as it lies there and never written."""
    before = file.version()
    messages: list[EventMessage] = []
    try:
        with _opened(file.path) as connection:
            names = [
                str(name)
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            tables = [name for name in sorted(names) if "timestamp" in _columns(connection, name)]
            if not tables:
                findings.add(NO_TABLE, ", ".join(names) or "(no table)")
            for table in tables:
                messages += _read_table(connection, table, file.host_id, findings)
    except sqlite3.DatabaseError as damaged:
        # Pages that were read before the damage count.
        findings.add(NO_DATABASE, str(damaged))
    except OSError as error:
        raise TransientError(
            f"{file.name} could not be read: {error.strerror}. Nothing of it was written. Re-run that day.",
            file=file.name,
        ) from error
    if stat_key(file.path.stat()) != before:
        raise TransientError(
            f"{file.name} changed while it was read. Nothing of it was written. Copy it with sqlite3 .backup, "
            "then re-run that day.",
            file=file.name,
        )
    return messages


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open read-only. With a journal beside it the data base is not whole without it: a copy of both is opened."""
    sides = [side for suffix in _SIDE_FILES if (side := path.with_name(path.name + suffix)).exists()]
    with contextlib.ExitStack() as stack:
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        if sides:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prefail-ras-")))
            for each in (path, *sides):
                shutil.copyfile(each, folder / each.name)
            address = f"{(folder / path.name).as_uri()}?mode=rw"
        connection = stack.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))
        # Text in a data base of a broken host need not be UTF-8.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        yield connection


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({_quoted(table)})")]


def _quoted(name: str) -> str:
    """Table names come from the file, so they are never trusted as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _read_table(
    connection: sqlite3.Connection, table: str, host_id: str, findings: Findings
) -> list[EventMessage]:
    columns = _columns(connection, table)
    messages = []
    query = f"SELECT * FROM {_quoted(table)} ORDER BY rowid LIMIT {_MAX_ROWS_A_TABLE}"  # noqa: S608  quoted above
    for values in connection.execute(query):
        row = dict(zip(columns, values, strict=True))
        second = second_of(row.get("timestamp"))
        if second is None:
            findings.add(BAD_TIME, f"{table}: {row.get('timestamp')}")
            continue
        messages.append(message_of(table, row, host_id, second))
    return messages


def _day_of(message: EventMessage) -> dt.date:
    return dt.datetime.fromtimestamp(message.second, dt.UTC).date()
