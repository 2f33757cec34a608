"""Read what became of closed tickets, and carry it into failures and realised rates."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Sequence

from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake
from pipelines.realised_rates import write_realised_rates
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts
from pipelines.tickets.outcomes.archive import read_outcomes, write_outcomes
from pipelines.tickets.outcomes.collect import RECHECK_DAYS, collect_rows
from pipelines.tickets.outcomes.failure_parts import partition_of, write_failure_parts
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.outcomes.outcome_row import OutcomeRow
from pipelines.tickets.outcomes.rates import count_rates
from pipelines.tickets.tracker import Tracker
from pipelines.tickets.trackers import open_tracker

log = logging.getLogger(__name__)

HISTORY_DAYS = 400
"""Tickets closed longer ago are settled: they are neither read again nor counted in the rates."""


def collect_outcomes_day(
    day: dt.date, settings: Settings, lake: Lake, *, tracker: Tracker | None = None
) -> StepFacts:
    """Write raw_outcomes of the days up to ``day``, what they say in core_failures, and the realised rates.

    The tracker is only read. All days in reach are brought in line with it, so a run repeats what an
    earlier one missed, and again it changes nothing. What is new is known from the end of ``day`` on:
    the next training learns from it, no list of ``day`` or before does. ``tracker`` is for tests.

    Raises ``TrackerError`` where the same call may succeed later, ``PermanentError`` where a person must
    act; then what was collected before stays.
    """
    first_day = day - dt.timedelta(days=HISTORY_DAYS)
    part = settings.tickets.tracker
    stored = read_outcomes(lake, first_day)
    former = stored.get(part, ())
    collected = collect_rows(
        tracker or open_tracker(settings), former, settings.environment, part, day, first_day, lake
    )
    changed_days = write_outcomes(former, collected.rows, part, lake)
    rows = [*collected.rows, *(row for name, found in stored.items() if name != part for row in found)]
    failure_days = write_failure_parts(rows, _find_suspects(rows, former, day), first_day, lake)
    known = [row for row in rows if row.known_at <= end_of_day(day)]
    write_realised_rates(count_rates(known, first_day, day), day, lake)

    n = Counter(row.outcome for row in collected.rows if row.closed_day in changed_days)
    facts = StepFacts(
        step="collected outcomes",
        day=day,
        facts=(
            ("looked_at", collected.n_looked_at),
            ("changed_days", len(changed_days)),
            *((finding.value, n[finding]) for finding in Finding),
            ("unmapped", sum(row.is_unmapped for row in collected.rows)),
            ("failure_days_changed", ",".join(map(str, failure_days)) or "none"),
        ),
    )
    log.info(facts.summary)
    return facts


def _find_suspects(
    rows: Sequence[OutcomeRow], former: Sequence[OutcomeRow], day: dt.date
) -> set[tuple[dt.date, str]]:
    """Return the parts of core_failures that may differ from their rows: of rows that changed or are young.

    Young ones, too, because a run that was killed after raw_outcomes has not written them.
    """
    since = end_of_day(day - dt.timedelta(days=RECHECK_DAYS))
    before = set(former)
    moved = before.symmetric_difference(rows)
    suspects = {partition_of(row) for row in (*moved, *(row for row in rows if row.known_at >= since))}
    return {partition for partition in suspects if partition is not None}
