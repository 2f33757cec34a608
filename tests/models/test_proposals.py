"""Models that passed the gate and wait for a person: proposed, asked about, settled with the name of who did."""

import datetime as dt

import pytest
from model_fleet import AS_OF, TARGET_NAME, make_settings
from small_cards import make_model

from features.target import Target
from pipelines.approval import Answer
from pipelines.errors import PermanentError
from pipelines.lake import Lake
from pipelines.ledger import read_ledger
from pipelines.monitoring.findings import DriftReport, write_drift_report
from pipelines.promotion_question import ask_about_models
from pipelines.proposals import find_waiting, list_waiting, propose_model, settle_proposal
from pipelines.registry import champion, promote_model, save_model
from pipelines.settings import Settings
from pipelines.train import train_target
from tests.hand_made_findings import make_finding

NAME = "drive_fails_30d"
DAY = dt.date(2026, 3, 1)
YES = Answer(is_approved=True, who="Ada (in Airflow)")
NO = Answer(is_approved=False, who="Ada (in Airflow)")
COMPARISON = (
    "against the champion, at 10 tickets per 10,000 and 30 days: recall +0.100 [+0.050, +0.150] (95%)",
    "ST|4000, lower within chance: against the incumbent: recall -0.010 [-0.050, +0.030]",
)


def propose(lake: Lake, seed: int = 1) -> str:
    model_id = save_model(*make_model(seed), lake)
    propose_model(model_id, NAME, lake, as_of=DAY, why="better", comparison=COMPARISON)
    return model_id


def test_a_proposed_model_is_not_in_use_and_proposing_it_again_changes_nothing(lake: Lake) -> None:
    model_id = propose(lake)
    before = list(lake.store.list_keys("registry/"))
    assert propose(lake) == model_id
    assert list(lake.store.list_keys("registry/")) == before
    assert [each.model_id for each in list_waiting(NAME, lake)] == [model_id]
    assert champion(NAME, lake) is None
    assert read_ledger(NAME, lake) == ()


def test_an_approval_makes_it_the_champion_and_the_ledger_names_who_approved(lake: Lake) -> None:
    model_id = propose(lake)
    entry = settle_proposal(model_id, YES, lake)
    assert (entry.event, entry.who, entry.as_of) == ("promoted", "Ada (in Airflow)", DAY)
    assert entry.why == "approved; the gate says: better"
    assert entry.comparison == COMPARISON
    assert champion(NAME, lake) == model_id
    assert list_waiting(NAME, lake) == ()


@pytest.mark.parametrize("answer", [YES, NO])
def test_an_answer_that_is_carried_out_twice_is_written_once(lake: Lake, answer: Answer) -> None:
    model_id = propose(lake)
    assert settle_proposal(model_id, answer, lake) == settle_proposal(model_id, answer, lake)
    assert len(read_ledger(NAME, lake)) == 1


def test_a_rejection_leaves_the_rule_in_use_and_nobody_in_time_is_one(lake: Lake) -> None:
    model_id = propose(lake)
    entry = settle_proposal(model_id, Answer(is_approved=False, who=None), lake)
    assert (entry.event, entry.who, entry.champion) == ("rejected", "nobody in time", None)
    assert entry.why == "not approved; the gate says: better"


def test_a_rejected_model_that_is_proposed_again_waits_again_and_can_be_rejected_again(lake: Lake) -> None:
    for _ in range(2):
        model_id = propose(lake)
        assert len(list_waiting(NAME, lake)) == 1
        settle_proposal(model_id, NO, lake)
        assert list_waiting(NAME, lake) == ()
    assert len(read_ledger(NAME, lake)) == 1, "the same decision twice in a row is one"
    settle_proposal(propose(lake), YES, lake)
    assert champion(NAME, lake) == model_id


def test_a_model_that_was_compared_with_a_former_champion_waits_no_more(lake: Lake) -> None:
    model_id = propose(lake)
    other = save_model(*make_model(2), lake)
    promote_model(other, NAME, lake, who="a test", why="better", as_of=DAY, comparison=())
    assert list_waiting(NAME, lake) == ()
    with pytest.raises(PermanentError, match=r"no longer in use\. Nothing was changed"):
        settle_proposal(model_id, YES, lake)
    assert champion(NAME, lake) == other


def test_where_two_models_wait_the_one_that_is_meant_has_to_be_named(lake: Lake) -> None:
    first, second = propose(lake, 1), propose(lake, 2)
    with pytest.raises(PermanentError, match=r"2 models of drive_fails_30d wait.*Name one: --model ID"):
        find_waiting(NAME, lake)
    assert find_waiting(NAME, lake, second).model_id == second
    settle_proposal(first, YES, lake)
    assert list_waiting(NAME, lake) == (), "the other was compared with what was in use before"


def test_the_question_has_the_comparison_and_where_the_model_is_lower(lake: Lake) -> None:
    model_id = propose(lake)
    (question,) = ask_about_models([NAME], DAY, Settings(), lake)
    assert (question.about, question.wait_hours) == (model_id, 72.0)
    assert f"In use is `rule:{NAME}`." in question.body
    assert "recall +0.100 (+0.050, +0.150) (95%)" in question.body
    lower = question.body.partition("Lower on these hardware models")[2]
    assert "ST(U+007C)4000, lower within chance" in lower
    assert f"Nobody has looked for drift on {DAY}." in question.body
    assert ask_about_models([NAME], DAY + dt.timedelta(days=7), Settings(), lake) == ()


def test_the_question_names_drift_of_the_inputs_that_the_model_learned_from(lake: Lake) -> None:
    propose(lake)
    finding = make_finding(words="ST9000 is a fifth of the fleet.")
    write_drift_report(
        DriftReport(day=DAY, findings=(finding,), signals=(), scores=(), n_reference_days={}), lake
    )
    (question,) = ask_about_models([NAME], DAY, Settings(), lake)
    assert f"Drift found on {DAY}:\n\n- ST9000 is a fifth of the fleet." in question.body
    write_drift_report(DriftReport(day=DAY, findings=(), signals=(), scores=(), n_reference_days={}), lake)
    (question,) = ask_about_models([NAME], DAY, Settings(), lake)
    assert f"No drift of its inputs was found on {DAY}." in question.body


def test_a_trained_model_that_passes_the_gate_waits_and_its_question_shows_both_figures(
    own_fleet_lake: Lake, small_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.promotion_question.find_target", lambda _name: small_target)
    settings = make_settings()
    settings = settings.model_copy(
        update={"approval": settings.approval.model_copy(update={"promotion": True})}
    )
    facts = train_target(TARGET_NAME, AS_OF, settings, own_fleet_lake, who="a test")
    assert facts.is_waiting
    assert not facts.is_promoted
    assert "promoted=waits_for_approval" in facts.summary
    assert champion(TARGET_NAME, own_fleet_lake) is None
    again = train_target(TARGET_NAME, AS_OF, settings, own_fleet_lake, who="a test")
    assert again == facts
    (question,) = ask_about_models([TARGET_NAME], AS_OF, settings, own_fleet_lake)
    rows = [line.split(" | ")[0] for line in question.body.splitlines() if line.startswith("| ")]
    assert rows[1:3] == ["| **challenger**", f"| **in use** rule:{TARGET_NAME}"]
    assert "| logistic regression" in rows
    assert facts.model_id is not None
    entry = settle_proposal(facts.model_id, YES, own_fleet_lake)
    assert entry.comparison == facts.comparison
    assert champion(TARGET_NAME, own_fleet_lake) == facts.model_id
