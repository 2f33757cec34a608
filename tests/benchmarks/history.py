"""The real history through the command line: ingest, build, train, back-test, each in its own process.

The memory of a step is what the kernel says of its process and of those that it waited for: the
largest of them, not their sum. Ingest and build run with one process, so that this is the whole.
"""

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MissingInputError
from pipelines.lake import open_lake
from pipelines.sources import drive_stats
from tests.benchmarks.rows import Row, Timing
from tests.benchmarks.timing import in_megabytes, say

MEMORY_LIMIT_MB = 6_000
_HORIZON_DAYS = 30
_TESTED_DAYS = 366
_SETTINGS = """\
[lake]
root = "lake"
[[sources]]
name = "drives"
kind = "drive_stats"
path = {folder!r}
"""


@dataclass(frozen=True, kw_only=True)
class Span:
    """What is done with which days: learned up to ``as_of``, back-tested in ``[first_tested, last_tested]``."""

    first_day: dt.date
    last_day: dt.date
    as_of: dt.date
    first_tested: dt.date
    last_tested: dt.date


def choose_span(days: Sequence[dt.date]) -> Span:
    """Keep the last year for the back-test, or half of what there is if that is less.

    Every tested day has its horizon behind it.
    """
    n_tested = min(_TESTED_DAYS, (days[-1] - days[0]).days // 2)
    as_of = days[-1] - dt.timedelta(days=n_tested)
    last_tested = days[-1] - dt.timedelta(days=_HORIZON_DAYS + 1)
    if last_tested <= as_of:
        raise MissingInputError(
            f"{days[0]} to {days[-1]} is too short to train and back-test with a horizon of {_HORIZON_DAYS} days. "
            "Nothing was run. Name a folder with at least ten weeks of daily files."
        )
    return Span(
        first_day=days[0],
        last_day=days[-1],
        as_of=as_of,
        first_tested=as_of + dt.timedelta(days=1),
        last_tested=last_tested,
    )


def run_history(drive_stats_folder: Path, work_folder: Path | None) -> list[Row]:
    """Run all steps over a folder of daily files; the lake goes to ``work_folder``, or is thrown away."""
    if work_folder is not None:
        work_folder.mkdir(parents=True, exist_ok=True)
        return _run_in(drive_stats_folder.absolute(), work_folder)
    with tempfile.TemporaryDirectory(prefix="prefail-bench-") as folder:
        return _run_in(drive_stats_folder.absolute(), Path(folder))


def _run_in(drive_stats_folder: Path, folder: Path) -> list[Row]:
    days = drive_stats.list_days(drive_stats.Options(path=str(drive_stats_folder)), folder)
    if not days:
        raise MissingInputError(
            f"{drive_stats_folder} has no file named YYYY-MM-DD.csv[.gz]. Nothing was run."
        )
    span = choose_span(days)
    (folder / "prefail.toml").write_text(_SETTINGS.format(folder=str(drive_stats_folder)), "utf-8")
    whole = ("--from", str(span.first_day), "--to", str(span.last_day))
    tested = ("--from", str(span.first_tested), "--to", str(span.last_tested))
    steps = (
        ("ingest", *whole),
        ("build", *whole),
        ("train", "--as-of", str(span.as_of)),
        ("backtest", *tested, "--train-as-of", str(span.as_of)),
    )
    timings = [_run_step(step, folder) for step in steps]
    lake = open_lake(str(folder / "lake"))
    n_rows = sum(
        lake.open_day("core_drive_days", day).metadata.num_rows for day in lake.list_days("core_drive_days")
    )
    notes = (
        f"{len(days):,} days, {n_rows:,} drive-days in the end",
        "",
        f"as of {span.as_of}",
        f"trains again, then scores every day of {span.first_tested} to {span.last_tested}",
    )
    return [
        Row(name=f"prefail {step[0]}", subject=timing, peak_at_most_mb=MEMORY_LIMIT_MB, note=note)
        for step, timing, note in zip(steps, timings, notes, strict=True)
    ]


def _run_step(step: Sequence[str], folder: Path) -> Timing:
    """Run one command to its end and return its time and memory; a failing step ends the benchmark."""
    say(f"prefail {' '.join(step)}")
    arguments = [sys.executable, "-m", "pipelines.cli", "--config", "prefail.toml", *step]
    output = folder / f"{step[0]}.out"
    begun = time.perf_counter()
    with output.open("wb") as sink:
        process = subprocess.Popen(arguments, cwd=folder, stdout=sink, env=_environment())
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"prefail {' '.join(step)} ended with {process.returncode}; its message is above.")
    return Timing(
        what="the whole history",
        wall_seconds=time.perf_counter() - begun,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mb=in_megabytes(used.ru_maxrss),
    )


def _environment() -> dict[str, str]:
    """The checkout's own packages, and no setting of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFAIL_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
