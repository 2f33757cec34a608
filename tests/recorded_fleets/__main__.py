"""``python -m tests.recorded_fleets``: measure recorded failures, print them, write docs/evaluation.md."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence

from tests.conftest import PROJECT, SHARED
from tests.recorded_fleets.fleets import FLEETS, load_target_of
from tests.recorded_fleets.measure import measure
from tests.recorded_fleets.page import render_block, replace_blocks

PAGE = PROJECT / "docs" / "evaluation.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the fleets that were asked for; the page changes only where ``--write`` says so."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorded_fleets", description=__doc__)
    parser.add_argument("fleets", nargs="*", metavar="FLEET", help=f"of {', '.join(FLEETS)}; default: all")
    parser.add_argument("--split", type=dt.date.fromisoformat, help="another split than the fleet's own")
    parser.add_argument("--write", action="store_true", help=f"replace the fleets' blocks in {PAGE.name}")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.fleets) - set(FLEETS):
        parser.error(f"no recording of {', '.join(sorted(unknown))}; there are {', '.join(FLEETS)}")
    if arguments.split and (arguments.write or len(arguments.fleets) != 1):
        parser.error("--split is for one fleet, and the page holds the fleet's own split")
    blocks = []
    for name in arguments.fleets or FLEETS:
        fleet = FLEETS[name]
        measured = measure(fleet.read(SHARED / "data"), load_target_of(name), arguments.split or fleet.split)
        command = f"python -m tests.recorded_fleets {name}"
        if arguments.split:
            command += f" --split {arguments.split}"
        block = render_block(fleet, measured, command, dt.datetime.now(dt.UTC).date().isoformat())
        print(f"{fleet.title}\n\n{block}", flush=True)
        blocks.append((name, block))
    if arguments.write:
        PAGE.write_text(replace_blocks(PAGE.read_text("utf-8"), blocks), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
