"""Bring the tickets in line with the at-risk list of a day."""

import datetime as dt
import logging
from dataclasses import dataclass

from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake
from pipelines.published_list import MANIFEST_FILE, read_day_manifest
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts
from pipelines.tickets.apply import apply_plan
from pipelines.tickets.claim import claim_day, read_last_day
from pipelines.tickets.entries import read_entries
from pipelines.tickets.fleet_view import LIST_DATASET, read_fleet_day
from pipelines.tickets.plan import NotOpened
from pipelines.tickets.policy import Policy
from pipelines.tickets.reconcile import plan_changes
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
    last_day = read_last_day(lake, environment)
    replay_reason = _find_replay_reason(day, today, last_day, settings)
    if replay_reason is not None:
        return _finish_replay(day, replay_reason)
    entries = read_entries(lake.read_day(LIST_DATASET, day), environment, day)
    policy = Policy.from_settings(settings)
    tracker = tracker or open_claimed_tracker(settings, lake)
    held_by = claim_day(lake, environment, day)
    if held_by > day:
        return _finish_replay(day, _later_day(held_by))

    found = [
        *tracker.list_open(environment),
        *tracker.list_opened_on(environment, day),
        *tracker.find([entry.key.digest for entry in entries]),
    ]
    tickets = tuple({ticket.ticket_id: ticket for ticket in found}.values())
    fleet = read_fleet_day(
        lake,
        day,
        environment=environment,
        entries=entries,
        tickets=tickets,
        policy=policy,
    )
    plan = plan_changes(
        entries, tickets, fleet, policy, day=day, list_manifest=_find_list_manifest(lake, day)
    )
    counts = apply_plan(tracker, plan, day)

    names = ("opened", "reopened", "commented", "refreshed", "closed", "kept")
    facts = TicketFacts(
        step="reconciled tickets",
        day=day,
        facts=(
            ("listed", len(entries)),
            *((name, counts.get(name, 0)) for name in names),
            ("waiting", len(plan.not_opened)),
        ),
        not_opened=plan.not_opened,
    )
    log.info(facts.summary)
    return facts


def _find_replay_reason(
    day: dt.date, today: dt.date, last_day: dt.date | None, settings: Settings
) -> str | None:
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


def _find_list_manifest(lake: Lake, day: dt.date) -> str | None:
    """Return the key of the edition's manifest, which never changes; null for a list that was not published."""
    try:
        return read_day_manifest(day, lake).folder + MANIFEST_FILE
    except MissingInputError:
        return None
