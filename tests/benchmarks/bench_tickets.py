"""10,000 open tickets in a Jira on loopback, 200 of them to change: calls counted, cut short by a rate limit."""

import datetime as dt
import math
import sys
from contextlib import suppress
from pathlib import Path

from pipelines.errors import TrackerError
from pipelines.lake import Lake
from pipelines.tickets.apply import apply_plan
from pipelines.tickets.claimed_tracker import ClaimedTracker
from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Close, Create, Keep, Update
from pipelines.tickets.policy import Policy
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.remote.issues import list_labels
from pipelines.tickets.remote.jira_markup import write_document
from pipelines.tickets.trackers.jira import Jira, Options
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import Side, time_in_turn

# The fleet made by hand and the small Jira are those of the tests, which find them in their own folders.
sys.path += [str(Path(__file__).parents[1] / "tickets" / part) for part in ("", "trackers")]

from hand_made_fleet import make_entry
from jira_server import AUTHORIZATION, JiraServer
from memory_store import MemoryStore
from small_server import Answer, Request, serve

N_OPEN = 10_000
N_CHANGES = 200
FIRST = dt.date(2026, 12, 1)
LAST = FIRST + dt.timedelta(days=20)
_POLICY = Policy(k_per_day=10**6, close_after_days=14, reopen_within_days=30, update_risk_step=0.10)
# To open: look, open, read back. To comment: look, say. To rewrite: read, write, read back. To close: read, look,
# say, write, ask for the workflow's ways, take one, read back.
_CALLS_OF = {Create: 3, Update: 2 + 3, Close: 7, Keep: 0}


def run(scale: float) -> list[Row]:
    """Measure on ``scale`` × 10,000 open tickets."""
    n_open, n_changes = max(30, round(N_OPEN * scale)), max(6, round(N_CHANGES * scale))
    world = World(n_open, n_changes)
    with serve(world.server):
        (cut,) = time_in_turn(Side(what="until the limit", work=lambda: world.reconcile(True)), n_runs=1)
        n_done = world.count_changed()
        (rest,) = time_in_turn(Side(what="the run after it", work=lambda: world.reconcile(False)), n_runs=1)
        (quiet,) = time_in_turn(Side(what="nothing to do", work=lambda: world.reconcile(False)), n_runs=1)
    if not 0 < n_done < n_changes == world.count_changed():
        raise AssertionError(
            f"{n_done} changes before the limit, {world.count_changed()} of {n_changes} after it"
        )
    first, second, third = world.n_calls
    open_note = f"{n_open:,} open tickets, {n_changes} changes"
    return [
        Row(name="until a rate limit", subject=cut, note=f"{open_note}: {n_done} in {first} calls, then 429"),
        Row(name="the run after it", subject=rest, note=f"the other {n_changes - n_done} in {second} calls"),
        Row(name="nothing to change", subject=quiet, note=f"{third} calls; a page holds 100 tickets"),
    ]


class LimitedJira(JiraServer):
    """Refuses every call once ``calls_left`` are used up; null is no limit."""

    calls_left: int | None = None

    def answer(self, request: Request) -> Answer:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                return Answer(429, {"errorMessages": ["Rate limit"]}, {"Retry-After": "3600"})
        return super().answer(request)


class World:
    """Open tickets of some weeks ago, and today's list: a third is gone for good, a third worse, a third new."""

    def __init__(self, n_open: int, n_changes: int) -> None:
        self.server = LimitedJira(3)
        self.n_calls: list[int] = []
        self._lake = Lake(MemoryStore())
        third = n_changes // 3
        tickets = [_entry(number, 0.3) for number in range(n_open)]
        for change in plan_changes(tickets, [], FleetDay(), _POLICY, day=FIRST, list_manifest=None).changes:
            assert isinstance(change, Create)
            self.server.create(
                {
                    "project": {"key": "OPS"},
                    "summary": change.draft.title,
                    "description": write_document(change.draft.body),
                    "labels": list_labels(change.draft),
                }
            )
        self._gone = {entry.key.digest for entry in tickets[:third]}
        worse = [_entry(number, 0.8) for number in range(third, 2 * third)]
        self._entries = [*worse, *(_entry(n_open + number, 0.5) for number in range(n_changes - 2 * third))]
        self._n_open = n_open

    def reconcile(self, is_cut_short: bool) -> None:
        """Do what the ticket step does, and count the calls; no more than the searches' pages and the changes need."""
        options = Options(url=self.server.url, project="OPS")
        door = HttpDoor(options=options, headers={"Authorization": AUTHORIZATION})
        tracker = ClaimedTracker(IssueTracker(Jira(door, options)), self._lake, "default")
        keys = [entry.key.digest for entry in self._entries]
        found = [
            *tracker.list_open("default"),
            *tracker.list_opened_on("default", LAST),
            *tracker.find(keys),
        ]
        n_searches = door.n_calls
        tickets = tuple({ticket.ticket_id: ticket for ticket in found}.values())
        fleet = FleetDay(
            hosts_of={one.record.component_id: frozenset({one.record.host_id}) for one in tickets},
            off_list_since=dict.fromkeys(self._gone, FIRST + dt.timedelta(days=1)),
        )
        plan = plan_changes(self._entries, tickets, fleet, _POLICY, day=LAST, list_manifest=None)
        most = sum(_CALLS_OF[type(change)] for change in plan.changes)
        self.server.calls_left = most // 2 if is_cut_short else None
        with suppress(TrackerError):
            apply_plan(tracker, plan, LAST)
        self.server.calls_left = None
        self.n_calls.append(door.n_calls)

        # Of the open tickets, of those of today, of the keys 100 at a time; each search may end on an empty page.
        pages = (
            math.ceil(len(tickets) / 100)
            + math.ceil(len(tickets) / 100 / 50)
            + 2 * math.ceil(len(keys) / 100)
        )
        assert n_searches <= 1 + pages + 3, f"{n_searches} calls to search, {pages} pages"
        # One look for all that is to be opened, and one back at all that was changed.
        batches = 4 * math.ceil(len(keys) / 50)
        assert door.n_calls - n_searches <= most + batches, f"{door.n_calls - n_searches} calls for {most}"

    def count_changed(self) -> int:
        """Return how many of the changes the tickets show."""
        n_changed = 0
        for fields in self.server.issues.values():
            assert fields is not None
            is_closed = fields["status"]["statusCategory"]["key"] == "done"
            n_changed += is_closed or "80 % risk" in fields["summary"] or "50 % risk" in fields["summary"]
        return n_changed


def _entry(number: int, risk: float) -> Entry:
    due_day = LAST + dt.timedelta(days=3)
    return make_entry(f"ZA{number:05}", rank=number + 1, slot=str(number), risk=risk, due_day=due_day)
