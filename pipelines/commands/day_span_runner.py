"""Commands that do one step for a day or a span of days."""

import argparse
import datetime as dt
import functools

from pipelines.commands.output import print_line
from pipelines.day_runs import DayStep, run_days
from pipelines.day_span import list_span, parse_day
from pipelines.errors import ConfigError
from pipelines.run_record import run_recorded
from pipelines.settings import load_settings


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


def run_chosen_days(arguments: argparse.Namespace, title: str, step: DayStep) -> int:
    """Run ``step`` for each chosen day, oldest first, one line each."""
    days = chosen_days(arguments)
    settings = load_settings(arguments.config)
    n_processes = getattr(arguments, "jobs", 1)
    recorded = functools.partial(run_recorded, step)
    for facts in run_days(days, recorded, settings, title=title, n_processes=n_processes):
        print_line(facts.summary)
    return 0
