"""Commands that do one step for a day or a span of days."""

import argparse
import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

from pipelines.commands.output import print_line
from pipelines.day_span import list_span, parse_day
from pipelines.errors import ConfigError
from pipelines.lake import Lake, open_lake
from pipelines.progress import track
from pipelines.settings import Settings, load_settings
from pipelines.step_facts import StepFacts

DayStep = Callable[[dt.date, Settings, Lake], StepFacts]


def add_day_arguments(parser: argparse.ArgumentParser, *, with_jobs: bool = False) -> None:
    """Offer ``--day D`` or ``--from D --to D [--every N]``."""
    parser.add_argument("--day", metavar="D", help="one UTC day, YYYY-MM-DD")
    parser.add_argument("--from", dest="first", metavar="D", help="first day of a span")
    parser.add_argument("--to", dest="last", metavar="D", help="last day of a span, included")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="every Nth day of the span (default 1)"
    )
    if with_jobs:
        parser.add_argument(
            "--jobs", type=int, default=1, metavar="N", help="processes side by side (default 1)"
        )


def chosen_days(arguments: argparse.Namespace) -> list[dt.date]:
    """Return the days that the arguments name; ``ConfigError`` if they name none or contradict."""
    if arguments.day and not (arguments.first or arguments.last):
        return [parse_day(arguments.day)]
    if arguments.first and arguments.last and not arguments.day:
        return list_span(parse_day(arguments.first), parse_day(arguments.last), arguments.every)
    raise ConfigError("Name the day: --day YYYY-MM-DD, or a span: --from YYYY-MM-DD --to YYYY-MM-DD.")


def run_days(arguments: argparse.Namespace, title: str, step: DayStep) -> int:
    """Run ``step`` for each chosen day, oldest first, one line each."""
    days = chosen_days(arguments)
    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    if getattr(arguments, "jobs", 1) > 1 and len(days) > 1:
        _run_side_by_side(arguments.jobs, days, title, step, settings)
        return 0
    for day in track(days, title):
        print_line(step(day, settings, lake).summary)
    return 0


def open_settings_lake(settings: Settings) -> Lake:
    """Open the lake that the settings name."""
    return open_lake(settings.resolve_path(settings.lake.root), settings.lake)


def _run_side_by_side(
    n_jobs: int, days: Sequence[dt.date], title: str, step: DayStep, settings: Settings
) -> None:
    # Consecutive days stay with one process: the check of a day's volume looks at the days before it.
    size = min(30, -(-len(days) // n_jobs))
    chunks = [days[start : start + size] for start in range(0, len(days), size)]
    with ProcessPoolExecutor(n_jobs) as pool:
        futures = [pool.submit(_run_chunk, chunk, step, settings) for chunk in chunks]
        for future in track(futures, title):
            for line in future.result():
                print_line(line)


def _run_chunk(days: Sequence[dt.date], step: DayStep, settings: Settings) -> list[str]:
    lake = open_settings_lake(settings)
    return [step(day, settings, lake).summary for day in days]
