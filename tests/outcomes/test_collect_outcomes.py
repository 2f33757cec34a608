"""Collecting outcomes: what is decided about a closed ticket, what is kept, and that a second run changes nothing."""

import datetime as dt

import pytest
from closed_tickets import Floor, outcome_parts, stored_bytes
from hand_made_fleet import DAY, day_after

from pipelines.failures import day_number, read_failures
from pipelines.lake import Lake
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.record import STORM_TARGET
from pipelines.tickets.tracker import Comment, Outcome

WRITTEN = ("raw_outcomes/", "core_failures/", "realised_rates/")


@pytest.fixture
def floor(lake: Lake) -> Floor:
    return Floor(lake)


@pytest.mark.parametrize(
    ("outcome", "finding", "is_changed"),
    [
        (Outcome.CONFIRMED, Finding.CONFIRMED, True),
        (Outcome.NO_FAULT_FOUND, Finding.NO_FAULT_FOUND, False),
        (Outcome.RESEATED, Finding.RESEATED, True),
        (Outcome.FIRMWARE, Finding.FIRMWARE, True),
        (Outcome.DECLINED, Finding.DECLINED, False),
    ],
)
def test_a_technicians_word_in_the_field_is_the_outcome_whatever_was_written(
    floor: Floor, outcome: Outcome, finding: Finding, is_changed: bool
) -> None:
    ticket_id = floor.open()
    floor.say(ticket_id, day_after(2), "Drive was dead, no fault found, BIOS upgraded.")
    floor.close(ticket_id, day_after(3), outcome)
    floor.collect(day_after(3))
    row = floor.row()
    assert (row.outcome, row.decided_by) == (finding, "field")
    assert (row.opened_day, row.closed_day) == (DAY, day_after(3))
    assert (row.changed_at is not None) == is_changed
    assert (row.risk_at_opening, row.rank_at_opening, row.site, row.model) == (0.62, 1, "fra1", "ST4000DM000")
    assert (row.model_id, row.source, row.environment) == ("drive_fails_30d-0a1b2c3d", "desk", "default")
    assert row.remarks == "Drive was dead, no fault found, BIOS upgraded."
    assert row.known_at.date() == day_after(4)


def test_what_people_wrote_since_the_last_opening_decides_where_the_field_is_empty(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.say(ticket_id, day_after(1), "No fault found.")
    floor.tracker.history[ticket_id].append(
        Comment(
            comment_id="2026-12-03-0123456789ab", day=day_after(2), text="Opened again: closed on 2026-12-02"
        )
    )
    floor.say(ticket_id, day_after(3), "> No fault found.\nReplaced the failed drive.")
    floor.close(ticket_id, day_after(3))
    floor.collect(day_after(3))
    assert (floor.row().outcome, floor.row().decided_by) == (Finding.CONFIRMED, "rule:en_confirmed")
    assert floor.row().remarks == "Replaced the failed drive."


def test_our_own_words_on_a_ticket_decide_nothing(floor: Floor) -> None:
    ticket_id = floor.open()
    ours = Comment(
        comment_id="2026-12-02-left_list", day=DAY, text="Closed as left_list. the part failed the test"
    )
    floor.tracker.history[ticket_id].append(ours)
    floor.close(ticket_id, day_after(3), Outcome.LEFT_LIST)
    assert floor.collect(day_after(3)).fact("unmapped") == 0
    assert (floor.row().outcome, floor.row().decided_by) == (Finding.UNKNOWN, "left_list")
    assert floor.row().remarks == "the part failed the test"


def test_a_remark_that_no_rule_reads_is_for_a_person_however_the_ticket_was_closed(floor: Floor) -> None:
    for component_id, outcome in (("ZA1", None), ("ZA2", Outcome.LEFT_LIST)):
        ticket_id = floor.open(component_id)
        floor.say(ticket_id, day_after(1), "see change 4711")
        floor.close(ticket_id, day_after(1), outcome)
    assert floor.collect(day_after(1)).fact("unmapped") == 2
    assert {row.decided_by for row in floor.rows()} == {"none"}


def test_remarks_that_contradict_each_other_leave_it_to_a_person(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.say(ticket_id, day_after(1), "No fault found.")
    floor.say(ticket_id, day_after(2), "Drive was dead this morning.")
    floor.close(ticket_id, day_after(2))
    facts = floor.collect(day_after(2))
    assert floor.row().outcome is Finding.UNKNOWN
    assert floor.row().decided_by == "contradiction:en_no_fault_found,en_confirmed"
    assert facts.fact("unmapped") == 1


def test_a_failure_record_of_a_source_confirms_a_part_that_was_only_said_to_be_replaced(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.fail(day_after(5), "ZA1")
    floor.say(ticket_id, day_after(6), "Drive replaced.")
    floor.close(ticket_id, day_after(6))
    floor.collect(day_after(6))
    row = floor.row()
    assert (row.outcome, row.decided_by, row.lead_days) == (Finding.CONFIRMED, "failure_record", 5)
    assert outcome_parts(floor.lake) == [], "the source's own record is the failure; two would count it twice"


def test_a_part_that_was_gone_when_we_closed_is_replaced_and_unconfirmed(floor: Floor) -> None:
    for n in range(12):
        floor.report(day_after(n), *(["ZA1", "ZA2"] if n < 4 else ["ZA2"]))
    ticket_id = floor.open()
    floor.close(ticket_id, day_after(11), Outcome.REPLACED)
    floor.collect(day_after(11))
    row = floor.row()
    assert (row.outcome, row.decided_by) == (Finding.REPLACED_UNCONFIRMED, "departure")
    assert row.changed_at is not None
    assert row.changed_at.date() == day_after(4), "the day after its last report, not the day of closing"


def test_a_part_that_moved_to_another_host_was_not_replaced(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.report(day_after(2), "ZA1")
    floor.close(ticket_id, day_after(2), Outcome.REPLACED)
    floor.collect(day_after(2))
    assert (floor.row().outcome, floor.row().changed_at) == (Finding.UNKNOWN, None)


def test_a_ticket_closed_without_a_word_is_settled_by_what_becomes_of_the_part(floor: Floor) -> None:
    gone, stays = floor.open("ZA1"), floor.open("ZA2")
    floor.report(day_after(2), "ZA1", "ZA2")
    for ticket_id in (gone, stays):
        floor.close(ticket_id, day_after(2))
    floor.collect(day_after(2))
    assert {row.outcome for row in floor.rows()} == {Finding.UNKNOWN}
    for n in range(3, 6):
        floor.report(day_after(n), "ZA2")
    floor.collect(day_after(5))
    by_part = {row.component_id: row for row in floor.rows()}
    assert by_part["ZA2"].outcome is Finding.UNKNOWN
    assert (by_part["ZA1"].outcome, by_part["ZA1"].decided_by) == (Finding.REPLACED_UNCONFIRMED, "silence")
    assert by_part["ZA1"].known_at.date() == day_after(6), "nobody knew it on the day of closing"
    assert by_part["ZA2"].known_at.date() == day_after(3)


def test_a_part_named_by_its_place_may_have_been_replaced_without_a_trace(floor: Floor) -> None:
    ticket_id = floor.open("host-0421/P1-DIMMA1", component_kind="dimm")
    floor.report(day_after(3), "host-0421/P1-DIMMA1", kind="dimm")
    floor.close(ticket_id, day_after(2))
    floor.collect(day_after(3))
    row = floor.row()
    assert row.outcome is Finding.UNKNOWN
    assert row.changed_at is not None
    known = read_failures(floor.lake, "dimm", day_after(9))
    assert known.unconfirmed.day.tolist() == [day_number(day_after(2))]


def test_a_confirmed_part_is_a_failure_and_one_that_was_changed_unconfirmed_is_uncertain(
    floor: Floor,
) -> None:
    words = {
        "ZA1": "Replaced the failed drive.",
        "ZA2": "Replaced as a precaution.",
        "ZA3": "Reseated it.",
        "ZA4": "No fault found.",
        "ZA5": "Won't fix.",
    }
    for n, (component_id, text) in enumerate(words.items()):
        ticket_id = floor.open(component_id)
        floor.say(ticket_id, day_after(2 + n), text)
        floor.close(ticket_id, day_after(2 + n))
    facts = floor.collect(day_after(10))
    known = read_failures(floor.lake, "drive", day_after(11))
    assert known.day.tolist() == [day_number(day_after(2))]
    assert known.models == ("ST4000DM000",)
    assert sorted(known.unconfirmed.day.tolist()) == [day_number(day_after(n)) for n in (3, 4)]
    assert facts.fact("failure_days_changed") == ",".join(str(day_after(n)) for n in (2, 3, 4))
    assert [facts.fact(name) for name in ("confirmed", "replaced_unconfirmed", "reseated", "declined")] == [
        1
    ] * 4


def test_an_outcome_is_not_known_before_the_evening_on_which_it_was_collected(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.close(ticket_id, day_after(2), Outcome.CONFIRMED)
    floor.collect(day_after(4))
    assert read_failures(floor.lake, "drive", day_after(4)).day.tolist() == []
    known = read_failures(floor.lake, "drive", day_after(5))
    assert (known.day.tolist(), known.known_day.tolist()) == (
        [day_number(day_after(2))],
        [day_number(day_after(5))],
    )


def test_a_second_run_and_a_replay_of_an_earlier_day_change_nothing(floor: Floor) -> None:
    for n, outcome in enumerate([Outcome.CONFIRMED, Outcome.DECLINED, Outcome.RESEATED, None]):
        floor.close(floor.open(f"ZA{n}"), day_after(n), outcome)
        floor.collect(day_after(n))
    once = stored_bytes(floor.lake, WRITTEN)
    n_changes = floor.tracker.n_changes
    assert floor.collect(day_after(3)).fact("changed_days") == 0
    assert floor.collect(day_after(1)).fact("failure_days_changed") == "none"
    assert stored_bytes(floor.lake, WRITTEN) == once
    assert floor.tracker.n_changes == n_changes, "the tracker is only read"


def test_a_run_killed_after_raw_outcomes_is_finished_by_the_next(floor: Floor) -> None:
    floor.close(floor.open(), day_after(1), Outcome.CONFIRMED)
    floor.collect(day_after(1))
    ((day, part),) = outcome_parts(floor.lake)
    whole = stored_bytes(floor.lake, WRITTEN)
    floor.lake.delete_day("core_failures", day, part=part)
    floor.collect(day_after(2))
    assert {key: data for key, data in stored_bytes(floor.lake, WRITTEN).items() if key in whole} == whole


def test_a_corrected_outcome_replaces_the_one_before_and_its_failure(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.close(ticket_id, day_after(1), Outcome.CONFIRMED)
    floor.collect(day_after(1))
    floor.close(ticket_id, day_after(5), Outcome.NO_FAULT_FOUND)
    facts = floor.collect(day_after(5))
    assert (floor.row().outcome, floor.row().closed_day) == (Finding.NO_FAULT_FOUND, day_after(5))
    assert outcome_parts(floor.lake) == []
    assert facts.fact("failure_days_changed") == str(day_after(1))
    assert not floor.lake.has_day("raw_outcomes", day_after(1), part="desk")


def test_a_word_set_long_after_closing_is_still_taken(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.close(ticket_id, day_after(1), Outcome.LEFT_LIST)
    floor.collect(day_after(1))
    floor.close(ticket_id, day_after(1), Outcome.CONFIRMED)
    floor.collect(day_after(100))
    assert (floor.row().outcome, floor.row().known_at.date()) == (Finding.CONFIRMED, day_after(101))


def test_a_ticket_that_is_open_again_has_no_outcome(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.close(ticket_id, day_after(1), Outcome.RESEATED)
    floor.collect(day_after(1))
    floor.tracker.reopen(ticket_id, day=day_after(2))
    floor.collect(day_after(2))
    assert floor.rows() == []
    assert outcome_parts(floor.lake) == []


def test_a_ticket_that_the_tracker_no_longer_shows_keeps_its_row(floor: Floor) -> None:
    floor.close(floor.open(), day_after(1), Outcome.CONFIRMED)
    floor.collect(day_after(1))
    before = floor.rows()
    floor.tracker.tickets.clear()
    floor.collect(day_after(2))
    assert floor.rows() == before
    assert len(outcome_parts(floor.lake)) == 1


def test_what_is_learned_later_goes_into_a_part_of_its_own(floor: Floor) -> None:
    for n in range(8):
        floor.report(day_after(n), *(["ZA1", "ZA2", "ZA3"] if n < 2 else ["ZA3"]))
    floor.close(floor.open("ZA1"), day_after(4), Outcome.CONFIRMED)
    floor.collect(day_after(4))
    ((day, part),) = outcome_parts(floor.lake)
    first = floor.lake.digest_day("core_failures", day, part=part)
    floor.close(floor.open("ZA2"), day_after(6), Outcome.CONFIRMED)
    floor.collect(day_after(6))
    assert outcome_parts(floor.lake) == [
        (day_after(2), "outcomes-2026-12-06"),
        (day_after(2), "outcomes-2026-12-08"),
    ]
    assert floor.lake.digest_day("core_failures", day, part=part) == first, "a list's manifest names it"


def test_text_from_people_is_bounded_and_escaped(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.say(ticket_id, DAY, "\x1b[31mred\x00" + "x" * 2_000)
    floor.close(ticket_id, DAY)
    floor.collect(DAY)
    remarks = floor.row().remarks
    assert remarks is not None
    assert len(remarks) == 512
    assert remarks.startswith("\\x1b[31mred\\x00xxx")


def test_a_remark_of_after_the_as_of_day_is_not_read(floor: Floor) -> None:
    ticket_id = floor.open()
    floor.close(ticket_id, day_after(1))
    floor.say(ticket_id, day_after(3), "Drive was dead.")
    floor.collect(day_after(2))
    assert floor.row().remarks is None
    floor.collect(day_after(3))
    assert floor.row().outcome is Finding.CONFIRMED


def test_a_list_that_is_no_longer_there_leaves_gaps_not_errors(floor: Floor) -> None:
    floor.close(floor.open(), day_after(1), Outcome.CONFIRMED)
    floor.lake.delete_day("out_at_risk_hosts", DAY)
    floor.collect(day_after(1))
    assert (floor.row().risk_at_opening, floor.row().rank_at_opening) == (None, None)


def test_what_is_written_on_a_ticket_is_read_once_where_the_field_says_all(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, silent, old = floor.open("ZA1"), floor.open("ZA2"), floor.open("ZA3")
    floor.close(said, day_after(1), Outcome.DECLINED)
    floor.close(silent, day_after(1))
    floor.close(old, day_after(-60))
    floor.collect(day_after(1))
    asked: list[str] = []
    read_history = floor.tracker.read_history
    monkeypatch.setattr(
        floor.tracker, "read_history", lambda ticket_id: asked.append(ticket_id) or read_history(ticket_id)
    )
    floor.collect(day_after(2))
    assert asked == [silent], "one request a ticket, only where an answer may still come"


def test_a_ticket_about_a_cause_that_many_parts_share_is_no_outcome_of_a_part(floor: Floor) -> None:
    floor.close(floor.open("r12", target=STORM_TARGET), day_after(1), Outcome.CONFIRMED)
    floor.collect(day_after(1))
    assert floor.rows() == []


def test_no_closed_ticket_is_a_day_like_others(floor: Floor) -> None:
    floor.open()
    assert floor.collect(dt.date(2026, 12, 9)).fact("looked_at") == 0
    assert floor.rows() == []
