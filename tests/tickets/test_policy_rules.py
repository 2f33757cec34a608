"""Each rule of the policy: what it holds, for how long, and what it says."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hand_made_fleet import DAY, carry_out, day_after, make_entry, make_policy, make_reason

from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.gone_tickets import GoneTicket
from pipelines.tickets.maintenance import fit_to_window
from pipelines.tickets.plan import Create, Hold, Plan
from pipelines.tickets.policy import Policy
from pipelines.tickets.policy_document import Costs
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.tracker import Ticket
from pipelines.tickets.visits import order_by_visit


def plan(
    entries: Sequence[Entry],
    policy: Policy,
    *,
    day: dt.date = DAY,
    tickets: Sequence[Ticket] = (),
    fleet: FleetDay | None = None,
) -> Plan:
    hosts = {entry.component_id: frozenset({entry.host_id}) for entry in entries}
    hosts |= {one.record.component_id: frozenset({one.record.host_id}) for one in tickets}
    known = replace(fleet or FleetDay(), hosts_of=hosts)
    return plan_changes(entries, tickets, known, policy, day=day, list_manifest=None)


def opened(made: Plan) -> list[str]:
    return [change.draft.record.component_id for change in made.changes if isinstance(change, Create)]


def held(made: Plan) -> dict[str, Hold]:
    return {one.entry.component_id: one.hold for one in made.not_opened}


def ranked(n: int, **fields: object) -> list[Entry]:
    return [
        make_entry(f"ZA{rank}", rank=rank, host_id=f"host-{rank}", rack=f"r{rank}", **fields)
        for rank in range(1, n + 1)
    ]


def test_a_reason_names_the_policy_its_version_and_what_it_said() -> None:
    policy = make_policy(minimum_risk=0.7)
    (one,) = plan([make_entry()], policy).not_opened
    assert one.reason == (
        "risk 0.6200 is below the policy's minimum of 0.7 (policy test 7, " + policy.document.digest + ")"
    )
    assert policy.document.digest != make_policy(minimum_risk=0.8).document.digest


def test_a_ticket_remembers_the_policy_that_opened_it() -> None:
    policy = make_policy()
    (change,) = plan([make_entry()], policy).changes
    assert isinstance(change, Create)
    assert change.draft.record.policy == policy.document.label


@pytest.mark.parametrize(("risk", "is_opened"), [(0.10, False), (0.1001, True)])
def test_a_ticket_must_be_expected_to_save_more_than_it_costs(risk: float, is_opened: bool) -> None:
    """100 for a visit in vain, 900 for a failure without warning: 0.1 · 900 = 0.9 · 100."""
    policy = make_policy(costs={"false_alarm": 100, "missed_failure": 900})
    made = plan([make_entry(risk=risk)], policy)
    assert bool(opened(made)) is is_opened
    assert held(made) == ({} if is_opened else {"ZA1": Hold.NOT_WORTH_IT})
    assert Costs(false_alarm=100, missed_failure=900).break_even_risk == 0.1


def test_k_follows_from_money_where_the_policy_wants_it_so() -> None:
    costs = {"false_alarm": 100, "missed_failure": 900}
    policy = replace(make_policy(costs=costs, budget={"new_per_day": "while_it_pays"}), k_per_day=1)
    entries = [make_entry(f"ZA{n}", rank=n, risk=0.5 - n / 10) for n in (1, 2, 3, 4)]
    assert opened(plan(entries, policy)) == ["ZA1", "ZA2", "ZA3"]


def test_the_policys_budget_goes_before_that_of_the_settings() -> None:
    policy = replace(make_policy(budget={"new_per_day": 2}), k_per_day=1)
    assert opened(plan(ranked(3), policy)) == ["ZA1", "ZA2"]


def test_each_site_has_its_own_budget_and_the_next_in_rank_elsewhere_gets_its_turn() -> None:
    entries = [
        *ranked(2),
        replace(make_entry("ZA3", rank=3), site="ams1"),
        make_entry("ZA4", rank=4, site=None),
    ]
    policy = make_policy(budget={"new_per_site": {"fra1": 1}, "new_per_other_site": 1})
    made = plan(entries, policy)
    assert opened(made) == ["ZA1", "ZA3", "ZA4"]
    assert held(made) == {"ZA2": Hold.SITE_BUDGET}


@pytest.mark.parametrize(
    "scope",
    [
        {"serial": "ZA1"},
        {"model": "ST4000DM000"},
        {"firmware": "CC54"},
        {"signal": "reallocated_sectors"},
        {"model": "ST4000DM000", "firmware": "CC54"},
    ],
)
def test_a_silence_holds_what_it_names_until_its_day(scope: dict[str, str]) -> None:
    silence = {"what": "snooze", "until": day_after(5), "who": "kim", "why": "vendor case 17", **scope}
    policy = make_policy(silences=[silence])
    entry = make_entry(firmware="CC54")
    other = make_entry("ZB2", model="other", firmware="X", evidence=(make_reason("pending_sectors"),))
    made = plan([entry, other], policy, day=day_after(4))
    assert (opened(made), held(made)) == (["ZB2"], {"ZA1": Hold.SNOOZED})
    assert "snoozed until 2026-12-06 by kim: vendor case 17" in made.not_opened[0].reason
    assert opened(plan([entry], policy, day=day_after(5))) == ["ZA1"]


def test_a_scope_with_two_properties_means_both() -> None:
    scope = {"model": "ST4000DM000", "firmware": "CC54"}
    silence = {"what": "wont_fix", "until": day_after(5), "who": "kim", "why": "known", **scope}
    made = plan([make_entry(firmware="CC55")], make_policy(silences=[silence]))
    assert opened(made) == ["ZA1"]


def test_the_signal_of_a_silence_is_the_first_reason() -> None:
    silence = {
        "what": "wont_fix",
        "signal": "pending_sectors",
        "until": day_after(5),
        "who": "kim",
        "why": "known",
    }
    second = make_entry(evidence=(make_reason(), make_reason("pending_sectors")))
    first = make_entry(evidence=(make_reason("pending_sectors"), make_reason()))
    assert opened(plan([second], make_policy(silences=[silence]))) == ["ZA1"]
    assert held(plan([first], make_policy(silences=[silence]))) == {"ZA1": Hold.DECLINED}


def test_a_silence_keeps_an_open_ticket_open_and_quiet() -> None:
    tickets = carry_out((), plan([make_entry()], make_policy()), DAY)
    silence = {"what": "snooze", "serial": "ZA1", "until": day_after(5), "who": "kim", "why": "known"}
    policy = make_policy(silences=[silence])
    for n_days, is_told in ((4, False), (5, True)):
        (change,) = plan([make_entry(risk=0.9)], policy, day=day_after(n_days), tickets=tickets).changes
        assert (getattr(change, "comment", None) is not None) is is_told


def test_a_frozen_site_gets_no_new_ticket_on_the_days_of_its_freeze() -> None:
    freeze = {"site": "fra1", "first": DAY, "last": day_after(2), "who": "kim", "why": "year's end"}
    policy = make_policy(maintenance={"freezes": [{**freeze, "except_from_risk": 0.8}]})
    entries = [make_entry("ZA1"), make_entry("ZA2", rank=2, risk=0.8), make_entry("ZA3", rank=3, site="ams1")]
    for n_days, waits in ((-1, []), (0, ["ZA1"]), (2, ["ZA1"]), (3, [])):
        made = plan(entries, policy, day=day_after(n_days))
        assert [name for name, hold in held(made).items() if hold is Hold.FROZEN] == waits


def test_a_freeze_without_a_site_is_for_all_of_them() -> None:
    freeze = {"first": DAY, "last": DAY, "who": "kim", "why": "audit"}
    made = plan([make_entry(site=None)], make_policy(maintenance={"freezes": [freeze]}))
    assert held(made) == {"ZA1": Hold.FROZEN}


@pytest.mark.parametrize(
    ("due", "windows", "fitted"),
    [
        # DAY is a Tuesday.
        (day_after(3), ["tue", "thu"], day_after(2)),
        (day_after(2), ["tue", "thu"], day_after(2)),
        (day_after(1), ["tue", "thu"], DAY),
        (day_after(1), ["sun"], day_after(5)),
        (day_after(-1), ["wed"], day_after(1)),
    ],
)
def test_a_due_day_falls_on_the_last_window_in_time_else_on_the_next_one(
    due: dt.date, windows: list[str], fitted: dt.date
) -> None:
    maintenance = make_policy(maintenance={"windows": {"fra1": windows}}).document.maintenance
    entry = fit_to_window(make_entry(due_day=due), maintenance, DAY)
    assert entry.due_day == fitted
    assert (entry.due_note is None) is (fitted <= due)


def test_a_site_without_windows_works_every_day() -> None:
    maintenance = make_policy(maintenance={"windows": {"fra1": ["sun"]}}).document.maintenance
    elsewhere = make_entry(site="ams1")
    assert fit_to_window(elsewhere, maintenance, DAY) is elsewhere


def test_a_group_never_has_more_hosts_with_tickets_than_it_can_lose() -> None:
    groups = {f"host-{n}": "ceph-a" for n in (1, 2, 3)}
    policy = make_policy(redundancy={"can_lose": 1, "groups": {"ceph-b": 2}})
    fleet = FleetDay(redundancy_groups=groups)
    second = make_entry("ZB1", rank=4, host_id="host-1")
    made = plan([*ranked(3), second], policy, fleet=fleet)
    assert opened(made) == ["ZA1", "ZB1"], "another part of the same host costs the group nothing"
    assert held(made) == {"ZA2": Hold.GROUP_FULL, "ZA3": Hold.GROUP_FULL}
    assert "ceph-a can lose 1 host, and 1 host has a ticket: host-1" in made.not_opened[0].reason
    again = plan(ranked(3), policy, day=day_after(1), fleet=fleet, tickets=carry_out((), made, DAY))
    assert opened(again) == []
    larger = FleetDay(redundancy_groups=dict.fromkeys(groups, "ceph-b"))
    assert opened(plan(ranked(3), policy, fleet=larger)) == ["ZA1", "ZA2"]
    assert opened(plan(ranked(3), policy)) == ["ZA1", "ZA2", "ZA3"], "no inventory names a group"


def test_a_ticket_waits_for_a_part_only_where_the_policy_wants_it_so() -> None:
    for without, names in (("open", ["ZA1", "ZA2"]), ("wait", ["ZA1"])):
        policy = make_policy(spares={"in_stock": {"ST4000DM000": 1}, "without": without})
        made = plan(ranked(2), policy)
        assert opened(made) == names
    assert held(made) == {"ZA2": Hold.NO_SPARE}
    assert "waits for a part: 1 of ST4000DM000 in stock, 1 promised" in made.not_opened[0].reason


def test_a_ticket_says_whether_its_part_is_there() -> None:
    made = plan(ranked(2), make_policy(spares={"in_stock": {"ST4000DM000": 1}}))
    bodies = [change.draft.body for change in made.changes if isinstance(change, Create)]
    assert "Spare part: 1 in stock, 0 of them promised to other tickets" in bodies[0]
    assert "Spare part: waits for a part: 1 in stock, for 1 other open ticket" in bodies[1]
    uncounted = plan([make_entry()], make_policy(spares={"in_stock": {"other": 1}}))
    assert "Spare part" not in next(one.draft.body for one in uncounted.changes if isinstance(one, Create))


def test_a_fresh_fleet_starts_with_few_tickets_a_day() -> None:
    policy = make_policy(cold_start={"days": 3, "new_per_day": 1})
    for n_days, first_day, n_opened in ((0, DAY, 1), (2, DAY, 1), (3, DAY, 3), (0, None, 3)):
        fleet = FleetDay(first_day=first_day)
        assert len(opened(plan(ranked(3), policy, day=day_after(n_days), fleet=fleet))) == n_opened


def test_a_walk_to_a_rack_does_more_there_but_not_at_any_price() -> None:
    entries = [
        make_entry("A", rank=1, risk=0.8, rack="r1/u1"),
        make_entry("B", rank=2, risk=0.6, rack="r2/u1"),
        make_entry("C", rank=3, risk=0.4, rack="r1/u9"),
        make_entry("D", rank=4, risk=0.2, rack="r1/u5"),
        make_entry("E", rank=5, risk=0.2, rack=None),
    ]

    def order(share: float | None, visited: frozenset[str] = frozenset()) -> str:
        return "".join(entry.component_id for entry in order_by_visit(entries, visited, share))

    assert order(None) == order(1.0) == "ABCDE"
    assert order(0.5) == "ACBDE"
    assert order(0.0) == "ACDBE"
    assert order(0.5, frozenset({"fra1/r2"})) == "BACDE"
    assert order(0.5, frozenset({"ams1/r2"})) == "ACBDE", "a rack of the same name at another site"


def test_with_one_ticket_a_day_the_rack_of_yesterdays_ticket_is_finished_first() -> None:
    policy = make_policy(rack_visit={"at_least_risk_share": 0.5}, budget={"new_per_day": 1})
    first = [make_entry("A", rank=1, rack="r1/u1")]
    tickets = carry_out((), plan(first, policy), DAY)
    entries = [
        make_entry("A", rank=1, rack="r1/u1"),
        make_entry("B", rank=2, risk=0.6, rack="r2/u1"),
        make_entry("C", rank=3, risk=0.4, rack="r1/u9"),
    ]
    assert opened(plan(entries, policy, day=day_after(1), tickets=tickets)) == ["C"]


def test_a_deleted_ticket_is_taken_as_declined_for_as_long_as_one_may_be_opened_again() -> None:
    entry = make_entry()
    gone = GoneTicket(ticket_id="17", missed_on=DAY, reason="Ticket 17 was deleted.")
    fleet = FleetDay(gone_tickets={entry.key.digest: gone})
    for n_days, names in ((0, []), (30, []), (31, ["ZA1"])):
        made = plan([entry], make_policy(), day=day_after(n_days), fleet=fleet)
        assert opened(made) == names
    held_back = plan([entry], make_policy(), day=day_after(30), fleet=fleet).not_opened[0]
    assert held_back.hold is Hold.DECLINED
    assert (
        "ticket 17 is gone from the tracker (missed on 2026-12-01): taken as declined until 2027-01-01"
        in (held_back.reason)
    )
