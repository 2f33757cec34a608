"""``prefail days check``: which days never fired, fired twice or are stuck."""

import argparse
import datetime as dt

from pipelines.commands.output import print_line, print_table
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day
from pipelines.run_record import run_recorded
from pipelines.settings import load_settings

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add ``days`` with its action."""
    days = commands.add_parser("days", help="find days that are missing, stuck or out of date")
    actions = days.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="say which days never fired, fired twice or are stuck, and which command heals them",
        description="Reads: what the lake holds of each day, and the sources' files. Writes: without --from and --to "
        "monitoring/day_checks/day=D.json, which `prefail metrics` counts; else nothing. Exit code 1 if something is "
        "to be healed; what is only to know is marked so.",
    )
    check.add_argument(
        "--from", dest="first", metavar="D", help="first day (default: 29 days before the last)"
    )
    check.add_argument("--to", dest="last", metavar="D", help="last day, included (default: yesterday, UTC)")
    check.set_defaults(run=_run_check)


def _run_check(arguments: argparse.Namespace) -> int:
    from pipelines.day_check import N_DAYS, check_days, check_last_days
    from pipelines.day_findings import read_day_check

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    last = parse_day(arguments.last) if arguments.last else yesterday
    first = parse_day(arguments.first) if arguments.first else last - dt.timedelta(days=N_DAYS - 1)
    if arguments.first or arguments.last:
        checked = check_days(first, last, settings, lake)
    else:
        run_recorded(check_last_days, last, settings, lake)
        checked = read_day_check(last, lake)
    if checked.findings:
        print_table(
            f"{len(checked.findings)} findings",
            ("day", "", "what", "heal it by"),
            [
                (each.day, f"{each.trouble}{' (note)' if each.is_note else ''}", each.what, each.command)
                for each in checked.findings
            ],
        )
    print_line(checked.summary)
    return 1 if checked.to_heal else 0
