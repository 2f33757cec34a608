"""Count how often tickets proved right: overall, and by model, hardware model, site and playbook entry."""

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Sequence

from pipelines.realised_rates import N_RECENT, RateScope, RealisedRate, RealisedRates
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.outcomes.outcome_row import OutcomeRow

_JUDGED = (Finding.CONFIRMED, Finding.NO_FAULT_FOUND)


def count_rates(rows: Sequence[OutcomeRow], first_day: dt.date, day: dt.date) -> RealisedRates:
    """Return the rates of the tickets closed in ``[first_day, day]``; one without a site is in no site's rate."""
    chosen = sorted(
        (row for row in rows if first_day <= row.closed_day <= day),
        key=lambda row: (row.closed_at, row.ticket_id),
    )
    groups: dict[tuple[RateScope, str], list[OutcomeRow]] = {}
    for row in chosen:
        for scope, name in (
            (RateScope.ALL, ""),
            (RateScope.MODEL, row.model_id),
            (RateScope.HARDWARE_MODEL, row.model),
            (RateScope.SITE, row.site),
            (RateScope.PLAYBOOK_ENTRY, row.playbook_rule),
        ):
            if name is not None:
                groups.setdefault((scope, name), []).append(row)
    rates = tuple(_count(scope, name, members) for (scope, name), members in sorted(groups.items()))
    return RealisedRates(day=day, first_day=first_day, rates=rates)


def _count(scope: RateScope, name: str, rows: Sequence[OutcomeRow]) -> RealisedRate:
    n = Counter(row.outcome for row in rows)
    recent = [row for row in rows if row.outcome in _JUDGED][-N_RECENT:]
    leads = [row.lead_days for row in rows if row.lead_days is not None]
    return RealisedRate(
        scope=scope,
        name=name,
        n_closed=len(rows),
        n_confirmed=n[Finding.CONFIRMED],
        n_no_fault_found=n[Finding.NO_FAULT_FOUND],
        n_fixed=n[Finding.RESEATED] + n[Finding.FIRMWARE],
        n_declined=n[Finding.DECLINED],
        n_uncertain=n[Finding.REPLACED_UNCONFIRMED],
        n_unknown=n[Finding.UNKNOWN],
        n_recent=len(recent),
        n_recent_confirmed=sum(row.outcome is Finding.CONFIRMED for row in recent),
        median_lead_days=float(statistics.median(leads)) if leads else None,
    )
