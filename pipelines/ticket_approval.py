"""New tickets beyond the day's budget: ask a person, and carry out the answer.

The day's budget is ``list.k_per_day``, the repairs the team can do. A policy may allow more (``new_per_day``,
``while_it_pays``); with ``approval.tickets`` what is beyond waits, and nothing else does.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from pipelines.approval import Answer, ApprovalQuestion
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.ticket_step import TicketFacts, find_replay_reason, read_day_policy, reconcile_tickets_day
from pipelines.tickets.batch_decision import BatchDecision, write_batch_decision
from pipelines.tickets.day_plan import plan_view, view_day
from pipelines.tickets.entries import read_entries
from pipelines.tickets.escaping import escape_value
from pipelines.tickets.fleet_view import LIST_DATASET
from pipelines.tickets.plan import Create
from pipelines.tickets.tracker import TicketReader, Tracker
from pipelines.tickets.trackers import open_tracker_reader

_MOST_SHOWN = 40


def ask_about_tickets(
    day: dt.date, settings: Settings, lake: Lake, today: dt.date, *, tracker: TicketReader | None = None
) -> ApprovalQuestion | None:
    """Return the question whether the tickets that wait for a person are opened; null if none does.

    Only looks: the plan is made as if they were approved, so other rules (redundancy groups, spare parts) have
    been asked. None is asked about a replay, or twice about a day.
    """
    if not settings.approval.tickets or find_replay_reason(day, today, settings, lake) is not None:
        return None
    policy = read_day_policy(day, settings, lake)
    if policy.decision is not None:
        return None
    entries = read_entries(lake.read_day(LIST_DATASET, day), settings.environment, day)
    view = view_day(day, entries, policy, settings, lake, tracker or open_tracker_reader(settings))
    planned = plan_view(view, policy).plan
    freely = plan_view(view, replace(policy, needs_approval=False)).plan
    now = {change.key for change in planned.changes if isinstance(change, Create)}
    more = [change for change in freely.changes if isinstance(change, Create) and change.key not in now]
    if not more:
        return None
    n_today = len(now) + sum(ticket.record.opened_day == day for ticket in view.tickets)
    return ApprovalQuestion(
        about=str(n_today + len(more)),
        subject=f"Open {len(more)} more tickets of {day}, beyond the {settings.list.k_per_day} of a day?",
        body=_write_body(more, n_today, day, policy.document.label, settings),
        wait_hours=settings.approval.tickets_wait_hours,
    )


def decide_tickets_day(
    day: dt.date,
    settings: Settings,
    lake: Lake,
    today: dt.date,
    *,
    answer: Answer,
    n_approved: int,
    tracker: Tracker | None = None,
) -> TicketFacts:
    """Keep the answer about a day's tickets, with who gave it, and bring the tickets in line with it.

    ``n_approved`` new tickets of the day in all, as the question named them. A later run of the day keeps to it.
    """
    n = n_approved if answer.is_approved else 0
    decision = BatchDecision(day=day, n_approved=n, who=answer.by_whom)
    write_batch_decision(decision, settings.environment, lake)
    return reconcile_tickets_day(day, settings, lake, today, tracker=tracker)


def _write_body(more: Sequence[Create], n_today: int, day: dt.date, policy: str, settings: Settings) -> str:
    lines = [
        (
            f"{n_today} new tickets of {day} are open. By {policy}, {len(more)} more would be opened; the team can do "
            f"{settings.list.k_per_day} repairs a day."
        ),
        "",
        "| ticket | risk | due |",
        "|---|---:|---|",
    ]
    for change in more[:_MOST_SHOWN]:
        record = change.draft.record
        lines.append(
            f"| {escape_value(change.draft.title, 160)} | {record.told_risk:.1%} | {record.due_day} |"
        )
    if len(more) > _MOST_SHOWN:
        lines.append(f"| and {len(more) - _MOST_SHOWN} more | | |")
    hours = settings.approval.tickets_wait_hours
    lines += [
        "",
        (
            f"Rejected, or unanswered for {hours:g} hours: they wait, and the next day's list asks again. "
            f"By hand: `prefail tickets approve --day {day}`."
        ),
    ]
    return "\n".join(lines)
