"""How good a list is as a repair team meets it: tickets within a budget, counted per component.

A budget ``b`` means ``b`` new tickets per 10,000 components in service per 30 days. Scoring days are
walked in order; on each, the riskiest components without an open ticket get one, as many as the
budget has saved up. A ticket stays open for the horizon and is a hit if its component fails in
``(day + lead, day + horizon]``. Tickets younger than the horizon at the end of what is known are not
judged. Neither are tickets in whose horizon the part was changed on our advice and nobody confirmed a
fault: such a part left the fleet because of us, and that is no false alarm. Days are counted from
1970-01-01, in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.labels import NO_FAILURE, ComponentFailures, find_uncertain_days

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

BUDGETS = (5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True, kw_only=True)
class ComponentLives:
    """What became of each component, as known at the end of ``known_until``.

    One entry per component, in ascending order of ``component_ids`` (code points), so that a
    component's index breaks ties of risk. ``last_day`` (C,) is the day of the failure, or else the
    last day the component reported; ``has_failed`` (C,) says which. ``unconfirmed_changes`` are the
    parts replaced, reseated or flashed on our advice of which nobody confirmed a fault.
    """

    component_ids: npt.NDArray[np.str_]
    last_day: IntArray
    has_failed: BoolArray
    known_until: int
    unconfirmed_changes: ComponentFailures | None = None

    def __post_init__(self) -> None:
        if np.any(self.component_ids[1:] <= self.component_ids[:-1]):
            raise ValueError("component_ids must ascend, each once: ties of risk go by component_id")

    def find_uncertain(self, component_index: IntArray, day: IntArray, horizon_days: int) -> BoolArray:
        """Mark the component-days (N,) of which nobody can know how they would have ended."""
        changes = self.unconfirmed_changes
        if changes is None or not len(changes.day_numbers):
            return np.zeros(len(day), dtype=np.bool_)
        failed_on = np.where(self.has_failed, self.last_day, NO_FAILURE)[component_index]
        return find_uncertain_days(
            day_numbers=day,
            next_failure_days=failed_on,
            next_change_days=changes.next_failure_days(component_index, day, known_until=self.known_until),
            horizon_days=horizon_days,
        )


@dataclass(frozen=True, kw_only=True)
class RiskRows:
    """One row per component and scoring day, in order of day, then component.

    Made by ``select_candidates``: no abstentions, and no component on or after its last day.
    """

    component_index: IntArray
    day: IntArray
    risk: FloatArray


@dataclass(frozen=True, kw_only=True)
class TicketWalk:
    """The tickets that one budget would have opened and that can be judged. One entry per ticket, in order of opening.

    ``exposure`` is in units of 10,000 components in service for 30 days.
    """

    budget: float
    component_index: IntArray
    day: IntArray
    is_hit: BoolArray
    days_to_last_day: IntArray
    exposure: float


@dataclass(frozen=True, kw_only=True)
class BudgetResult:
    """What one budget buys, over the judged span.

    ``recall`` counts failures with at least one hit among ``n_failures``; ``lift`` compares precision
    with tickets handed out at random. None where nothing could be counted.
    """

    budget: float
    n_tickets: int
    n_hits: int
    precision: float | None
    n_failures: int
    recall: float | None
    lift: float | None
    median_lead_days: float | None
    false_positives_per_10k_30d: float


def select_candidates(
    lives: ComponentLives,
    component_index: npt.NDArray[np.integer],
    day: npt.NDArray[np.integer],
    risk: FloatArray,
) -> RiskRows:
    """Keep what can get a ticket: a risk, and a component that still has a day to live.

    A null risk (NaN) is an abstention. ``ValueError`` if a component has two risks on one day.
    """
    is_candidate = ~np.isnan(risk) & (lives.last_day[component_index] > day)
    index = component_index[is_candidate].astype(np.int64)
    days = day[is_candidate].astype(np.int64)
    kept = risk[is_candidate].astype(np.float64)
    place = days * len(lives.component_ids) + index
    if np.any(place[1:] <= place[:-1]):
        order = np.argsort(place, kind="stable")
        place, index, days, kept = place[order], index[order], days[order], kept[order]
        if np.any(place[1:] == place[:-1]):
            raise ValueError("two risks for one component and day")
    return RiskRows(component_index=index, day=days, risk=kept)


def list_judged_days(rows: RiskRows, lives: ComponentLives, horizon_days: int) -> IntArray:
    """Return the scoring days whose horizon is fully known, ascending; ``ValueError`` if none is."""
    # Rows are in order of day: no sort of millions of rows to find a few hundred days.
    is_first = np.r_[True, rows.day[1:] != rows.day[:-1]] if len(rows.day) else np.empty(0, dtype=bool)
    days = rows.day[is_first]
    judged = days[days + horizon_days <= lives.known_until]
    if not len(judged):
        raise ValueError("no scoring day is mature: every horizon ends after what is known")
    return judged


def walk_tickets(
    rows: RiskRows,
    lives: ComponentLives,
    *,
    horizon_days: int,
    lead_days: int,
    budgets: Sequence[float] = BUDGETS,
) -> tuple[TicketWalk, ...]:
    """Hand out tickets day by day within each budget.

    A day's width is the distance to the next scoring day (the last day's: to the day before it).
    """
    days = list_judged_days(rows, lives, horizon_days)
    # The same order of operations as the published definition, so that int(saved) never differs.
    widths = np.diff(days, append=days[-1] + (days[-1] - days[-2] if len(days) > 1 else 1))
    starts = np.searchsorted(rows.day, days, side="left")
    ends = np.searchsorted(rows.day, days, side="right")
    open_until = np.full((len(budgets), len(lives.component_ids)), -1, dtype=np.int64)
    saved = [0.0] * len(budgets)
    exposure = 0.0
    opened: list[list[tuple[IntArray, int]]] = [[] for _ in budgets]
    for day, width, start, end in zip(days, widths, starts, ends, strict=True):
        n_today = int(end - start)
        exposure += n_today * width / 30 / 10_000
        for number, budget in enumerate(budgets):
            saved[number] += budget * n_today / 10_000 * width / 30
        n_open = np.count_nonzero(open_until >= day, axis=1)
        n_needed = max(int(whole) + int(taken) for whole, taken in zip(saved, n_open, strict=True))
        ranked = rows.component_index[start:end][_top(rows.risk[start:end], n_needed)]
        for number in range(len(budgets)):
            free = ranked[open_until[number, ranked] < day][: int(saved[number])]
            saved[number] -= len(free)
            open_until[number, free] = day + horizon_days
            opened[number].append((free, int(day)))
    return tuple(
        _judge_tickets(lives, opened[number], budget, float(exposure), horizon_days, lead_days)
        for number, budget in enumerate(budgets)
    )


def _top(risk: FloatArray, n_needed: int) -> IntArray:
    """Return at least the ``n_needed`` riskiest positions, riskiest first, ties by position."""
    if n_needed <= 0:
        return np.empty(0, dtype=np.int64)
    if n_needed >= len(risk):
        return np.argsort(-risk, kind="stable")
    threshold = np.partition(risk, len(risk) - n_needed)[len(risk) - n_needed]
    # All ties of the threshold stay in: which of them is first is decided by component id.
    contenders = np.flatnonzero(risk >= threshold)
    return contenders[np.argsort(-risk[contenders], kind="stable")]


def _judge_tickets(
    lives: ComponentLives,
    opened: Sequence[tuple[IntArray, int]],
    budget: float,
    exposure: float,
    horizon_days: int,
    lead_days: int,
) -> TicketWalk:
    component_index = np.concatenate([taken for taken, _ in opened])
    day = np.repeat([day for _, day in opened], [len(taken) for taken, _ in opened]).astype(np.int64)
    # They cost their budget all the same: on the day, nobody knew.
    is_known = ~lives.find_uncertain(component_index, day, horizon_days)
    component_index, day = component_index[is_known], day[is_known]
    return TicketWalk(
        budget=budget,
        component_index=component_index,
        day=day,
        is_hit=_fails_in_horizon(lives, component_index, day, horizon_days, lead_days),
        days_to_last_day=lives.last_day[component_index] - day,
        exposure=exposure,
    )


def _fails_in_horizon(
    lives: ComponentLives, component_index: IntArray, day: IntArray, horizon_days: int, lead_days: int
) -> BoolArray:
    last_day = lives.last_day[component_index]
    in_window = (last_day > day + lead_days) & (last_day <= day + horizon_days)
    return np.asarray(lives.has_failed[component_index] & in_window)


@dataclass(frozen=True, kw_only=True)
class JudgedSpan:
    """What there was to catch. ``failures`` (C,) marks the failures that a ticket of the span could catch.

    Only components that were scored at least once count. ``random_precision``: the share of judged
    rows that fail in the horizon, and so the precision of tickets handed out at random.
    """

    failures: BoolArray
    random_precision: float


def measure_span(rows: RiskRows, lives: ComponentLives, *, horizon_days: int, lead_days: int) -> JudgedSpan:
    """Find the failures that count, and how good chance is."""
    days = list_judged_days(rows, lives, horizon_days)
    is_scored = np.zeros(len(lives.component_ids), dtype=bool)
    is_scored[rows.component_index] = True
    in_span = (lives.last_day > days[0] + lead_days) & (lives.last_day <= days[-1] + horizon_days)
    # Rows are in order of day and maturity is a matter of the day: the judged rows come first.
    n_judged = int(np.searchsorted(rows.day, days[-1], side="right"))
    index, day = rows.component_index[:n_judged], rows.day[:n_judged]
    random_hits = _fails_in_horizon(lives, index, day, horizon_days, lead_days)
    random_hits = random_hits[~lives.find_uncertain(index, day, horizon_days)]
    return JudgedSpan(
        failures=is_scored & lives.has_failed & in_span,
        random_precision=float(random_hits.mean()) if len(random_hits) else 0.0,
    )


def summarise_walk(walk: TicketWalk, span: JudgedSpan) -> BudgetResult:
    """Count one budget's tickets, hits and caught failures."""
    n_tickets, n_hits, n_failures = len(walk.day), int(walk.is_hit.sum()), int(span.failures.sum())
    precision = n_hits / n_tickets if n_tickets else None
    n_caught = len(np.unique(walk.component_index[walk.is_hit]))
    return BudgetResult(
        budget=walk.budget,
        n_tickets=n_tickets,
        n_hits=n_hits,
        precision=precision,
        n_failures=n_failures,
        recall=n_caught / n_failures if n_failures else None,
        lift=precision / span.random_precision if precision is not None and span.random_precision else None,
        median_lead_days=float(np.median(walk.days_to_last_day[walk.is_hit])) if n_hits else None,
        false_positives_per_10k_30d=(n_tickets - n_hits) / walk.exposure,
    )
