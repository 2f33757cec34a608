"""``python -m tests.benchmarks``: run the benchmarks, print them, write docs/benchmarks.md."""

import argparse
import dataclasses
import datetime as dt
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.discovery import list_benchmarks, run_alone, title_of
from tests.benchmarks.document import HISTORY, render_section, replace_sections
from tests.benchmarks.history import run_history
from tests.benchmarks.machine import Conditions, look_at_machine
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import say

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_HISTORY_TITLE = "The real history, in bounded memory"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 even where a limit is missed: the page says so, and no build hangs on a time."""
    arguments = _parse(argv)
    measured: dict[str, str] = {}
    short: list[str] = []

    def finish(name: str, title: str, command: str, rows: list[Row], conditions: Conditions) -> None:
        done = dataclasses.replace(conditions, load_after=os.getloadavg()[0])
        measured[name] = render_section(title, command, rows, done)
        print(measured[name], flush=True)
        short.extend(f"{row.name}: {missed}" for row in rows for missed in row.shortfalls)

    if arguments.history is not None:
        conditions = look_at_machine(dt.datetime.now(dt.UTC))
        rows = run_history(arguments.history, arguments.work)
        finish(HISTORY, _HISTORY_TITLE, "python -m tests.benchmarks --history FOLDER", rows, conditions)
    else:
        for name in arguments.only or list_benchmarks():
            conditions = look_at_machine(dt.datetime.now(dt.UTC))
            say(f"{name}: load average {conditions.load_before:.1f} on {conditions.n_cores} cores")
            rows = run_alone(name, arguments.scale)
            finish(name, title_of(name), _name_command(name, arguments.scale), rows, conditions)
    print("Falls short:\n  " + "\n  ".join(short) if short else "Nothing falls short.")
    if arguments.scale == 1.0:
        PAGE.write_text(replace_sections(PAGE.read_text("utf-8") if PAGE.exists() else "", measured), "utf-8")
        print(f"Wrote {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}")
    else:
        print("docs/benchmarks.md is as it was: the limits speak of --scale 1.")
    return 0


def _name_command(name: str, scale: float) -> str:
    return f"python -m tests.benchmarks --only {name}" + ("" if scale == 1.0 else f" --scale {scale:g}")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the full size; below 1 nothing is written"
    )
    parser.add_argument(
        "--only", action="append", choices=list_benchmarks(), help="this benchmark (may be repeated)"
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="FOLDER",
        help="instead: ingest, build, train and back-test this folder of daily Drive Stats files (hours)",
    )
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="keep the history's lake here (default: thrown away)"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
