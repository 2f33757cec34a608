"""Whatever the list, the tickets and the policy are: budgets hold, silences end, order never matters."""

import datetime as dt
import random
from collections import Counter
from dataclasses import replace

from hand_made_fleet import DAY, carry_out, day_after, make_entry, make_policy
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Create, Hold, Keep, Plan
from pipelines.tickets.policy import Policy
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.storms import Cause, FleetShares
from pipelines.tickets.tracker import Outcome, Ticket

N_HOSTS = 6
SITES = ("ams1", "fra1", None)
MODELS = ("MA", "MB")

risks = st.sampled_from([0.05, 0.1, 0.3, 0.31, 0.6, 0.9])
component = st.tuples(st.integers(0, N_HOSTS - 1), st.integers(0, 2), risks)
fleets = st.lists(component, min_size=1, max_size=12, unique_by=lambda one: (one[0], one[1]))
limits = st.none() | st.integers(0, 3)
policies = st.builds(
    lambda new, per_site, other, group, rack, stock, storm, cold, k: replace(
        make_policy(
            budget={"new_per_day": new, "new_per_site": per_site, "new_per_other_site": other},
            redundancy={"can_lose": group},
            rack_visit=rack,
            spares=stock,
            storm=storm,
            cold_start=cold,
        ),
        k_per_day=k,
    ),
    limits,
    st.dictionaries(st.sampled_from(["ams1", "fra1"]), st.integers(0, 2)),
    limits,
    limits,
    st.none() | st.just({"at_least_risk_share": 0.5}),
    st.none() | st.just({"in_stock": {"MA": 1}, "without": "wait"}),
    st.none() | st.just({"new_tickets": {"rack": 2, "host": 3, "model": 4}, "over_representation": 1.0}),
    st.none() | st.just({"days": 2, "new_per_day": 1}),
    st.integers(0, 4),
)


def list_fleet(parts: list[tuple[int, int, float]]) -> list[Entry]:
    """Return entries in rank order: two hosts a rack, two racks a site, three hosts a redundancy group."""
    ordered = sorted(parts, key=lambda one: (-one[2], one[0], one[1]))
    return [
        make_entry(
            f"Z{host}-{slot}",
            rank=rank,
            host_id=f"host-{host}",
            rack=f"r{host // 2}/u{host}",
            site=SITES[host // 3],
            slot=str(slot),
            model=MODELS[slot % 2],
            risk=risk,
        )
        for rank, (host, slot, risk) in enumerate(ordered, start=1)
    ]


def view_fleet(entries: list[Entry], tickets: tuple[Ticket, ...] = ()) -> FleetDay:
    causes = [Cause(position=0, value=f"host-{n}") for n in range(N_HOSTS)]
    hosts = {entry.component_id: frozenset({entry.host_id}) for entry in entries}
    return FleetDay(
        hosts_of={ticket.record.component_id: frozenset({ticket.record.host_id}) for ticket in tickets}
        | hosts,
        redundancy_groups={f"host-{n}": f"group-{n // 3}" for n in range(N_HOSTS)},
        shares=FleetShares(n_of=dict.fromkeys(causes, 3), n_among=dict.fromkeys(causes, 3 * N_HOSTS)),
        first_day=DAY,
    )


def plan(entries: list[Entry], tickets: tuple[Ticket, ...], policy: Policy, day: dt.date) -> Plan:
    fleet = view_fleet(entries, tickets)
    return plan_changes(entries, tickets, fleet, policy, day=day, list_manifest=None)


def hosts_with_tickets(tickets: tuple[Ticket, ...]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for ticket in tickets:
        record = ticket.record
        host_id = record.component_id if record.is_storm else record.host_id
        # The ticket about a rack or a model takes no host out of service.
        if ticket.is_open and host_id.startswith("host-"):
            number = int(host_id.removeprefix("host-"))
            groups.setdefault(f"group-{number // 3}", set()).add(host_id)
    return groups


@given(parts=fleets, later=fleets, policy=policies, seed=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_budgets_hold_nothing_is_lost_and_order_never_matters(
    parts: list[tuple[int, int, float]],
    later: list[tuple[int, int, float]],
    policy: Policy,
    seed: int,
) -> None:
    tickets: tuple[Ticket, ...] = ()
    for day, listed in ((DAY, parts), (day_after(1), later)):
        entries = list_fleet(listed)
        made = plan(entries, tickets, policy, day)
        shuffled_entries, shuffled_tickets = list(entries), list(tickets)
        random.Random(seed).shuffle(shuffled_entries)
        random.Random(seed).shuffle(shuffled_tickets)
        other = plan(shuffled_entries, tuple(shuffled_tickets), policy, day)
        assert {repr(change) for change in other.changes} == {repr(change) for change in made.changes}
        assert set(other.not_opened) == set(made.not_opened)

        before = tickets
        tickets = carry_out(tickets, made, day)
        new = [change.draft.record for change in made.changes if isinstance(change, Create)]
        limit = policy.new_per_day
        start = policy.document.cold_start
        if start is not None and day < DAY + dt.timedelta(days=start.days):
            limit = min(start.new_per_day, start.new_per_day if limit is None else limit)
        assert limit is None or len(new) <= limit
        budget = policy.document.budget
        for site, n in Counter(record.site or "" for record in new).items():
            site_limit = budget.new_per_site.get(site, budget.new_per_other_site)
            assert site_limit is None or n <= site_limit
        can_lose = policy.document.redundancy.can_lose
        had = hosts_with_tickets(before)
        for group, hosts in hosts_with_tickets(tickets).items():
            assert can_lose is None or len(hosts) <= max(can_lose, len(had.get(group, ())))
        if policy.document.spares is not None:
            promised = Counter(one.record.hardware_model for one in tickets if one.is_open)
            assert promised["MA"] <= 1

        open_keys = Counter(ticket.key for ticket in tickets if ticket.is_open)
        assert max(open_keys.values(), default=1) == 1, "one open ticket a key, a cause's included"
        waits = {one.entry.key.digest for one in made.not_opened}
        assert {entry.key.digest for entry in entries} == waits | (
            {entry.key.digest for entry in entries} & open_keys.keys()
        )
        assert not waits & open_keys.keys()
        again = plan(entries, tickets, policy, day)
        assert {type(change) for change in again.changes} <= {Keep}
        assert {one.entry.key for one in again.not_opened} == {one.entry.key for one in made.not_opened}


@given(
    until=st.integers(0, 5),
    day=st.integers(0, 5),
    what=st.sampled_from(["snooze", "wont_fix"]),
    first=st.integers(0, 5),
    last=st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_silences_and_freezes_hold_on_their_days_and_on_no_other(
    until: int, day: int, what: str, first: int, last: int
) -> None:
    who = {"who": "kim", "why": "known"}
    silence = {"what": what, "serial": "ZA1", "until": day_after(until), **who}
    first, last = sorted((first, last))
    freeze = {"site": "ams1", "first": day_after(first), "last": day_after(last), **who}
    policy = make_policy(silences=[silence], maintenance={"freezes": [freeze]})
    entries = [make_entry("ZA1"), make_entry("ZB2", rank=2, site="ams1", host_id="h2")]
    made = plan(entries, (), policy, day_after(day))
    held = {one.entry.component_id: one.hold for one in made.not_opened}
    assert ("ZA1" in held) is (day < until)
    assert ("ZB2" in held) is (first <= day <= last)
    assert held.get("ZB2", Hold.FROZEN) is Hold.FROZEN


@given(parts=fleets, ends=st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_cause_never_has_two_open_tickets_however_they_end(
    parts: list[tuple[int, int, float]], ends: list[Outcome]
) -> None:
    policy = make_policy(storm={"new_tickets": {"host": 2, "rack": 2}, "over_representation": 1.0})
    tickets: tuple[Ticket, ...] = ()
    for n, outcome in enumerate(ends):
        day = day_after(9 * n)
        tickets = carry_out(tickets, plan(list_fleet(parts), tickets, policy, day), day)
        keys = [ticket.key for ticket in tickets if ticket.is_open]
        assert len(keys) == len(set(keys))
        tickets = tuple(
            replace(one, is_open=False, outcome=outcome, closed_day=day)
            if one.is_open and one.record.is_storm
            else one
            for one in tickets
        )
