"""The ``prefail`` command: the same functions that the DAG tasks call.

Exit codes: 0 done, 1 a person must act, 75 try again (EX_TEMPFAIL of sysexits.h).
"""

import argparse
import importlib.metadata
import logging
import sys
from collections.abc import Sequence

from pipelines.commands import (
    check_commands,
    day_commands,
    export_commands,
    lake_commands,
    lake_free,
    model_commands,
    monitor_commands,
    outcome_commands,
    ticket_commands,
)
from pipelines.errors import PrefailError

_DESCRIPTION = """\
Says each morning which hosts will fail, which part, why, and opens the ticket before it happens.

A day goes through: ingest -> build -> score -> publish -> tickets. `prefail demo` shows all of it."""

_EPILOGUE = """\
settings: prefail.toml in this folder, or --config PATH, or PREFAIL_CONFIG=PATH;
          any value by environment, e.g. PREFAIL_LAKE__ROOT=s3://bucket/prefix
exit codes: 0 done, 1 a person must act (the message says how), 75 try the same command again"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    parser = argparse.ArgumentParser(
        prog="prefail",
        description=_DESCRIPTION,
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"prefail {importlib.metadata.version('prefail')}"
    )
    parser.add_argument("--config", metavar="PATH", help="settings file (default: prefail.toml)")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every step's own lines, too")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (
        day_commands,
        ticket_commands,
        outcome_commands,
        model_commands,
        monitor_commands,
        check_commands,
        lake_commands,
        export_commands,
        lake_free,
    ):
        group.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error is one message on standard error, no traceback."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    # A step's facts are printed; its log line would say the same again. Progress is not.
    logging.getLogger("pipelines.progress").setLevel(logging.INFO)
    if arguments.verbose:
        for package in ("pipelines", "features", "data_contracts"):
            logging.getLogger(package).setLevel(logging.INFO)
    try:
        code: int = arguments.run(arguments)
    except PrefailError as error:
        print(f"prefail: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(
            "prefail: stopped. What was published is unchanged; run the same command again.", file=sys.stderr
        )
        return 130
    except BrokenPipeError:
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
