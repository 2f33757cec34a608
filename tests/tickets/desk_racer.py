"""A process that opens, re-opens and comments on the same tickets as another: ``desk_racer.py DESK N``."""

import sys
from pathlib import Path

from hand_made_fleet import DAY, POLICY, make_entry

from pipelines.tickets.departures import FleetDay
from pipelines.tickets.plan import Create
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.tracker import Comment, Outcome
from pipelines.tickets.trackers.desk import Desk


def race(path: str, n_keys: int) -> None:
    """Open ``n_keys`` tickets, comment on each, and close and re-open each."""
    desk = Desk(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    # The starting gun: the parent closes our input.
    sys.stdin.read()
    for number in range(n_keys):
        (change,) = plan_changes(
            [make_entry(f"ZA{number}")], [], FleetDay(), POLICY, day=DAY, list_manifest=None
        ).changes
        assert isinstance(change, Create)
        ticket = desk.create(change.draft)
        desk.comment(ticket.ticket_id, Comment(comment_id="same", day=DAY, text="said once"))
        desk.close(ticket.ticket_id, outcome=Outcome.LEFT_LIST, day=DAY, note="")
        desk.reopen(ticket.ticket_id, day=DAY)


if __name__ == "__main__":
    assert Path(sys.argv[1]).parent.is_dir()
    race(sys.argv[1], int(sys.argv[2]))
