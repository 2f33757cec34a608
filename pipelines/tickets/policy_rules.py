"""Why an entry waits because the policy says so, or because there is no room for it today. One function a rule."""

import datetime as dt

from features.words import count_of
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Hold
from pipelines.tickets.policy import Candidate, may_reopen
from pipelines.tickets.policy_document import PolicyDocument, Silence


def hold_silenced(candidate: Candidate) -> tuple[Hold, str] | None:
    """Snoozed or accepted by the policy's own list, until the day that it names."""
    silence = find_silence(candidate.entry, candidate.policy.document, candidate.day)
    if silence is None:
        return None
    hold = Hold.SNOOZED if silence.what == "snooze" else Hold.DECLINED
    verb = "snoozed" if silence.what == "snooze" else "not to be fixed"
    return hold, f"{verb} until {silence.until} by {silence.who}: {silence.why}"


def find_silence(entry: Entry, document: PolicyDocument, day: dt.date) -> Silence | None:
    """Return the first silence that means the entry and has not expired: ``until`` is the day it speaks again."""
    signal = entry.evidence[0].signal if entry.evidence else None
    own = {
        "serial": entry.component_id,
        "model": entry.model,
        "firmware": entry.firmware,
        "signal": signal,
    }
    for silence in document.silences:
        scope = silence.model_dump(include=set(own), exclude_none=True)
        if day < silence.until and all(own[name] == value for name, value in scope.items()):
            return silence
    return None


def hold_below_minimum(candidate: Candidate) -> tuple[Hold, str] | None:
    """A list may be longer than what is worth a ticket."""
    minimum = candidate.policy.document.minimum_risk
    if candidate.entry.risk >= minimum:
        return None
    return Hold.LOW_RISK, f"risk {candidate.entry.risk:.4f} is below the policy's minimum of {minimum:g}"


def hold_not_worth_it(candidate: Candidate) -> tuple[Hold, str] | None:
    """A ticket must be expected to save more than it costs: risk · missed > (1 − risk) · false alarm."""
    costs = candidate.policy.document.costs
    if costs is None or candidate.entry.risk > costs.break_even_risk:
        return None
    formula = f"{costs.false_alarm:g} / ({costs.false_alarm:g} + {costs.missed_failure:g})"
    return (
        Hold.NOT_WORTH_IT,
        f"a visit pays above a risk of {costs.break_even_risk:.4f} = {formula}, this one is {candidate.entry.risk:.4f}",
    )


def hold_frozen(candidate: Candidate) -> tuple[Hold, str] | None:
    """During a freeze of its site an entry waits, unless its risk is above what the freeze excepts."""
    entry = candidate.entry
    for freeze in candidate.policy.document.maintenance.freezes:
        is_meant = freeze.site in (None, entry.site) and freeze.first <= candidate.day <= freeze.last
        if is_meant and (freeze.except_from_risk is None or entry.risk < freeze.except_from_risk):
            where = "every site" if freeze.site is None else freeze.site
            return Hold.FROZEN, f"{where} is frozen until {freeze.last} by {freeze.who}: {freeze.why}"
    return None


def hold_without_spare(candidate: Candidate) -> tuple[Hold, str] | None:
    """Where the policy wants it so, a ticket waits for a part in stock that no open ticket was promised."""
    spares = candidate.policy.document.spares
    model = candidate.entry.model
    if spares is None or spares.without == "open" or model not in spares.in_stock:
        return None
    n_promised = candidate.standing.n_reserved[model]
    if spares.in_stock[model] > n_promised:
        return None
    return (
        Hold.NO_SPARE,
        f"waits for a part: {spares.in_stock[model]} of {model} in stock, {n_promised} promised to open tickets",
    )


def hold_group_full(candidate: Candidate) -> tuple[Hold, str] | None:
    """Never more hosts of a redundancy group with open tickets than it can lose."""
    host_id, standing = candidate.entry.host_id, candidate.standing
    group = standing.group_of(host_id)
    limit = None if group is None else candidate.policy.document.redundancy.limit(group)
    if group is None or limit is None:
        return None
    hosts = standing.hosts_of(group)
    if host_id in hosts or len(hosts) < limit:
        return None
    named = f": {', '.join(sorted(hosts)[:3])}" if hosts else ""
    taken = f"{count_of(len(hosts), 'host')} {'has' if len(hosts) == 1 else 'have'} a ticket{named}"
    return Hold.GROUP_FULL, f"redundancy group {group} can lose {count_of(limit, 'host')}, and {taken}"


def hold_over_site_budget(candidate: Candidate) -> tuple[Hold, str] | None:
    """At most so many new tickets a day at one site."""
    site = candidate.entry.site or ""
    budget = candidate.policy.document.budget
    limit = budget.new_per_site.get(site, budget.new_per_other_site)
    if limit is None or may_reopen(candidate) or candidate.standing.n_opened_at[site] < limit:
        return None
    where = site or "an unknown site"
    return Hold.SITE_BUDGET, f"{count_of(limit, 'new ticket')} a day at {where}, and others came first"


def hold_on_cold_start(candidate: Candidate) -> tuple[Hold, str] | None:
    """On the first days of a fleet at most so many new tickets a day."""
    start, first_day = candidate.policy.document.cold_start, candidate.first_day
    if start is None or first_day is None or may_reopen(candidate):
        return None
    last_day = first_day + dt.timedelta(days=start.days - 1)
    room, span = count_of(start.new_per_day, "new ticket"), count_of(start.days, "day")
    if candidate.day > last_day or candidate.standing.n_opened < start.new_per_day:
        return None
    return Hold.COLD_START, f"{room} a day until {last_day}, the first {span} of this fleet"


def hold_over_budget(candidate: Candidate) -> tuple[Hold, str] | None:
    """At most k new tickets a day; a ticket that is opened again is no new one."""
    limit = candidate.policy.new_per_day
    if limit is None or candidate.standing.n_opened < limit or may_reopen(candidate):
        return None
    return Hold.BUDGET, f"{count_of(limit, 'new ticket')} a day, and others came first"


def hold_not_approved(candidate: Candidate) -> tuple[Hold, str] | None:
    """New tickets of a day beyond the repairs that the team can do, as soon as a person has approved them."""
    limit, decision = candidate.policy.approved_per_day, candidate.policy.decision
    if limit is None or candidate.standing.n_opened < limit or may_reopen(candidate):
        return None
    if decision is None:
        return Hold.NOT_APPROVED, f"more than {count_of(limit, 'new ticket')} a day wait for approval"
    said = (
        f"approved {count_of(decision.n_approved, 'new ticket')}" if decision.n_approved else "rejected more"
    )
    return Hold.NOT_APPROVED, f"{decision.who} {said} for this day"
