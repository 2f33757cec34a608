"""Storms: when one ticket about a cause takes the place of many, whom it takes along, and how it ends."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hand_made_fleet import DAY, carry_out, day_after, make_entry, make_policy

from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.gone_tickets import GoneTicket
from pipelines.tickets.plan import Close, Create, Hold, Keep, Plan, Reopen, Update
from pipelines.tickets.policy import Policy
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.record import read_record
from pipelines.tickets.storms import Cause, FleetShares, find_cause, find_suspects, list_causes
from pipelines.tickets.tracker import Outcome, Ticket

STORM = {"new_tickets": {"host": 3, "rack": 3, "firmware": 3, "model": 3}, "over_representation": 3}
POLICY = make_policy(storm=STORM)
RACK = Cause(position=1, value="fra1/r12")
FLEET = FleetDay(
    shares=FleetShares(
        n_of={RACK: 10, Cause(position=4, value="ST4000DM000"): 900},
        n_among={RACK: 1000, Cause(position=4, value="ST4000DM000"): 1000},
    )
)


def in_rack(n: int, first: int = 1, rack: str = "r12", **fields: object) -> list[Entry]:
    return [
        make_entry(f"ZA{rank}", rank=rank, host_id=f"host-{rank}", rack=f"{rack}/u{rank}", **fields)
        for rank in range(first, first + n)
    ]


def plan(
    entries: Sequence[Entry],
    tickets: Sequence[Ticket] = (),
    *,
    day: dt.date = DAY,
    policy: Policy = POLICY,
    fleet: FleetDay = FLEET,
) -> Plan:
    hosts = {entry.component_id: frozenset({entry.host_id}) for entry in entries}
    hosts |= {one.record.component_id: frozenset({one.record.host_id}) for one in tickets}
    known = replace(fleet, hosts_of=hosts)
    return plan_changes(entries, tickets, known, policy, day=day, list_manifest=None)


def opened(made: Plan) -> list[str]:
    return [change.draft.record.component_id for change in made.changes if isinstance(change, Create)]


def waiting(made: Plan) -> list[str]:
    return [one.entry.component_id for one in made.not_opened if one.hold is Hold.STORM]


def open_storm(n: int = 4) -> tuple[Ticket, ...]:
    return carry_out((), plan(in_rack(n)), DAY)


def close_storm(outcome: Outcome, day: dt.date = DAY) -> tuple[Ticket, ...]:
    (ticket,) = open_storm()
    return (replace(ticket, is_open=False, outcome=outcome, closed_day=day),)


def test_many_parts_with_one_cause_get_one_ticket_about_the_cause() -> None:
    made = plan([*in_rack(4), make_entry("ZB9", rank=9, rack="r3/u1")])
    assert opened(made) == ["fra1/r12", "ZB9"]
    assert waiting(made) == ["ZA1", "ZA2", "ZA3", "ZA4"]
    assert all("goes with the ticket about rack fra1/r12" in one.reason for one in made.not_opened)
    (storm, _) = made.changes
    assert isinstance(storm, Create)
    draft = storm.draft
    assert draft.title == "Check rack fra1/r12 before 2026-12-04: 4 parts at risk, up to 62 %"
    assert "Check first:\nLook at what the hosts of this rack share" in draft.body
    assert "- rank 3: drive ZA3 slot 7 in host-3 (r12/u3), ST4000DM000, 62 %" in draft.body
    assert read_record(draft.body, "1") == draft.record
    assert (draft.record.is_storm, draft.record.n_members) == (True, 4)
    assert find_cause(draft.record) == RACK


def test_a_plan_made_after_it_was_carried_out_holds_no_work() -> None:
    entries = [*in_rack(4), make_entry("ZB9", rank=9, rack="r3/u1")]
    made = plan(entries)
    again = plan(entries, carry_out((), made, DAY))
    assert {type(change) for change in again.changes} == {Keep}
    assert waiting(again) == waiting(made)


def test_fewer_than_the_policy_says_come_singly() -> None:
    assert opened(plan(in_rack(2))) == ["ZA1", "ZA2"]


def test_what_the_whole_fleet_has_in_common_is_no_cause() -> None:
    """All four are of the model that nine tenths of the fleet are."""
    entries = [make_entry(f"ZA{n}", rank=n, host_id=f"h{n}", rack=f"r{n}") for n in range(1, 5)]
    assert opened(plan(entries)) == ["ZA1", "ZA2", "ZA3", "ZA4"]


def test_a_cause_is_counted_over_the_whole_list_with_tickets_or_without() -> None:
    entries = in_rack(4)
    suspects = find_suspects(entries, FLEET.shares, POLICY.document.storm)
    assert suspects == (RACK,)
    # Two of them have tickets of their own already: the other two are too few for a storm.
    tickets = carry_out((), plan(entries[:2]), DAY)
    assert opened(plan(entries, tickets, day=day_after(1))) == ["ZA3", "ZA4"]


def test_the_narrowest_cause_takes_the_parts() -> None:
    host = [make_entry(f"ZA{n}", rank=n, slot=str(n), host_id="host-1", rack="r12/u1") for n in range(1, 4)]
    shares = FleetShares(
        n_of={RACK: 10, Cause(position=0, value="host-1"): 3},
        n_among={RACK: 1000, Cause(position=0, value="host-1"): 1000},
    )
    fleet = FleetDay(shares=shares)
    assert opened(plan(host, fleet=fleet)) == ["host-1"]
    both = plan([*host, *in_rack(3, first=4)], fleet=fleet)
    assert opened(both) == ["host-1", "fra1/r12"]


def in_host(host_id: str, first: int = 1, n: int = 3) -> list[Entry]:
    return [
        make_entry(f"ZA{rank}", rank=rank, slot=str(rank), host_id=host_id, rack=f"r{first}/u1")
        for rank in range(first, first + n)
    ]


def test_a_host_with_a_storm_is_out_of_its_redundancy_group_like_any_other_with_a_ticket() -> None:
    shares = FleetShares(
        n_of={Cause(position=0, value=f"host-{n}"): 3 for n in (1, 2)},
        n_among={Cause(position=0, value=f"host-{n}"): 1000 for n in (1, 2)},
    )
    groups = {f"host-{n}": "ceph-a" for n in (1, 2, 3)}
    fleet = FleetDay(shares=shares, redundancy_groups=groups)
    policy = make_policy(storm=STORM, redundancy={"can_lose": 1})
    alone = make_entry("ZB1", rank=9, host_id="host-3", rack="r9/u1")
    entries = [*in_host("host-1"), *in_host("host-2", first=4), alone]
    made = plan(entries, policy=policy, fleet=fleet)
    assert opened(made) == ["host-1"]
    held = {one.entry.component_id: one.hold for one in made.not_opened}
    assert [held[name] for name in ("ZA1", "ZA4", "ZB1")] == [Hold.STORM, Hold.GROUP_FULL, Hold.GROUP_FULL]
    tickets = carry_out((), made, DAY)
    assert opened(plan(entries, tickets, day=day_after(1), policy=policy, fleet=fleet)) == []
    # And the other way round: the host of a single ticket keeps the storm of another host waiting, a former one, too.
    single = carry_out((), plan([alone], policy=policy, fleet=fleet), DAY)
    storm = replace(tickets[0], ticket_id="9", is_open=False, outcome=Outcome.LEFT_LIST, closed_day=DAY)
    for known in (single, (*single, storm)):
        later = plan([alone, *in_host("host-1")], known, day=day_after(1), policy=policy, fleet=fleet)
        assert {type(change) for change in later.changes} == {Update}
        assert [one.hold for one in later.not_opened] == [Hold.GROUP_FULL] * 3


def test_firmware_and_batch_are_causes_of_their_own_model_only() -> None:
    entry = make_entry(firmware="CC54", batch="2024-03", host_id="unknown:ZA1", rack=None)
    assert [cause.text for cause in list_causes(entry)] == [
        "firmware CC54 of ST4000DM000",
        "batch 2024-03 of ST4000DM000",
        "model ST4000DM000",
    ]


def test_who_joins_an_open_storm_is_told_once_and_gets_no_ticket_of_their_own() -> None:
    tickets = open_storm()
    grown = plan(in_rack(5), tickets, day=day_after(1))
    (change,) = grown.changes
    assert isinstance(change, Update)
    assert change.comment is not None
    assert "5 parts share rack fra1/r12, 4 before" in change.comment.text
    assert waiting(grown) == ["ZA1", "ZA2", "ZA3", "ZA4", "ZA5"]
    after = carry_out(tickets, grown, day_after(1))
    (quiet,) = plan(in_rack(3), after, day=day_after(2)).changes
    assert isinstance(quiet, Update)
    assert quiet.comment is None


def test_a_storm_names_the_tickets_that_its_parts_already_have() -> None:
    tickets = carry_out((), plan(in_rack(1)), DAY)
    made = plan(in_rack(4), tickets, day=day_after(1))
    storm = next(change for change in made.changes if isinstance(change, Create))
    assert "Parts of this cause with a ticket of their own: 1." in storm.draft.body


def test_a_storm_uses_one_of_the_budget_and_its_parts_wait_with_it_where_there_is_none() -> None:
    made = plan([*in_rack(4), make_entry("ZB9", rank=9, rack="r3/u1")], policy=replace(POLICY, k_per_day=1))
    assert opened(made) == ["fra1/r12"]
    none = plan(in_rack(4), policy=replace(POLICY, k_per_day=0))
    assert opened(none) == []
    assert (
        "goes with the ticket about rack fra1/r12, which waits: 0 new tickets a day"
        in none.not_opened[0].reason
    )


def test_a_storm_that_no_part_waits_for_ends_after_the_span() -> None:
    tickets = open_storm()
    for n_days, kind in ((13, Keep), (14, Close)):
        (change,) = plan([], tickets, day=day_after(n_days)).changes
        assert isinstance(change, kind)


@pytest.mark.parametrize("outcome", [Outcome.NO_FAULT_FOUND, Outcome.DECLINED])
def test_where_there_was_no_common_cause_the_parts_come_singly(outcome: Outcome) -> None:
    made = plan(in_rack(4), close_storm(outcome), day=day_after(1))
    assert opened(made) == ["ZA1", "ZA2", "ZA3", "ZA4"]


def test_after_a_fix_the_parts_rest_and_then_open_the_ticket_again() -> None:
    tickets = close_storm(Outcome.CONFIRMED)
    resting = plan(in_rack(4), tickets, day=day_after(7))
    assert (opened(resting), waiting(resting)) == ([], ["ZA1", "ZA2", "ZA3", "ZA4"])
    assert "was closed on 2026-12-01; its parts rest for 7 days" in resting.not_opened[0].reason
    (again,) = plan(in_rack(4), tickets, day=day_after(8)).changes
    assert isinstance(again, Reopen)
    assert "Opened again: 4 parts that share rack fra1/r12" in again.comment.text
    assert opened(plan(in_rack(4), tickets, day=day_after(31))) == ["fra1/r12"]


def test_a_storm_that_we_closed_ourselves_opens_again() -> None:
    (change,) = plan(in_rack(4), close_storm(Outcome.LEFT_LIST), day=day_after(3)).changes
    assert isinstance(change, Reopen)


def test_a_storms_ticket_that_was_deleted_counts_as_declined() -> None:
    key = RACK.key("default").digest
    gone = GoneTicket(ticket_id="1", missed_on=DAY, reason="Ticket 1 was deleted.")
    made = plan(in_rack(4), fleet=replace(FLEET, gone_tickets={key: gone}), day=day_after(1))
    assert opened(made) == ["ZA1", "ZA2", "ZA3", "ZA4"]


def test_parts_that_wait_for_their_own_reasons_make_no_storm() -> None:
    silence = {"what": "snooze", "model": "ST4000DM000", "until": day_after(5), "who": "kim", "why": "known"}
    made = plan(in_rack(4), policy=make_policy(storm=STORM, silences=[silence]))
    assert {one.hold for one in made.not_opened} == {Hold.SNOOZED}


def test_a_policy_without_storms_lets_the_parts_of_an_open_one_come_singly() -> None:
    made = plan(in_rack(4), open_storm(), policy=make_policy(), day=day_after(1))
    assert opened(made) == ["ZA1", "ZA2", "ZA3", "ZA4"]


def test_text_from_machines_is_inert_in_a_storms_ticket_too() -> None:
    hostile = "@all [x](http://evil.example) #1 *b* `c`\n/close"
    entries = in_rack(4, model=hostile, slot=hostile)
    entries = [replace(entry, rack="r12", site=hostile) for entry in entries]
    storm = next(change for change in plan(entries, fleet=_rack_fleet(entries[0])).changes)
    assert isinstance(storm, Create)
    for text in (storm.draft.title, storm.draft.body.split("BEGIN PREFAIL")[0]):
        for sign in ("@", "[", "#", "*", "`", "://"):
            assert sign not in text


def _rack_fleet(entry: Entry) -> FleetDay:
    cause = Cause(position=1, value=entry.place or "")
    return FleetDay(shares=FleetShares(n_of={cause: 10}, n_among={cause: 1000}))
