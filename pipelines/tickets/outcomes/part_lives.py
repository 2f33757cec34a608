"""What the lake knows of the parts of closed tickets: when they were last heard of, and when they failed."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from features.shards import component_keys
from pipelines.cube_reading import end_of_day
from pipelines.failure_days import OUTCOME_PART, read_failure_parts
from pipelines.lake import Lake
from pipelines.tickets.tracker import Ticket

# So late after the closing, a failure has nothing to do with the ticket.
MOST_DAYS_AFTER_CLOSING = 30


@dataclass(frozen=True, kw_only=True)
class PartLife:
    """What became of one ticket's part from the opening to the as-of day.

    ``last_heard``: the last day with a report, null if there is none. ``n_silent_days``: how many days
    of the fleet's data there are after it. ``failed_on``: the failure that a source reports, from the
    opening to ``MOST_DAYS_AFTER_CLOSING`` after the closing.
    """

    last_heard: dt.date | None = None
    n_silent_days: int = 0
    failed_on: dt.date | None = None


def read_part_lives(lake: Lake, tickets: Sequence[Ticket], day: dt.date) -> Mapping[str, PartLife]:
    """Return the life of the part of each ticket, by ticket id, as known by the end of ``day``."""
    if not tickets:
        return {}
    keys = component_keys([ticket.record.component_id for ticket in tickets])
    heard: dict[str, tuple[dt.date | None, int]] = {}
    for kind in sorted({ticket.record.component_kind for ticket in tickets}):
        chosen = [
            (ticket, key)
            for ticket, key in zip(tickets, keys, strict=True)
            if ticket.record.component_kind == kind
        ]
        heard |= _find_last_heard(lake, f"core_{kind}_days", chosen, day)
    failed = _read_failed_days(lake, min(ticket.record.opened_day for ticket in tickets), day)
    return {
        ticket.ticket_id: PartLife(
            last_heard=heard[ticket.ticket_id][0],
            n_silent_days=heard[ticket.ticket_id][1],
            failed_on=_find_failure(ticket, failed.get(int(key), ()), day),
        )
        for ticket, key in zip(tickets, keys, strict=True)
    }


def _find_last_heard(
    lake: Lake, dataset: str, tickets: Sequence[tuple[Ticket, np.uint64]], day: dt.date
) -> dict[str, tuple[dt.date | None, int]]:
    """Look back day by day until every part was found or its ticket's opening is reached."""
    found: dict[str, tuple[dt.date | None, int]] = {ticket.ticket_id: (None, 0) for ticket, _ in tickets}
    sought = list(tickets)
    for n_later, past in enumerate(past for past in reversed(lake.list_days(dataset)) if past <= day):
        sought = [(ticket, key) for ticket, key in sought if ticket.record.opened_day <= past]
        if not sought:
            break
        stored = lake.open_day(dataset, past, by_range=True)
        is_there = np.isin(
            [key for _, key in sought], stored.read(columns=["component_key"])["component_key"]
        )
        for (ticket, _), is_here in zip(sought, is_there.tolist(), strict=True):
            if is_here:
                found[ticket.ticket_id] = (past, n_later)
        sought = [each for each, is_here in zip(sought, is_there.tolist(), strict=True) if not is_here]
    return found


def _read_failed_days(lake: Lake, first_day: dt.date, day: dt.date) -> dict[int, list[dt.date]]:
    """Return the days of failure by component key, ascending, that sources report; tickets don't count."""
    days: dict[int, list[dt.date]] = {}
    for found in read_failure_parts(lake, first_day, day):
        if found.part.startswith(OUTCOME_PART):
            continue
        is_known = pc.and_(found.rows["is_confirmed"], pc.less(found.rows["known_at"], end_of_day(day)))
        for key in found.rows.filter(is_known)["component_key"].to_pylist():
            days.setdefault(key, []).append(found.day)
    return days


def _find_failure(ticket: Ticket, days: Sequence[dt.date], day: dt.date) -> dt.date | None:
    last = (ticket.closed_day or day) + dt.timedelta(days=MOST_DAYS_AFTER_CLOSING)
    return next((failed for failed in days if ticket.record.opened_day <= failed <= last), None)
