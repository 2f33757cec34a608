"""``prefail export list | training-set``: files for others."""

import argparse
from pathlib import Path

from pipelines.commands.output import print_line
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day
from pipelines.settings import load_settings

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add ``export`` with its actions."""
    export = commands.add_parser(
        "export",
        help="write a list or a training set for others",
        description="With --pseudonymise, serials and host names become pseudonyms under the key in "
        "PREFAIL_PSEUDONYM_KEY: the same key gives the same pseudonyms. Days, models, slots and racks stay.",
    )
    actions = export.add_subparsers(title="actions", metavar="ACTION", required=True)

    listed = actions.add_parser("list", help="the published list of a day, as Parquet and CSV")
    listed.add_argument("--day", required=True, metavar="D", help="day of the list")
    listed.set_defaults(run=_run_list)

    rows = actions.add_parser("training-set", help="the rows that training would learn from, as Parquet")
    rows.add_argument(
        "--as-of", required=True, metavar="D", help="only what was known by the end of this day"
    )
    rows.add_argument("--target", metavar="NAME", help="this target (default: the first of the settings)")
    rows.set_defaults(run=_run_training_set)

    for action in (listed, rows):
        action.add_argument("--out", default=".", metavar="FOLDER", help="where the files go (default: here)")
        action.add_argument(
            "--pseudonymise", action="store_true", help="no serial and no host name in the files"
        )


def _run_list(arguments: argparse.Namespace) -> int:
    from pipelines.export import export_list
    from pipelines.pseudonyms import Pseudonyms

    settings = load_settings(arguments.config)
    pseudonyms = Pseudonyms(settings.pseudonym_key) if arguments.pseudonymise else None
    lake = open_settings_lake(settings)
    print_line(export_list(parse_day(arguments.day), lake, Path(arguments.out), pseudonyms).summary)
    return 0


def _run_training_set(arguments: argparse.Namespace) -> int:
    from pipelines.export import export_training_set
    from pipelines.pseudonyms import Pseudonyms

    settings = load_settings(arguments.config)
    pseudonyms = Pseudonyms(settings.pseudonym_key) if arguments.pseudonymise else None
    exported = export_training_set(
        arguments.target or settings.targets[0],
        parse_day(arguments.as_of),
        settings,
        open_settings_lake(settings),
        Path(arguments.out),
        pseudonyms,
    )
    print_line(exported.summary)
    return 0
