"""Whatever is killed, repeated, replayed or resolved in between: one open ticket per key, none lost."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hand_made_fleet import DAY, day_after, make_entry, make_reason, make_settings, write_fleet_day
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from memory_store import MemoryStore
from memory_tracker import KilledTracker, MemoryTracker

from pipelines.errors import TrackerError
from pipelines.lake import Lake
from pipelines.published_list import day_folder
from pipelines.settings import Settings
from pipelines.ticket_plan import preview_tickets_day
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.tickets.entries import Entry
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Outcome, Ticket, Tracker
from pipelines.tickets.trackers.desk import Desk

TICKETS = {"close_after_days": 2, "reopen_within_days": 4, "is_simulated_clock": True}
SETTINGS = make_settings(list={"k_per_day": 2}, tickets=TICKETS)
STORMY = make_settings(
    list={"k_per_day": 2},
    tickets={**TICKETS, "policy": str(Path(__file__).with_name("storm_policy.yaml"))},
)
COMPONENTS = ("ZA0", "ZA1", "ZA2", "ZA3", "ZA4")
HOSTS = ("host-a", "host-b")


@dataclass(frozen=True)
class Kill:
    """The call of the run that fails, and whether it had its effect."""

    fails_at: int
    has_effect: bool


@dataclass(frozen=True)
class Visit:
    """What a technician does to the n-th ticket, if there are so many."""

    position: int
    outcome: Outcome | None
    snooze_days: int | None


@dataclass(frozen=True)
class FleetDayPlan:
    """One day of a made-up history: who is listed, scored, failed, moved; kills; visits afterwards."""

    days_later: int
    listed: tuple[tuple[str, float], ...]
    silent: frozenset[str]
    abstained: frozenset[str]
    failed: frozenset[str]
    moved: frozenset[str]
    new_signal: frozenset[str]
    kills: tuple[Kill, ...]
    visits: tuple[Visit, ...]


some_components = st.frozensets(st.sampled_from(COMPONENTS), max_size=1)
risks = st.sampled_from([0.1, 0.15, 0.3, 0.6])
fleet_days = st.builds(
    FleetDayPlan,
    days_later=st.sampled_from([1, 1, 1, 2, 5]),
    listed=st.lists(
        st.tuples(st.sampled_from(COMPONENTS), risks), max_size=5, unique_by=lambda pair: pair[0]
    ).map(tuple),
    silent=some_components,
    abstained=some_components,
    failed=some_components,
    moved=some_components,
    new_signal=some_components,
    kills=st.lists(st.builds(Kill, st.integers(1, 14), st.booleans()), max_size=3).map(tuple),
    visits=st.lists(
        st.builds(
            Visit,
            st.integers(0, 6),
            st.sampled_from([*TECHNICIAN_OUTCOMES, None]),
            st.sampled_from([None, None, 3]),
        ),
        max_size=2,
    ).map(tuple),
)
histories = st.lists(fleet_days, min_size=1, max_size=7)


@contextmanager
def open_memory() -> Iterator[Tracker]:
    yield MemoryTracker()


@contextmanager
def open_desk() -> Iterator[Tracker]:
    with tempfile.TemporaryDirectory() as folder:
        yield Desk(f"{folder}/desk.sqlite")


def snapshot(tracker: Tracker) -> list[tuple[Ticket, tuple[str, ...]]]:
    """Return all that a tracker holds. The numbers of state changes in the desk's history don't count."""
    return [
        (ticket, tuple(sorted(said.text for said in tracker.read_history(ticket.ticket_id))))
        for ticket in tracker.list_all("default")
    ]


def read_board(lake: Lake, day: dt.date) -> tuple[bytes, bytes]:
    return tuple(lake.store.read(day_folder(day) + name) for name in ("plan.html", "plan.json"))


def write_day(lake: Lake, day: dt.date, plan: FleetDayPlan) -> list[Entry]:
    def place(component_id: str) -> tuple[str, str]:
        moved = component_id in plan.moved
        return HOSTS[(COMPONENTS.index(component_id) + moved) % 2], component_id[-1]

    scored = [name for name in COMPONENTS if name not in plan.silent]
    entries = []
    for rank, (name, risk) in enumerate(plan.listed, start=1):
        if name in scored and name not in plan.abstained:
            host_id, slot = place(name)
            signal = "pending_sectors" if name in plan.new_signal else "reallocated_sectors"
            entries.append(
                make_entry(
                    name, rank=rank, risk=risk, host_id=host_id, slot=slot, evidence=(make_reason(signal),)
                )
            )
    listed = {entry.component_id: entry.risk for entry in entries}
    write_fleet_day(
        lake,
        day,
        entries,
        risks={name: None if name in plan.abstained else listed.get(name, 0.01) for name in scored},
        failed=tuple(plan.failed),
        places={name: place(name) for name in COMPONENTS},
    )
    return entries


def visit(tracker: Tracker, plan: FleetDayPlan, day: dt.date) -> None:
    for one in plan.visits:
        tickets = tracker.list_all("default")
        if one.position < len(tickets):
            ticket_id = tickets[one.position].ticket_id
            if one.outcome is not None:
                tracker.close(ticket_id, outcome=one.outcome, day=day, note="")
            if one.snooze_days is not None:
                until = day + dt.timedelta(days=one.snooze_days)
                tracker.snooze(ticket_id, until=until, day=day)


def assert_one_open_ticket_per_key(tracker: Tracker) -> None:
    open_keys = [ticket.key for ticket in tracker.list_open("default")]
    assert len(open_keys) == len(set(open_keys))


def run_history(
    history: list[FleetDayPlan], tracker: Tracker, undisturbed: Tracker, settings: Settings = SETTINGS
) -> None:
    """Run a history with all its kills on one tracker and without on the other; check after each step."""
    lake, calm_lake = Lake(MemoryStore()), Lake(MemoryStore())
    day, days, known_ids = DAY, [], set()
    for plan in history:
        day += dt.timedelta(days=plan.days_later)
        entries = write_day(lake, day, plan)
        write_day(calm_lake, day, plan)
        for kill in plan.kills:
            killed = KilledTracker(tracker, fails_at=kill.fails_at, has_effect=kill.has_effect)
            with suppress(TrackerError):
                reconcile_tickets_day(day, settings, lake, day, tracker=killed)
            assert_one_open_ticket_per_key(tracker)

        facts = reconcile_tickets_day(day, settings, lake, day, tracker=tracker)
        once, board = snapshot(tracker), read_board(lake, day)
        preview = preview_tickets_day(day, settings, lake, day, tracker=tracker)
        assert {line.verb for line in preview.lines} <= {"wait"}, "a plan after the run holds no work"
        assert preview.render_page() == board[0]
        reconcile_tickets_day(day, settings, lake, day, tracker=tracker)
        assert snapshot(tracker) == once, "a second run of the day changed something"
        reconcile_tickets_day(day, settings, calm_lake, day, tracker=undisturbed)
        assert once == snapshot(undisturbed), "a killed run left a trace"
        assert board == read_board(lake, day) == read_board(calm_lake, day), (
            "the board tells of the way there"
        )

        assert_one_open_ticket_per_key(tracker)
        assert known_ids <= {ticket.ticket_id for ticket in tracker.list_all("default")}
        open_keys = {ticket.key for ticket in tracker.list_open("default")}
        waiting = {held.entry.key.digest for held in facts.not_opened}
        assert {entry.key.digest for entry in entries} <= open_keys | waiting
        assert not open_keys & waiting
        assert len(tracker.list_opened_on("default", day)) <= settings.list.k_per_day
        for past in days:
            reconcile_tickets_day(past, settings, lake, day, tracker=tracker)
        assert snapshot(tracker) == once, "a replayed past day changed something"

        visit(tracker, plan, day)
        visit(undisturbed, plan, day)
        days.append(day)
        known_ids |= {ticket.ticket_id for ticket in tracker.list_all("default")}


@pytest.mark.parametrize("settings", [SETTINGS, STORMY], ids=["singly", "with storms"])
@given(history=histories)
@hypothesis_settings(max_examples=40, deadline=None)
def test_tickets_in_memory_converge_whatever_is_killed_repeated_or_replayed(
    settings: Settings, history: list[FleetDayPlan]
) -> None:
    with open_memory() as tracker, open_memory() as undisturbed:
        run_history(history, tracker, undisturbed, settings)


@given(history=histories)
@hypothesis_settings(max_examples=12, deadline=None)
def test_tickets_of_the_desk_converge_whatever_is_killed_repeated_or_replayed(
    history: list[FleetDayPlan],
) -> None:
    with open_desk() as tracker, open_desk() as undisturbed:
        run_history(history, tracker, undisturbed)


@pytest.mark.parametrize("open_tracker", [open_memory, open_desk])
@pytest.mark.parametrize("has_effect", [False, True])
def test_a_run_killed_at_any_single_call_is_finished_by_the_next(
    open_tracker: Callable[[], Iterator[Tracker]], has_effect: bool
) -> None:
    """One history in which every kind of change happens on the last day, killed at each of its calls."""
    first = [make_entry("ZA1", rank=1), make_entry("ZA2", rank=2, slot="2")]
    second = [make_entry("ZA3", rank=1, slot="3"), make_entry("ZA4", rank=2, slot="4")]
    last = [
        make_entry("ZA1", rank=1, risk=0.9),
        make_entry("ZA3", rank=2, slot="3", risk=0.9),
        make_entry("ZA5", rank=3, slot="5"),
    ]
    everyone = {f"ZA{number}": 0.01 for number in range(1, 6)}
    places = {f"ZA{number}": ("host-0421", str(number)) for number in range(1, 6)}
    fails_at, was_killed, ends = 1, True, []
    while was_killed:
        with open_tracker() as tracker:
            lake = Lake(MemoryStore())
            for n_days, entries in ((0, first), (1, second), (4, last)):
                write_fleet_day(lake, day_after(n_days), entries, risks=everyone, places=places)
                if n_days < 4:
                    reconcile_tickets_day(day_after(n_days), SETTINGS, lake, DAY, tracker=tracker)
            za3 = next(
                ticket for ticket in tracker.list_open("default") if ticket.record.component_id == "ZA3"
            )
            tracker.close(za3.ticket_id, outcome=Outcome.RESEATED, day=day_after(2), note="")
            killed = KilledTracker(tracker, fails_at=fails_at, has_effect=has_effect)
            try:
                reconcile_tickets_day(day_after(4), SETTINGS, lake, DAY, tracker=killed)
                was_killed = False
            except TrackerError:
                reconcile_tickets_day(day_after(4), SETTINGS, lake, DAY, tracker=tracker)
            ends.append(snapshot(tracker))
        fails_at += 1
    assert fails_at > 8, "the last day should have needed more calls than that"
    assert all(end == ends[-1] for end in ends)
    states = [(ticket.record.component_id, ticket.is_open, ticket.outcome) for ticket, _ in ends[-1]]
    assert states == [
        ("ZA1", True, None),
        ("ZA2", False, Outcome.LEFT_LIST),
        ("ZA3", True, None),
        ("ZA4", True, None),  # off the list since this day only: no list was made in between
        ("ZA5", True, None),
    ]
