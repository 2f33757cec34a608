"""What the tests of logs share: a day's events as rows, and files of made-up hosts."""

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path

from pipelines.sources import kernel_log
from pipelines.sources.source import LeftOut, RawTable

DAY = dt.date(2026, 2, 1)
Row = dict[str, object]


def rows_of(tables: Iterable[RawTable]) -> list[Row]:
    """Return the rows of all tables."""
    return [row for raw in tables for row in raw.table.to_pylist()]


def left_out_of(tables: Iterable[RawTable]) -> dict[str, LeftOut]:
    """Return what gave no row, by reason."""
    return {left.reason: left for raw in tables for left in raw.left_out}


def write_log(root: Path, name: str, data: bytes | str, day: dt.date = DAY) -> Path:
    """Write a file of ``day`` below ``root/logs``, as old as the next morning."""
    path = root / "logs" / day.isoformat() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    morning = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(1), dt.UTC).timestamp()
    os.utime(path, (morning, morning))
    return path


def read_logs(root: Path, **options: str) -> list[RawTable]:
    """Return raw_hw_events of ``DAY`` from the files that ``write_log`` wrote."""
    wanted = kernel_log.Options.model_validate({"path": "logs", **options})
    return list(kernel_log.read_day(wanted, DAY, root))


def signatures_of(tables: Iterable[RawTable]) -> list[str]:
    """Return the signatures of all rows that have one, in order of time."""
    return [str(row["signature"]) for row in rows_of(tables) if row["signature"] is not None]
