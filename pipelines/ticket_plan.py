"""What ``prefail plan`` and ``prefail tickets --dry-run`` show: the plan of a day, made and not carried out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.words import name_kind
from pipelines.lake import Lake
from pipelines.report.plan_page import render_plan
from pipelines.settings import Settings
from pipelines.ticket_step import find_replay_reason, read_day_policy
from pipelines.tickets.board import make_board
from pipelines.tickets.day_plan import DayPlan, plan_view, view_day
from pipelines.tickets.entries import read_entries
from pipelines.tickets.fleet_view import LIST_DATASET
from pipelines.tickets.plan import Change, Close, Create, Keep, Reopen, Update
from pipelines.tickets.tracker import Ticket, TicketReader
from pipelines.tickets.trackers import open_tracker_reader


@dataclass(frozen=True, kw_only=True)
class PlannedLine:
    """One row of the table: what would be done to which ticket of which part, and why."""

    verb: str
    ticket_id: str | None
    subject: str
    due_day: dt.date | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The plan of a day. ``replay_reason``: why the day touches no ticket; then there is no plan."""

    day: dt.date
    replay_reason: str | None
    planned: DayPlan | None

    @property
    def lines(self) -> tuple[PlannedLine, ...]:
        """What would be done, tickets that stay as they are left out; then who waits, in rank order."""
        if self.planned is None:
            return ()
        tickets = {ticket.ticket_id: ticket for ticket in self.planned.view.tickets}
        done = [_write_line(change, tickets) for change in self.planned.plan.changes]
        return (*(line for line in done if line is not None), *_list_waiting(self.planned))

    @property
    def summary(self) -> str:
        """The plan in one line."""
        if self.planned is None:
            return f"would touch no ticket (replay) {self.day}: reason={self.replay_reason}"
        plan = self.planned.plan
        counts = {
            "listed": len(self.planned.view.entries),
            "open": _count(plan.changes, Create),
            "reopen": _count(plan.changes, Reopen),
            "update": _count(plan.changes, Update),
            "close": _count(plan.changes, Close),
            "keep": _count(plan.changes, Keep),
            "waiting": len(plan.not_opened),
        }
        said = " ".join(f"{name}={n}" for name, n in counts.items())
        return f"would reconcile tickets {self.day}: {said} ({self.planned.policy.document.label})"

    def render_page(self) -> bytes:
        """Return the planning board as it would be; new tickets have no number yet."""
        assert self.planned is not None, "a replay has no board"
        return render_plan(make_board(self.planned, {}))


def preview_tickets_day(
    day: dt.date, settings: Settings, lake: Lake, today: dt.date, *, tracker: TicketReader | None = None
) -> Preview:
    """Plan the tickets of ``day`` as ``reconcile_tickets_day`` would now, and write nothing anywhere.

    A replay asks nothing of the tracker, either. ``tracker`` is for tests; the settings name the one to use.
    """
    replay_reason = find_replay_reason(day, today, settings, lake)
    if replay_reason is not None:
        return Preview(day=day, replay_reason=replay_reason, planned=None)
    entries = read_entries(lake.read_day(LIST_DATASET, day), settings.environment, day)
    policy = read_day_policy(day, settings, lake)
    reader = tracker or open_tracker_reader(settings)
    planned = plan_view(view_day(day, entries, policy, settings, lake, reader), policy)
    return Preview(day=day, replay_reason=None, planned=planned)


def _count(changes: Sequence[Change], kind: type[Change]) -> int:
    return sum(isinstance(change, kind) for change in changes)


def _write_line(change: Change, tickets: Mapping[str, Ticket]) -> PlannedLine | None:
    match change:
        case Create():
            record = change.draft.record
            return PlannedLine(
                verb="open",
                ticket_id=None,
                subject=change.draft.title,
                due_day=record.due_day,
                reason=change.reason,
            )
        case Update() | Reopen():
            verb = (
                "reopen" if isinstance(change, Reopen) else "refresh" if change.comment is None else "update"
            )
            return PlannedLine(
                verb=verb,
                ticket_id=change.ticket_id,
                subject=change.draft.title,
                due_day=change.draft.record.due_day,
                reason=change.reason,
            )
        case Close():
            ticket = tickets[change.ticket_id]
            return PlannedLine(
                verb=f"close as {change.outcome}",
                ticket_id=change.ticket_id,
                subject=ticket.title,
                due_day=ticket.record.due_day,
                reason=change.reason,
            )
        case Keep():
            return None


def _list_waiting(planned: DayPlan) -> list[PlannedLine]:
    held = sorted(planned.plan.not_opened, key=lambda one: (one.entry.rank, one.entry.component_id))
    return [
        PlannedLine(
            verb="wait",
            ticket_id=None,
            subject=(
                f"rank {one.entry.rank}: {name_kind(one.entry.component_kind)} {one.entry.component_id} "
                f"in {one.entry.host_id}"
            ),
            due_day=None,
            # The last line names the policy.
            reason=f"{one.hold}: {planned.policy.document.shorten(one.reason)}",
        )
        for one in held
    ]
