"""The local desk's SQLite file: its schema and versions, its transactions, its errors in our words."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import PermanentError, TrackerError

_BUSY_SECONDS = 30.0
_SWITCH_SECONDS = 0.02
# Each entry lifts the schema by one version; PRAGMA user_version counts them. Never change an old one.
_MIGRATIONS = (
    (
        """
        CREATE TABLE tickets (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL,
            environment TEXT NOT NULL,
            opened_day TEXT NOT NULL,
            title TEXT NOT NULL,
            body TEXT NOT NULL,
            is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
            closed_day TEXT,
            outcome TEXT,
            snoozed_until TEXT
        ) STRICT
        """,
        # The desk itself refuses a second open ticket under one key, whoever asks and however often.
        "CREATE UNIQUE INDEX one_open_ticket_per_key ON tickets (key) WHERE is_open = 1",
        "CREATE INDEX tickets_by_key ON tickets (key)",
        "CREATE INDEX tickets_by_opened_day ON tickets (environment, opened_day)",
        """
        CREATE TABLE history (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            ticket_number INTEGER NOT NULL REFERENCES tickets (number),
            comment_id TEXT NOT NULL,
            day TEXT NOT NULL,
            text TEXT NOT NULL,
            UNIQUE (ticket_number, comment_id)
        ) STRICT
        """,
    ),
)


class DeskDatabase:
    """One SQLite file. Each transaction has its own connection, so processes may come and go.

    ``is_read_only``: SQLite itself refuses to write, and a file that is not there yet reads as an empty desk.
    """

    def __init__(self, path: str, *, is_read_only: bool = False) -> None:
        self.path = path
        self._is_read_only = is_read_only

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the file and its schema, and commit what is done in the block, or nothing of it.

        The write lock is taken at the start (BEGIN IMMEDIATE): what the block reads stays true until
        it has written. ``TrackerError`` where waiting may help, ``PermanentError`` where it can't.
        """
        try:
            connection = self._connect()
        except (OSError, sqlite3.Error) as error:
            raise self._translate(error) from error
        try:
            self._prepare(connection)
            connection.execute("BEGIN" if self._is_read_only else "BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._translate(error) from error
        finally:
            # Closing rolls back what was not committed.
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        path = Path(self.path)
        if not self._is_read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            return sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        if not path.is_file():
            # An empty desk in memory stands for a file that is not there.
            return sqlite3.connect(":memory:", isolation_level=None)
        # Not mode=ro: whoever may not write can't clear away the files beside it that even reading needs.
        address = f"{path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, timeout=_BUSY_SECONDS, isolation_level=None, uri=True)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if _read_version(connection) == len(_MIGRATIONS):
            return
        _keep_write_ahead_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        version = _read_version(connection)
        if version > len(_MIGRATIONS):
            raise PermanentError(
                f"The ticket desk {self.path} was written by a newer Prefail (schema {version}, "
                f"this one knows {len(_MIGRATIONS)}). Nothing was changed. Install that version again, "
                "or set tickets.desk_path to another file.",
                path=self.path,
                version=version,
            )
        for statements in _MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        connection.execute("COMMIT")

    def _translate(self, error: Exception) -> PermanentError | TrackerError:
        place = f"The ticket desk {self.path}"
        unaffected = "The published list is not affected"
        if isinstance(error, sqlite3.OperationalError) and _may_pass(error):
            return TrackerError(
                f"{place} is busy or its disk is full ({error}). {unaffected}, and no ticket is lost or "
                "doubled. Run the same command again: prefail tickets --day <day>",
                path=self.path,
            )
        return PermanentError(
            f"{place} can't be used ({error}). {unaffected}. Check that tickets.desk_path names a "
            "writable SQLite file on a local disk, or restore it from its copy, then run the same command again.",
            path=self.path,
        )


def _keep_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to the mode in which readers don't wait for writers; the file keeps it.

    SQLite does not wait for another process that is switching too, so we do.
    """
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _may_pass(error) or time.monotonic() > give_up:
                raise
            time.sleep(_SWITCH_SECONDS)
        else:
            return


def _may_pass(error: sqlite3.OperationalError) -> bool:
    # The low byte is the primary code; the rest says more about it.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _read_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
