"""A small fleet that a real scheduler delivers, and the command line beside it."""

import datetime as dt
import subprocess
from dataclasses import dataclass
from pathlib import Path

from airflow_server import BIN

FAILED_BY_THE_SOURCE = frozenset({"ingest_day.ingest", "ingest_day.check_sources"})


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A small simulated fleet whose last delivered day is yesterday, so that the schedule finds it."""

    settings_path: Path
    history_days: tuple[dt.date, ...]
    backfilled_days: tuple[dt.date, ...]
    yesterday: dt.date


def run_prefail(settings_path: Path, *arguments: str) -> None:
    done = subprocess.run(
        [BIN / "prefail", "--config", settings_path, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
