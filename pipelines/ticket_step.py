"""Bring the tickets in line with the at-risk list of a day."""

import datetime as dt
import logging
from dataclasses import dataclass, replace

from pipelines.errors import PermanentError
from pipelines.lake import Lake
from pipelines.planning_board import write_board
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts
from pipelines.tickets.apply import carry_out_plan
from pipelines.tickets.batch_decision import read_batch_decision
from pipelines.tickets.board import make_board
from pipelines.tickets.claim import claim_day, read_last_day
from pipelines.tickets.day_plan import plan_view, view_day
from pipelines.tickets.entries import read_entries
from pipelines.tickets.fleet_view import LIST_DATASET
from pipelines.tickets.plan import Hold, NotOpened, Plan
from pipelines.tickets.policy import Policy
from pipelines.tickets.tracker import Tracker
from pipelines.tickets.trackers import open_claimed_tracker

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TicketFacts(StepFacts):
    """What was done, and each entry that waits with its reason. ``replay_reason`` is null if not a replay."""

    replay_reason: str | None = None
    not_opened: tuple[NotOpened, ...] = ()


def reconcile_tickets_day(
    day: dt.date, settings: Settings, lake: Lake, today: dt.date, *, tracker: Tracker | None = None
) -> TicketFacts:
    """Open, update and close tickets so that they match the list of ``day``; again, it changes nothing.

    A replay touches no ticket: a list older than ``tickets.max_age_days`` before ``today`` (unless the
    clock is simulated), or one older than a list that the tickets already follow. ``today`` is the UTC
    date. ``tracker`` is for tests; the settings name the one to use.

    Raises ``MissingInputError`` without list or predictions of the day, ``TrackerError`` where the same
    call may succeed later; a run that was cut short at any point is finished by the next.
    """
    environment = settings.environment
    replay_reason = find_replay_reason(day, today, settings, lake)
    if replay_reason is not None:
        return _finish_replay(day, replay_reason)
    entries = read_entries(lake.read_day(LIST_DATASET, day), environment, day)
    policy = read_day_policy(day, settings, lake)
    tracker = tracker or open_claimed_tracker(settings, lake)
    held_by = claim_day(lake, environment, day)
    if held_by > day:
        return _finish_replay(day, _later_day(held_by))

    planned = plan_view(view_day(day, entries, policy, settings, lake, tracker), policy)
    applied = carry_out_plan(tracker, planned.plan, day)
    write_board(make_board(planned, applied.ticket_ids), planned, settings, lake)
    if applied.problem is not None:
        raise applied.problem

    names = ("opened", "reopened", "commented", "refreshed", "closed", "kept")
    facts = TicketFacts(
        step="reconciled tickets",
        day=day,
        facts=(
            ("listed", len(entries)),
            *((name, applied.counts.get(name, 0)) for name in names),
            ("waiting", len(planned.plan.not_opened)),
            *_count_unapproved(planned.plan),
        ),
        not_opened=planned.plan.not_opened,
    )
    log.info(facts.summary)
    return facts


def read_day_policy(day: dt.date, settings: Settings, lake: Lake) -> Policy:
    """Return the policy of the settings with what a person has decided about ``day``."""
    policy = Policy.from_settings(settings)
    return replace(policy, decision=read_batch_decision(day, settings.environment, lake))


def _count_unapproved(plan: Plan) -> tuple[tuple[str, object], ...]:
    """Return how many entries wait for a person, as a fact; nothing where none does."""
    n = sum(one.hold is Hold.NOT_APPROVED for one in plan.not_opened)
    return (("for_approval", n),) if n else ()


def find_replay_reason(day: dt.date, today: dt.date, settings: Settings, lake: Lake) -> str | None:
    """Return why the list of ``day`` touches no ticket, null if it is not a replay."""
    last_day = read_last_day(lake, settings.environment)
    if last_day is not None and last_day > day:
        return _later_day(last_day)
    if settings.tickets.is_simulated_clock:
        return None
    if day > today:
        raise PermanentError(
            f"The list of {day} is from the future, today is {today} (UTC). No ticket was touched. "
            "Check this machine's clock and the day you asked for.",
            day=day.isoformat(),
            today=today.isoformat(),
        )
    age_days = (today - day).days
    if age_days > settings.tickets.max_age_days:
        return f"{age_days} days old, tickets.max_age_days is {settings.tickets.max_age_days}"
    return None


def _later_day(last_day: dt.date) -> str:
    return f"the tickets already follow the list of {last_day}"


def _finish_replay(day: dt.date, reason: str) -> TicketFacts:
    facts = TicketFacts(
        step="touched no ticket (replay)", day=day, facts=(("reason", reason),), replay_reason=reason
    )
    log.info(facts.summary)
    return facts
