"""``prefail config | demo``: commands that need no lake of their own yet."""

import argparse
import json
from pathlib import Path

from pipelines.commands.output import print_line
from pipelines.settings import load_settings

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add the two commands."""
    config = commands.add_parser("config", help="check the settings and print what is in effect")
    actions = config.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="print the effective settings, secrets masked",
        description="Reads: prefail.toml and the environment. Names everything that is wrong at once.",
    )
    check.set_defaults(run=_run_config_check)

    demo = commands.add_parser(
        "demo",
        help="run the whole path on a simulated fleet",
        description="Writes a simulated fleet's files (drives, inventory, kernel log, repairs), then runs every step "
        "over several weeks below one folder, and prints the verdicts, what scored, the list, the tickets and "
        "the report's path. "
        "Run again, it changes nothing.",
    )
    demo.add_argument(
        "--folder", default=".demo", metavar="PATH", help="where everything goes (default .demo)"
    )
    demo.set_defaults(run=_run_demo)


def _run_config_check(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    # model_dump_json writes SecretStr as asterisks.
    print_line(json.dumps(json.loads(settings.model_dump_json()), indent=2, ensure_ascii=False))
    return 0


def _run_demo(arguments: argparse.Namespace) -> int:
    from pipelines.demo import run_demo

    run_demo(Path(arguments.folder))
    return 0
