"""The local desk keeps its promises: to the protocol, to other processes, and in its errors."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hand_made_fleet import DAY, POLICY, day_after, make_entry

from pipelines.errors import ConfigError, PermanentError, TrackerError
from pipelines.settings import Settings
from pipelines.tickets import desk_database
from pipelines.tickets.departures import FleetDay
from pipelines.tickets.plan import Create
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.tracker import Comment, Draft, Outcome
from pipelines.tickets.trackers import list_tracker_kinds, open_tracker
from pipelines.tickets.trackers.desk import Desk

PROJECT = Path(__file__).parents[2]


def make_draft(component_id: str = "ZA1", **fields: object) -> Draft:
    entry = make_entry(component_id, **fields)
    (change,) = plan_changes([entry], [], FleetDay(), POLICY, day=DAY, list_manifest=None).changes
    assert isinstance(change, Create)
    return change.draft


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return an empty desk in a folder that does not exist yet."""
    return Desk(str(tmp_path / "new" / "desk.sqlite"))


def test_a_ticket_reads_back_as_it_was_opened(desk: Desk) -> None:
    draft = make_draft()
    ticket = desk.create(draft)
    assert desk.get(ticket.ticket_id) == ticket
    assert (ticket.title, ticket.body, ticket.record) == (draft.title, draft.body, draft.record)
    assert (ticket.is_open, ticket.closed_day, ticket.outcome, ticket.snoozed_until) == (
        True,
        None,
        None,
        None,
    )


def test_opening_a_key_twice_returns_the_open_ticket(desk: Desk) -> None:
    assert desk.create(make_draft()) == desk.create(make_draft(risk=0.9))
    assert len(desk.list_all("default")) == 1


def test_the_file_itself_refuses_a_second_open_ticket_of_a_key(desk: Desk, tmp_path: Path) -> None:
    desk.create(make_draft())
    connection = sqlite3.connect(tmp_path / "new" / "desk.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute(
            "INSERT INTO tickets (key, environment, opened_day, title, body, is_open) "
            "SELECT key, environment, opened_day, title, body, 1 FROM tickets"
        )
    connection.close()


def test_a_closed_key_may_get_a_new_ticket_and_then_the_old_one_stays_closed(desk: Desk) -> None:
    old = desk.create(make_draft())
    desk.close(old.ticket_id, outcome=Outcome.LEFT_LIST, day=DAY, note="gone")
    new = desk.create(make_draft())
    assert new.ticket_id != old.ticket_id
    assert desk.reopen(old.ticket_id, day=day_after(1)) == new
    assert [ticket.ticket_id for ticket in desk.list_open("default")] == [new.ticket_id]
    assert [ticket.ticket_id for ticket in desk.find([new.key])] == [old.ticket_id, new.ticket_id]


def test_tickets_are_found_by_key_environment_and_opening_day(desk: Desk) -> None:
    one, two = desk.create(make_draft("ZA1")), desk.create(make_draft("ZA2"))
    desk.close(two.ticket_id, outcome=Outcome.LEFT_LIST, day=DAY, note="")
    assert [ticket.ticket_id for ticket in desk.find([two.key, "no such key"])] == [two.ticket_id]
    assert desk.find([]) == []
    assert [ticket.ticket_id for ticket in desk.list_open("default")] == [one.ticket_id]
    assert [ticket.ticket_id for ticket in desk.list_all("default")] == [one.ticket_id, two.ticket_id]
    assert len(desk.list_opened_on("default", DAY)) == 2
    assert desk.list_opened_on("default", day_after(1)) == []
    assert desk.list_all("staging") == desk.list_opened_on("staging", DAY) == []


def test_more_keys_than_one_statement_takes_are_found(desk: Desk) -> None:
    ticket = desk.create(make_draft())
    assert desk.find([*(f"{number:016x}" for number in range(40_000)), ticket.key]) == [ticket]


def test_a_comment_said_twice_is_there_once(desk: Desk) -> None:
    ticket = desk.create(make_draft())
    for text in ("first", "again"):
        desk.comment(ticket.ticket_id, Comment(comment_id="a", day=DAY, text=text))
    assert [said.text for said in desk.read_history(ticket.ticket_id)] == ["Opened.", "first"]


def test_our_closing_never_replaces_a_technicians_word(desk: Desk) -> None:
    ticket = desk.create(make_draft())
    resolved = desk.close(ticket.ticket_id, outcome=Outcome.RESEATED, day=DAY, note="cable")
    assert desk.close(ticket.ticket_id, outcome=Outcome.LEFT_LIST, day=day_after(9), note="") == resolved


def test_a_technician_may_correct_the_outcome_of_a_closed_ticket(desk: Desk) -> None:
    ticket = desk.create(make_draft())
    desk.close(ticket.ticket_id, outcome=Outcome.DECLINED, day=DAY, note="")
    corrected = desk.close(ticket.ticket_id, outcome=Outcome.CONFIRMED, day=day_after(1), note="was bad")
    assert (corrected.outcome, corrected.closed_day) == (Outcome.CONFIRMED, day_after(1))
    assert [said.text for said in desk.read_history(ticket.ticket_id)] == [
        "Opened.",
        "Closed as declined.",
        "Closed as confirmed. was bad",
    ]


def test_opening_again_forgets_the_outcome_and_keeps_the_history(desk: Desk) -> None:
    ticket = desk.create(make_draft())
    desk.close(ticket.ticket_id, outcome=Outcome.LEFT_LIST, day=DAY, note="")
    assert desk.reopen(ticket.ticket_id, day=DAY) == ticket
    assert desk.reopen(ticket.ticket_id, day=DAY) == ticket
    assert len(desk.read_history(ticket.ticket_id)) == 3


def test_snoozing_and_waking_are_kept(desk: Desk) -> None:
    ticket = desk.create(make_draft())
    assert desk.snooze(ticket.ticket_id, until=day_after(5), day=DAY).snoozed_until == day_after(5)
    assert desk.snooze(ticket.ticket_id, until=day_after(5), day=DAY).is_snoozed(day_after(4))
    assert not desk.get(ticket.ticket_id).is_snoozed(day_after(5))
    assert desk.snooze(ticket.ticket_id, until=None, day=DAY) == ticket
    assert len(desk.read_history(ticket.ticket_id)) == 3


@pytest.mark.parametrize("ticket_id", ["2", "0", "-1", "x", "", "1' OR '1'='1", "²", "9" * 40])
def test_a_ticket_that_does_not_exist_is_named(desk: Desk, ticket_id: str) -> None:
    desk.create(make_draft())
    with pytest.raises(PermanentError, match="The desk has no ticket") as refused:
        desk.get(ticket_id)
    assert refused.value.facts == {"ticket_id": ticket_id}


def test_two_processes_at_once_open_each_key_once(tmp_path: Path) -> None:
    path, n_keys = str(tmp_path / "desk.sqlite"), 15
    command = [sys.executable, str(Path(__file__).with_name("desk_racer.py")), path, str(n_keys)]
    racers = [
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == b"ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    assert [racer.wait(timeout=60) for racer in racers] == [0, 0]
    for racer in racers:
        assert racer.stdout is not None
        racer.stdout.close()
    desk = Desk(path)
    open_keys = [ticket.key for ticket in desk.list_open("default")]
    assert len(open_keys) == len(set(open_keys)) == n_keys
    # Whoever comes between a close and a re-open of the other gets a new ticket, and none is lost.
    assert {ticket.key for ticket in desk.list_all("default")} == set(open_keys)
    for ticket in desk.list_all("default"):
        assert [said.text for said in desk.read_history(ticket.ticket_id)].count("said once") <= 1


def test_a_desk_that_another_process_holds_is_worth_another_try(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_database, "_BUSY_SECONDS", 0.05)
    desk.create(make_draft())
    other = sqlite3.connect(tmp_path / "new" / "desk.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TrackerError, match="The published list is not affected") as busy:
        desk.create(make_draft("ZA2"))
    other.execute("ROLLBACK")
    other.close()
    assert busy.value.exit_code == 75
    assert desk.create(make_draft("ZA2")).is_open


def test_a_file_that_is_no_desk_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    path.write_bytes(b"this is a spreadsheet, not a desk" * 50)
    before = path.read_bytes()
    with pytest.raises(PermanentError, match=r"can't be used \(file is not a database\)"):
        Desk(str(path)).list_open("default")
    assert path.read_bytes() == before


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"tickets\.desk_path"):
        Desk(str(tmp_path)).list_open("default")


def test_a_desk_of_a_newer_version_is_refused_and_left_as_it_is(desk: Desk, tmp_path: Path) -> None:
    ticket = desk.create(make_draft())
    connection = sqlite3.connect(tmp_path / "new" / "desk.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    with pytest.raises(PermanentError, match="written by a newer Prefail \\(schema 99"):
        desk.close(ticket.ticket_id, outcome=Outcome.CONFIRMED, day=DAY, note="")
    assert connection.execute("SELECT is_open FROM tickets").fetchall() == [(1,)]
    connection.close()


def test_a_transaction_that_is_cut_short_leaves_nothing(desk: Desk) -> None:
    desk.create(make_draft())

    def delete_all_and_die() -> None:
        with desk._database.transaction() as connection:
            connection.execute("DELETE FROM history")
            connection.execute("DELETE FROM tickets")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        delete_all_and_die()
    assert len(desk.list_open("default")) == 1


def test_who_only_looks_leaves_the_folder_as_it_is_and_can_not_write(desk: Desk, tmp_path: Path) -> None:
    def look() -> list[tuple[str, bytes, int]]:
        files = sorted(tmp_path.rglob("*.*"))
        return [(str(file), file.read_bytes(), file.stat().st_mtime_ns) for file in files]

    ticket = desk.create(make_draft())
    before = look()
    reader = Desk(str(tmp_path / "new" / "desk.sqlite"), is_read_only=True)
    assert reader.list_open("default") == [ticket]
    assert look() == before
    with pytest.raises(PermanentError, match="readonly"):
        reader.create(make_draft("ZA2"))
    assert look() == before


def test_the_desk_is_a_kind_of_tracker_and_lies_beside_the_settings(tmp_path: Path) -> None:
    assert "desk" in list_tracker_kinds()
    tracker = open_tracker(Settings.model_validate({"base_folder": tmp_path}))
    assert isinstance(tracker, Desk)
    tracker.create(make_draft())
    assert (tmp_path / "tickets.sqlite").is_file()


def test_an_unknown_kind_of_tracker_is_refused_with_the_valid_ones() -> None:
    settings = Settings.model_validate({"tickets": {"tracker": "os"}})
    with pytest.raises(ConfigError, match=r"tickets\.tracker = 'os' is no kind of tracker; valid: .*desk"):
        open_tracker(settings)
