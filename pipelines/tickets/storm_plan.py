"""Which tickets about shared causes are opened, followed and closed, and which entries wait for them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.tickets.entries import Entry, strip_height_unit
from pipelines.tickets.holds import BUDGET_RULES
from pipelines.tickets.plan import Change, Close, Create, Hold, NotOpened, Reopen, Update
from pipelines.tickets.plan_notes import PlanNotes
from pipelines.tickets.policy import Candidate, Policy
from pipelines.tickets.policy_rules import hold_group_full
from pipelines.tickets.record import TicketRecord
from pipelines.tickets.storm_text import write_growth_comment, write_return_comment, write_storm_draft
from pipelines.tickets.storms import Cause, Verdict, judge_previous, list_causes
from pipelines.tickets.ticket_changes import keep_ticket, refresh_record
from pipelines.tickets.tracker import Draft, Outcome, Ticket


@dataclass(frozen=True, kw_only=True)
class StormDay:
    """What the plan of a day knows about causes.

    ``tickets``: per cause the open ticket about it, else the last closed one. ``siblings``: numbers of open
    tickets of parts, per cause. ``deleted``: keys whose ticket is gone from the tracker, and taken as declined.
    """

    suspects: Sequence[Cause]
    tickets: Mapping[Cause, Ticket]
    siblings: Mapping[Cause, Sequence[str]]
    deleted: frozenset[str]
    list_manifest: str | None
    notes: PlanNotes


@dataclass(frozen=True, kw_only=True)
class StormPlan:
    """``singles`` are the candidates that wait for no cause, in the order in which they came."""

    changes: tuple[Change, ...]
    not_opened: tuple[NotOpened, ...]
    singles: tuple[Candidate, ...]


def plan_storms(candidates: Sequence[Candidate], storms: StormDay, policy: Policy, day: dt.date) -> StormPlan:
    """Plan the tickets about causes; an entry waits for one of them at most, that of its narrowest cause.

    ``candidates`` are those that would get a ticket if there were room for all, in rank order. A cause whose
    ticket is open takes every candidate that shares it. A suspect opens one if enough candidates share it.
    """
    changes: list[Change] = []
    not_opened: list[NotOpened] = []
    waiting = list(candidates)
    is_on = policy.document.storm is not None
    causes = {cause for cause, ticket in storms.tickets.items() if ticket.is_open}
    # What is open keeps its parts, even where a narrower cause is seen later.
    for cause in (*sorted(causes), *sorted(set(storms.suspects) - causes)):
        members = [one for one in waiting if is_on and cause in list_causes(one.entry)]
        planned = _plan_cause(cause, members, storms, policy, day)
        if planned is None:
            continue
        change, why = planned
        if change is not None:
            changes.append(change)
        reason = f"{why} ({policy.document.label})"
        not_opened += [NotOpened(entry=one.entry, hold=Hold.STORM, reason=reason) for one in members]
        waiting = [one for one in waiting if one not in members]
    return StormPlan(changes=tuple(changes), not_opened=tuple(not_opened), singles=tuple(waiting))


def _plan_cause(
    cause: Cause, members: Sequence[Candidate], storms: StormDay, policy: Policy, day: dt.date
) -> tuple[Change | None, str] | None:
    """Return the change to a cause's ticket and why its members wait; null if they don't."""
    entries = [one.entry for one in members]
    ticket, storm = storms.tickets.get(cause), policy.document.storm
    goes_with = f"goes with the ticket about {cause.text}"
    if ticket is not None and ticket.is_open:
        return _follow(cause, ticket, entries, storms, policy, day), goes_with
    if storm is None or len(members) < storm.new_tickets.get(cause.kind, len(members) + 1):
        return None
    if cause.key(entries[0].key.environment).digest in storms.deleted:
        return None
    match judge_previous(ticket, storm, day, policy.reopen_within_days), ticket:
        case Verdict.SINGLY, _:
            return None
        case Verdict.SETTLING, Ticket() as closed:
            rest = f"its parts rest for {storm.settle_days} days, because windows look back"
            return None, f"the ticket about {cause.text} was closed on {closed.closed_day}; {rest}"
        case Verdict.REOPEN, Ticket() as closed:
            former: Ticket | None = closed
        case _:
            former = None
    is_of_host, standing = cause.kind == "host", members[0].standing
    if is_of_host and hold_group_full(members[0]):
        # Each part is held for that by itself, unless a wider cause takes it.
        return None
    site = _shared_site(entries)
    if former is None:
        # The budgets look at no more of an entry than its site.
        stands_for_all = replace(members[0], entry=replace(entries[0], site=site), previous=None)
        if held := next((held for rule in BUDGET_RULES if (held := rule(stands_for_all))), None):
            return None, f"{goes_with}, which waits: {held[1]}"
        standing.count_new(site)
    standing.hold(entries[0].host_id if is_of_host else None, None)
    if former is not None:
        return _reopen(cause, former, entries, storms, day), goes_with
    return _create(cause, entries, storms, policy, day), goes_with


def _shared_site(entries: Sequence[Entry]) -> str | None:
    sites = {entry.site for entry in entries}
    return sites.pop() if len(sites) == 1 else None


def _shared_rack(entries: Sequence[Entry]) -> str | None:
    """Return the rack, without the height unit, if it is one and the same at one site."""
    is_one = len({entry.place for entry in entries}) == 1
    return strip_height_unit(entries[0].rack) if is_one else None


def _create(
    cause: Cause,
    entries: Sequence[Entry],
    storms: StormDay,
    policy: Policy,
    day: dt.date,
) -> Create:
    first = entries[0]
    key = cause.key(first.key.environment)
    record = TicketRecord(
        environment=key.environment,
        host_id=key.host_id,
        component_id=key.component_id,
        component_kind=cause.kind,
        target=key.target,
        slot=None,
        opened_day=day,
        opened_model_id=first.model_id,
        opened_list_manifest=storms.list_manifest,
        list_day=day,
        list_manifest=storms.list_manifest,
        model_id=first.model_id,
        last_listed_day=day,
        due_day=min(entry.due_day for entry in entries),
        told_risk=max(entry.risk for entry in entries),
        told_signals=(),
        site=_shared_site(entries),
        rack=_shared_rack(entries),
        policy=policy.document.label,
        n_members=len(entries),
    )
    return Create(draft=_write(cause, entries, record, storms), reason=f"{len(entries)} parts share it")


def _follow(
    cause: Cause, ticket: Ticket, entries: Sequence[Entry], storms: StormDay, policy: Policy, day: dt.date
) -> Change:
    record = ticket.record
    if not entries:
        n_days = (day - record.last_listed_day).days
        if n_days < policy.close_after_days:
            return keep_ticket(ticket, "no part waits for it today")
        reason = f"no part has waited for it since {record.last_listed_day}"
        return Close(ticket_id=ticket.ticket_id, key=ticket.key, outcome=Outcome.LEFT_LIST, reason=reason)
    listed = record.model_copy(update={"last_listed_day": max(day, record.last_listed_day)})
    n_before = record.n_members or 0
    if len(entries) > n_before and not ticket.is_snoozed(day):
        told = _retell(listed, entries, storms, day)
        return Update(
            ticket_id=ticket.ticket_id,
            draft=_write(cause, entries, told, storms),
            comment=write_growth_comment(cause, day, n_before, entries),
            reason="more parts share it",
        )
    return refresh_record(ticket, listed, "parts still listed")


def _reopen(cause: Cause, ticket: Ticket, entries: Sequence[Entry], storms: StormDay, day: dt.date) -> Reopen:
    due_day = min(entry.due_day for entry in entries)
    listed = ticket.record.model_copy(update={"last_listed_day": day, "due_day": due_day})
    return Reopen(
        ticket_id=ticket.ticket_id,
        draft=_write(cause, entries, _retell(listed, entries, storms, day), storms),
        comment=write_return_comment(cause, day, ticket.record, entries),
        reason=f"closed on {ticket.closed_day} and shared again",
    )


def _retell(record: TicketRecord, entries: Sequence[Entry], storms: StormDay, day: dt.date) -> TicketRecord:
    return record.model_copy(
        update={
            "list_day": day,
            "list_manifest": storms.list_manifest,
            "model_id": entries[0].model_id,
            "due_day": min(record.due_day, *(entry.due_day for entry in entries)),
            "told_risk": max(entry.risk for entry in entries),
            "n_members": len(entries),
        }
    )


def _write(cause: Cause, entries: Sequence[Entry], record: TicketRecord, storms: StormDay) -> Draft:
    return write_storm_draft(cause, entries, storms.siblings.get(cause, ()), record, storms.notes)
