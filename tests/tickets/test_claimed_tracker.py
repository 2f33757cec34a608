"""One open ticket per key in trackers without a unique constraint, whatever is killed, lost or run at once."""

import datetime as dt
import json
import random
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from fickle_tracker import Fate, FickleStore, FickleTracker, KeylessTracker, KilledError, SimulatedClock
from hand_made_fleet import DAY, POLICY, day_after, make_entry, make_policy
from memory_store import MemoryStore
from memory_tracker import MemoryTracker

from pipelines.errors import PermanentError, TrackerError
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.tickets.apply import apply_plan
from pipelines.tickets.claimed_tracker import CLAIM_WAIT, ClaimedTracker
from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.gone_tickets import GoneTicket, read_gone_ticket, read_gone_tickets
from pipelines.tickets.plan import Create
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.storms import Cause, FleetShares, find_frequent
from pipelines.tickets.ticket_claim import TicketClaims
from pipelines.tickets.ticket_errors import ClaimHeldError, TicketDeletedError, TicketGoneError
from pipelines.tickets.tracker import Draft, Outcome, Ticket, Tracker

N_HISTORIES = 50
RUNS_A_HISTORY = 20

STORM_RACK = Cause(position=1, value="fra1/r9")
HISTORY_POLICY = replace(
    make_policy(storm={"new_tickets": {"rack": 3}, "over_representation": 3, "settle_days": 1}),
    k_per_day=99,
    reopen_within_days=3,
)


def make_draft(component_id: str = "ZA1") -> Draft:
    (change,) = plan_changes(
        [make_entry(component_id)], [], FleetDay(), POLICY, day=DAY, list_manifest=None
    ).changes
    assert isinstance(change, Create)
    return change.draft


def reconcile(tracker: Tracker, entries: list[Entry], day: dt.date, lake: Lake) -> None:
    """Do what the ticket step does, without its Parquet files."""
    causes = find_frequent(entries, HISTORY_POLICY.document.storm)
    keys = sorted({*(one.key.digest for one in entries), *(one.key("default").digest for one in causes)})
    open_tickets = tracker.list_open("default")
    found = [*open_tickets, *tracker.find(sorted(set(keys) - {ticket.key for ticket in open_tickets}))]
    tickets = tuple({ticket.ticket_id: ticket for ticket in found}.values())
    fleet = FleetDay(
        shares=FleetShares(n_of={STORM_RACK: 4}, n_among={STORM_RACK: 1000}),
        gone_tickets=read_gone_tickets(lake, "default", keys),
    )
    plan = plan_changes(entries, tickets, fleet, HISTORY_POLICY, day=day, list_manifest=None)
    apply_plan(tracker, plan, day)


def open_keys(tracker: MemoryTracker) -> Counter[str]:
    return Counter(ticket.key for ticket in tracker.tickets.values() if ticket.is_open)


class History:
    """Runs over a few days on one tracker and one lake, decided by a seed."""

    def __init__(self, seed: int, *, is_claimed: bool) -> None:
        self.random = random.Random(seed)
        self.clock = SimulatedClock()
        self.tracker = KeylessTracker(self.clock, lag=dt.timedelta(seconds=self.random.choice([0, 5, 60])))
        self.objects = MemoryStore()
        self.is_claimed = is_claimed
        self.day = DAY
        self.n_troubles = 0
        self.n_deleted = 0
        self.n_storms = 0

    def run(self, trouble: float, *, may_nest: bool = True) -> None:
        """Run once, and in it perhaps another run from its start to its end."""

        def interlude() -> None:
            if may_nest:
                self.run(trouble, may_nest=False)

        fate = Fate(random=self.random, trouble=trouble, interlude=interlude)
        fickle = FickleTracker(self.tracker, self.clock, fate)
        lake = Lake(FickleStore(self.objects, fate))
        tracker = ClaimedTracker(fickle, lake, "default", clock=self.clock) if self.is_claimed else fickle
        with suppress(TrackerError, KilledError, TicketDeletedError):
            reconcile(tracker, self.entries(), self.day, lake)
        self.n_troubles += fate.n_troubles

    def entries(self) -> list[Entry]:
        """Three parts in racks of their own and, every other day, four in one rack: more than come singly."""
        n_days = (self.day - DAY).days
        return [
            make_entry(
                f"ZA{rank}",
                rank=rank,
                slot=str(rank),
                host_id=f"host-{rank}",
                rack=f"r{rank}" if rank <= 3 else "r9",
                risk=0.3 + 0.2 * (n_days % 3),
            )
            for rank in range(1, 4 if n_days % 2 else 8)
        ]

    def live(self) -> None:
        """Let time pass, a technician close something, somebody delete or merge a ticket."""
        self.clock.move(minutes=self.random.choice([0, 0.1, 3, 20, 60]))
        self.tracker.land_late_creations()
        if self.random.random() < 0.25:
            self.day += dt.timedelta(days=self.random.choice([1, 1, 5]))
        tickets = [ticket for ticket in self.tracker.tickets.values() if ticket.is_open]
        if tickets and self.random.random() < 0.3:
            ticket = self.random.choice(tickets)
            self.n_storms += ticket.record.is_storm
            outcome = self.random.choice([Outcome.CONFIRMED, Outcome.RESEATED, Outcome.NO_FAULT_FOUND])
            self.tracker.close(ticket.ticket_id, outcome=outcome, day=self.day, note="")
        elif tickets and self.random.random() < 0.15:
            self.tracker.delete(self.random.choice(tickets).ticket_id)
            self.n_deleted += 1

    def assert_each_part_has_its_one_ticket(self) -> None:
        """Its own or, of the parts in one rack, the one about the rack."""
        counts = open_keys(self.tracker)
        storm = counts[STORM_RACK.key("default").digest]
        for entry in self.entries():
            own = counts[entry.key.digest]
            assert own == 1 or (own == 0 and storm == 1 and entry.place == STORM_RACK.value)
        assert max(counts.values()) == 1


def test_in_1000_runs_with_kills_and_lost_replies_no_key_has_two_open_tickets_and_none_is_lost() -> None:
    n_troubles = n_opened = n_deleted = n_storms = 0
    for seed in range(N_HISTORIES):
        history = History(seed, is_claimed=True)
        for _ in range(RUNS_A_HISTORY):
            known = set(history.tracker.tickets)
            history.run(trouble=0.08)
            assert known <= set(history.tracker.tickets), "a run took a ticket away"
            history.live()
            doubled = [key for key, count in open_keys(history.tracker).items() if count > 1]
            assert not doubled, f"history {seed}"
        n_troubles += history.n_troubles
        # Quiet again: what was deleted is noted, that time passes, and each part listed has its one ticket.
        for n_days in (9, 9 + (history.day - DAY).days % 2):
            history.day += dt.timedelta(days=n_days)
            for _ in range(2):
                history.clock.move(minutes=31)
                history.tracker.land_late_creations()
                history.run(trouble=0.0)
        assert len(history.entries()) == 7
        history.assert_each_part_has_its_one_ticket()
        n_opened += len(history.tracker.tickets)
        n_deleted += history.n_deleted
        n_storms += history.n_storms
    # The histories did hold what they promise.
    assert n_troubles > 1000
    assert n_opened > 3 * N_HISTORIES
    assert min(n_deleted, n_storms) > N_HISTORIES / 2


def test_without_claims_the_same_runs_open_tickets_twice() -> None:
    """The property above is not empty: it is the claim that holds it."""
    for seed in range(N_HISTORIES):
        history = History(seed, is_claimed=False)
        for _ in range(RUNS_A_HISTORY):
            history.run(trouble=0.08)
            history.live()
            if max(open_keys(history.tracker).values(), default=0) > 1:
                return
    pytest.fail("no key was ever doubled")


class SlowTracker(MemoryTracker):
    """Makes each run that wants to open a ticket wait until all others have looked."""

    def __init__(self, n_runs: int) -> None:
        super().__init__()
        self._looked = threading.Barrier(n_runs)

    def find(self, keys):
        found = super().find(keys)
        with suppress(threading.BrokenBarrierError):
            self._looked.wait(timeout=0.5)
        return found

    def _find_open(self, key: str) -> Ticket | None:
        return None


def test_of_eight_runs_at_once_one_opens_the_ticket(tmp_path: Path) -> None:
    shared = SlowTracker(8)
    ends: list[str] = []

    def race() -> None:
        tracker = ClaimedTracker(shared, Lake(FolderStore(tmp_path)), "default")
        try:
            ends.append(tracker.create(make_draft()).ticket_id)
        except ClaimHeldError:
            ends.append("held")

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 8
    assert set(ends) <= {"1", "held"}
    assert list(shared.tickets) == ["1"]


class TestOneClaim:
    """A single key, step by step."""

    @pytest.fixture
    def clock(self) -> SimulatedClock:
        return SimulatedClock()

    @pytest.fixture
    def inner(self, clock: SimulatedClock) -> KeylessTracker:
        return KeylessTracker(clock, dt.timedelta(0))

    @pytest.fixture
    def tracker(self, inner: KeylessTracker, lake: Lake, clock: SimulatedClock) -> ClaimedTracker:
        return ClaimedTracker(inner, lake, "default", clock=clock)

    def lose_reply(self, inner: KeylessTracker, monkeypatch: pytest.MonkeyPatch, **facts: object) -> None:
        def fail(draft: Draft) -> Ticket:
            raise TrackerError("no reply", **facts)

        monkeypatch.setattr(inner, "create", fail)

    def test_the_claim_names_the_ticket_and_lies_where_the_docs_say(
        self, tracker: ClaimedTracker, lake: Lake
    ) -> None:
        ticket = tracker.create(make_draft())
        claim = lake.read_json(f"tickets/default/claims/{ticket.key}.json")
        assert isinstance(claim, dict)
        assert (claim["ticket_id"], claim["is_opening"]) == (ticket.ticket_id, False)

    def test_while_a_reply_is_missing_nobody_opens_and_the_error_says_until_when(
        self,
        tracker: ClaimedTracker,
        inner: KeylessTracker,
        clock: SimulatedClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with monkeypatch.context() as patch:
            self.lose_reply(inner, patch)
            with pytest.raises(TrackerError, match="no reply"):
                tracker.create(make_draft())
        clock.move(seconds=CLAIM_WAIT.total_seconds() - 1)
        with pytest.raises(
            ClaimHeldError, match=r"claimed key .* at 2026-12-01 06:00:00 UTC.* after 2026-12-01 06:30"
        ):
            tracker.create(make_draft())
        assert not inner.tickets
        clock.move(seconds=2)
        assert tracker.create(make_draft()).is_open

    def test_a_request_that_surely_did_nothing_frees_the_key_at_once(
        self, tracker: ClaimedTracker, inner: KeylessTracker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            self.lose_reply(inner, patch, had_no_effect=True)
            with pytest.raises(TrackerError):
                tracker.create(make_draft())
        assert tracker.create(make_draft()).is_open

    def test_a_ticket_that_the_search_does_not_show_is_known_by_its_claim(
        self, tracker: ClaimedTracker, inner: KeylessTracker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ticket = tracker.create(make_draft())
        monkeypatch.setattr(inner, "find", lambda keys: [])
        assert tracker.create(make_draft()) == ticket
        assert tracker.find([ticket.key]) == [ticket]

    def test_a_key_whose_ticket_was_closed_gets_a_new_one(
        self, tracker: ClaimedTracker, inner: KeylessTracker
    ) -> None:
        old = tracker.create(make_draft())
        tracker.close(old.ticket_id, outcome=Outcome.CONFIRMED, day=DAY, note="")
        assert tracker.create(make_draft()).ticket_id != old.ticket_id

    def test_opening_again_takes_the_same_claim(self, tracker: ClaimedTracker, inner: KeylessTracker) -> None:
        old = tracker.create(make_draft())
        tracker.close(old.ticket_id, outcome=Outcome.RESEATED, day=DAY, note="")
        new = tracker.create(make_draft())
        assert tracker.reopen(old.ticket_id, day=day_after(1)) == new
        tracker.close(new.ticket_id, outcome=Outcome.RESEATED, day=DAY, note="")
        assert tracker.reopen(old.ticket_id, day=day_after(1)).ticket_id == old.ticket_id
        assert tracker.create(make_draft()).ticket_id == old.ticket_id

    def test_a_deleted_ticket_is_noted_and_said_once_and_its_key_is_free_again(
        self, tracker: ClaimedTracker, inner: KeylessTracker, lake: Lake
    ) -> None:
        draft = make_draft()
        gone = tracker.create(draft)
        inner.delete(gone.ticket_id)
        with pytest.raises(
            TicketDeletedError, match=r"Ticket 1 was deleted.*taken as declined.*delete .*gone/"
        ):
            tracker.create(draft)
        noted = read_gone_ticket(lake, "default", draft.key)
        assert noted == GoneTicket(ticket_id="1", missed_on=DAY, reason="Ticket 1 was deleted.")
        assert tracker.list_all("default") == []
        assert tracker.create(draft).is_open, "whoever asks again, and the plan does not, gets a ticket"

    def test_a_note_that_is_deleted_by_hand_opens_the_key_at_once_without_a_second_word(
        self, tracker: ClaimedTracker, inner: KeylessTracker, lake: Lake
    ) -> None:
        draft = make_draft()
        inner.delete(tracker.create(draft).ticket_id)
        with pytest.raises(TicketDeletedError):
            tracker.create(draft)
        lake.store.delete(f"tickets/default/gone/{draft.key}.json")
        assert tracker.create(draft).is_open

    def test_a_deleted_ticket_does_not_break_the_claim_of_a_run_that_is_at_work(
        self, tracker: ClaimedTracker, inner: KeylessTracker, lake: Lake, clock: SimulatedClock
    ) -> None:
        draft = make_draft()
        inner.delete(tracker.create(draft).ticket_id)
        claims = TicketClaims(lake, "default")
        claim, etag = claims.read(draft.key)
        assert claim is not None
        busy = claim.model_copy(update={"is_opening": True, "claimed_at": clock()})
        claims.write(draft.key, busy, etag)
        with pytest.raises(TicketDeletedError):
            tracker.create(draft)
        with pytest.raises(ClaimHeldError):
            tracker.create(draft)
        assert claims.read(draft.key)[0] == busy

    def test_a_damaged_ticket_stays_a_persons_work_on_every_run(
        self, tracker: ClaimedTracker, inner: KeylessTracker, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ticket = tracker.create(make_draft())

        def is_damaged(ticket_id: str) -> Ticket:
            raise TicketGoneError(f"Ticket {ticket_id} carries no key.")

        monkeypatch.setattr(inner, "find", lambda keys: [])
        monkeypatch.setattr(inner, "get", is_damaged)
        for _ in range(2):
            with pytest.raises(
                TicketGoneError, match=r"Ticket 1 carries no key.*delete .*claims/.*to have a new one"
            ):
                tracker.create(make_draft())
        assert list(inner.tickets) == [ticket.ticket_id]

    def test_a_damaged_claim_is_a_persons_work(self, tracker: ClaimedTracker, lake: Lake) -> None:
        draft = make_draft()
        lake.store.write(f"tickets/default/claims/{draft.key}.json", json.dumps({"run": 1}).encode())
        with pytest.raises(PermanentError, match="is no readable claim"):
            tracker.create(draft)


def test_one_tickets_trouble_does_not_keep_the_others_from_being_followed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimulatedClock()
    inner = KeylessTracker(clock, dt.timedelta(0))
    tracker = ClaimedTracker(inner, lake, "default", clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr(inner, "create", lambda draft: (_ for _ in ()).throw(TrackerError("no reply")))
        with pytest.raises(TrackerError):
            tracker.create(make_draft("ZA1"))
    entries = [make_entry(f"ZA{rank}", rank=rank, slot=str(rank)) for rank in (1, 2, 3)]
    with pytest.raises(ClaimHeldError, match="The other 2 tickets follow the list"):
        reconcile(tracker, entries, DAY, lake)
    assert [ticket.record.component_id for ticket in inner.tickets.values()] == ["ZA2", "ZA3"]
    clock.move(minutes=31)
    reconcile(tracker, entries, DAY, lake)
    assert len(inner.tickets) == 3
