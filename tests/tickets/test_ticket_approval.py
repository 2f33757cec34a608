"""New tickets beyond the day's budget wait for a person; nothing else does, and the answer is kept with its author."""

import datetime as dt
from pathlib import Path

import pytest
from hand_made_fleet import DAY, day_after, make_entry, write_fleet_day
from memory_tracker import MemoryTracker

from pipelines.approval import Answer, ApprovalQuestion
from pipelines.cli import main
from pipelines.lake import Lake, open_lake
from pipelines.planning_board import PlanRecord
from pipelines.published_list import day_folder
from pipelines.settings import Settings
from pipelines.ticket_approval import ask_about_tickets, decide_tickets_day
from pipelines.ticket_step import TicketFacts, reconcile_tickets_day
from pipelines.tickets.plan import Hold

YES = Answer(is_approved=True, who="Ada")
NO = Answer(is_approved=False, who="Ada")
POLICY = 'version: "1"\nname: ours\nbudget: {new_per_day: 4}\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A team that can do two repairs a day, and a policy that opens four."""
    (tmp_path / "policy.yaml").write_text(POLICY, "utf-8")
    return Settings.model_validate(
        {
            "base_folder": tmp_path,
            "list": {"k_per_day": 2},
            "tickets": {"policy": "policy.yaml"},
            "approval": {"tickets": True},
        }
    )


@pytest.fixture
def tracker() -> MemoryTracker:
    return MemoryTracker()


def write_list(lake: Lake, n: int, day: dt.date = DAY) -> None:
    entries = [
        make_entry(f"ZA{rank}", rank=rank, slot=str(rank), host_id=f"h{rank}") for rank in range(1, n + 1)
    ]
    write_fleet_day(lake, day, entries)


def run(settings: Settings, lake: Lake, tracker: MemoryTracker, day: dt.date = DAY) -> TicketFacts:
    return reconcile_tickets_day(day, settings, lake, day, tracker=tracker)


def ask(
    settings: Settings, lake: Lake, tracker: MemoryTracker, day: dt.date = DAY
) -> ApprovalQuestion | None:
    return ask_about_tickets(day, settings, lake, day, tracker=tracker)


def read_record(lake: Lake, day: dt.date = DAY) -> PlanRecord:
    return PlanRecord.model_validate_json(lake.store.read(day_folder(day) + "plan.json"))


def test_what_the_team_can_do_is_opened_at_once_and_the_rest_of_the_policy_s_budget_waits(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    write_list(lake, 6)
    facts = run(settings, lake, tracker)
    assert (facts.fact("opened"), facts.fact("for_approval")) == (2, 4)
    assert {one.hold for one in facts.not_opened} == {Hold.NOT_APPROVED}
    question = ask(settings, lake, tracker)
    assert question is not None
    # Of the four that wait, the policy's own budget would open two.
    assert (question.about, question.wait_hours) == ("4", 8.0)
    assert question.subject == f"Open 2 more tickets of {DAY}, beyond the 2 of a day?"
    assert question.body.count("% | 20") == 2
    assert "ZA3" in question.body
    assert "ZA5" not in question.body


def test_an_approval_opens_them_and_its_author_is_in_the_plan_record_also_after_another_run(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    write_list(lake, 6)
    run(settings, lake, tracker)
    facts = decide_tickets_day(DAY, settings, lake, DAY, answer=YES, n_approved=4, tracker=tracker)
    assert facts.fact("opened") == 2
    assert {one.hold for one in facts.not_opened} == {Hold.BUDGET}
    assert run(settings, lake, tracker).fact("opened") == 0
    approval = read_record(lake).approval
    assert approval is not None
    assert (approval.who, approval.n_approved) == ("Ada", 4)
    assert ask(settings, lake, tracker) is None, "nobody is asked twice about a day"


def test_a_rejection_opens_nothing_and_says_who_it_was_and_the_next_day_asks_again(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    write_list(lake, 4)
    run(settings, lake, tracker)
    facts = decide_tickets_day(DAY, settings, lake, DAY, answer=NO, n_approved=4, tracker=tracker)
    assert (facts.fact("opened"), facts.fact("for_approval")) == (0, 2)
    assert {one.reason.split(" (policy")[0] for one in facts.not_opened} == {"Ada rejected more for this day"}
    write_list(lake, 8, day_after(1))
    run(settings, lake, tracker, day_after(1))
    assert ask(settings, lake, tracker, day_after(1)) is not None


def test_nobody_in_time_is_a_rejection(settings: Settings, lake: Lake, tracker: MemoryTracker) -> None:
    write_list(lake, 3)
    run(settings, lake, tracker)
    nobody = Answer(is_approved=False, who=None)
    decide_tickets_day(DAY, settings, lake, DAY, answer=nobody, n_approved=3, tracker=tracker)
    approval = read_record(lake).approval
    assert approval is not None
    assert (approval.who, approval.n_approved) == ("nobody in time", 0)


def test_an_answer_that_is_carried_out_twice_opens_nothing_twice(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    write_list(lake, 4)
    run(settings, lake, tracker)
    for n_opened in (2, 0):
        facts = decide_tickets_day(DAY, settings, lake, DAY, answer=YES, n_approved=4, tracker=tracker)
        assert facts.fact("opened") == n_opened


def test_no_more_is_opened_than_was_approved_even_where_the_policy_has_changed(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    write_list(lake, 6)
    run(settings, lake, tracker)
    (settings.base_folder / "policy.yaml").write_text(POLICY.replace("4", "100"), "utf-8")
    facts = decide_tickets_day(DAY, settings, lake, DAY, answer=YES, n_approved=4, tracker=tracker)
    assert (facts.fact("opened"), facts.fact("for_approval")) == (2, 2)


def test_within_the_budget_and_without_the_setting_nobody_is_asked(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    write_list(lake, 2)
    run(settings, lake, tracker)
    assert ask(settings, lake, tracker) is None
    write_list(lake, 8, day_after(1))
    without = settings.model_copy(
        update={"approval": settings.approval.model_copy(update={"tickets": False})}
    )
    assert ask(without, lake, tracker, day_after(1)) is None
    assert run(without, lake, tracker, day_after(1)).fact("opened") == 4


def test_a_parent_ticket_about_a_shared_cause_counts_as_one_and_waits_like_one(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    storm = "storm: {new_tickets: {host: 3}, over_representation: 1}\n"
    (settings.base_folder / "policy.yaml").write_text(POLICY + storm, "utf-8")
    none_a_day = settings.model_copy(update={"list": settings.list.model_copy(update={"k_per_day": 1})})
    first = [make_entry("ZB1", rank=1, slot="1", host_id="h9")]
    write_fleet_day(lake, DAY, first)
    run(none_a_day, lake, tracker)
    shared = [make_entry(f"ZA{rank}", rank=rank, slot=str(rank), host_id="h1") for rank in (2, 3, 4)]
    write_fleet_day(lake, DAY, [*first, *shared])
    facts = run(none_a_day, lake, tracker)
    assert facts.fact("opened") == 0
    assert {one.hold for one in facts.not_opened} == {Hold.STORM}
    assert all("wait for approval" in one.reason for one in facts.not_opened)
    question = ask(none_a_day, lake, tracker)
    assert question is not None
    assert question.about == "2"
    opened = decide_tickets_day(DAY, none_a_day, lake, DAY, answer=YES, n_approved=2, tracker=tracker)
    assert opened.fact("opened") == 1


def test_names_from_data_are_inert_in_the_question(
    settings: Settings, lake: Lake, tracker: MemoryTracker
) -> None:
    entries = [
        make_entry(f"ZA{rank}", rank=rank, slot=str(rank), host_id=f"[h{rank}](http://x) <b>|")
        for rank in (1, 2, 3)
    ]
    write_fleet_day(lake, DAY, entries)
    run(settings, lake, tracker)
    question = ask(settings, lake, tracker)
    assert question is not None
    assert "[h3]" not in question.body
    assert "<b>" not in question.body


def test_by_hand_the_question_is_shown_and_answered_with_the_name_of_the_user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, "utf-8")
    (tmp_path / "prefail.toml").write_text(
        "[list]\nk_per_day = 2\n[tickets]\npolicy = 'policy.yaml'\nis_simulated_clock = true\n"
        "[approval]\ntickets = true\n",
        "utf-8",
    )
    lake = open_lake(str(tmp_path / "lake"))
    write_list(lake, 4)
    monkeypatch.setenv("LOGNAME", "grace")

    def call(*arguments: str) -> int:
        return main(["--config", str(tmp_path / "prefail.toml"), "tickets", *arguments, "--day", str(DAY)])

    assert call() == 0
    assert call("approve") == 0
    printed = capsys.readouterr().out
    assert "opened=2" in printed
    assert f"Open 2 more tickets of {DAY}" in printed
    approval = read_record(lake).approval
    assert approval is not None
    assert approval.who == "grace"
    assert call("approve") == 1
    assert "prefail plan --day" in capsys.readouterr().err
