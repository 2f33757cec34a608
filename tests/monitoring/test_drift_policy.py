"""What a finding does: it withholds the list until a person accepts it, or asks for a training once."""

import datetime as dt
import pickle

import pytest

from pipelines.drift_settings import DriftAction, DriftSettings
from pipelines.errors import DriftBlockedError, PermanentError
from pipelines.lake import Lake
from pipelines.ledger import LedgerEntry, append_entry
from pipelines.monitoring.drift_gate import accept_finding, check_drift
from pipelines.monitoring.findings import find_drift_report
from pipelines.monitoring.retraining import ask_for_retraining, is_retraining_asked
from pipelines.settings import Settings
from tests.hand_made_findings import make_finding
from tests.monitoring.watched_fleet import CHANGE, OLD, make_lake, rename, scale

TARGET = "drive_fails_30d"
FINDING_ID = f"unit_change:drive:{OLD}:load_cycles"


@pytest.fixture
def changed() -> Lake:
    return make_lake(scale("load_cycles", OLD, 60))


def test_a_finding_that_blocks_withholds_the_list_and_is_still_written(
    changed: Lake, settings: Settings
) -> None:
    with pytest.raises(DriftBlockedError) as blocked:
        check_drift(CHANGE, settings, changed)
    assert blocked.value.facts["findings"] == (FINDING_ID,)
    assert f"prefail drift --day {CHANGE} --accept '{FINDING_ID}'" in str(blocked.value)
    assert str(pickle.loads(pickle.dumps(blocked.value))) == str(blocked.value)
    assert find_drift_report(CHANGE, changed) is not None


@pytest.mark.parametrize("action", [DriftAction.REPORT, DriftAction.RETRAIN])
def test_what_does_not_block_lets_the_list_out(action: DriftAction, changed: Lake) -> None:
    settings = Settings(targets=(TARGET,), drift=DriftSettings(on_unit_change=action))
    assert check_drift(CHANGE, settings, changed).fact(action.value) == 1
    assert (is_retraining_asked(changed, TARGET) is not None) == (action is DriftAction.RETRAIN)


def test_what_a_person_accepts_lets_lists_out_for_five_weeks_and_not_before(
    changed: Lake, settings: Settings
) -> None:
    later = CHANGE + dt.timedelta(days=5)
    with pytest.raises(DriftBlockedError):
        check_drift(later, settings, changed)
    accept_finding(FINDING_ID, later, changed, who="a person", why="the vendor says so")
    check_drift(later, settings, changed)
    check_drift(later + dt.timedelta(days=3), settings, changed)
    with pytest.raises(DriftBlockedError):
        check_drift(CHANGE, settings, changed)


def test_only_a_finding_of_the_day_can_be_accepted(changed: Lake, settings: Settings) -> None:
    with pytest.raises(DriftBlockedError):
        check_drift(CHANGE, settings, changed)
    with pytest.raises(PermanentError, match=f"Findings of that day: {FINDING_ID}"):
        accept_finding("unit_change:drive:other:load_cycles", CHANGE, changed, who="a", why="b")


def test_a_new_hardware_model_asks_for_a_training_of_its_target(settings: Settings) -> None:
    lake = make_lake(rename(OLD, "WDC NEW", 0.3))
    assert is_retraining_asked(lake, TARGET) is None
    check_drift(CHANGE, settings, lake)
    asked = is_retraining_asked(lake, TARGET)
    assert asked is not None
    assert asked.asked_on == CHANGE
    assert "WDC NEW" in asked.reasons[0]


def decide(as_of: dt.date | None, n_read: int, lake: Lake) -> None:
    entry = LedgerEntry(
        event="rejected",
        target=TARGET,
        model_id="m",
        champion=None,
        previous_champion=None,
        who="test",
        why="test",
        as_of=as_of,
    )
    append_entry(entry, n_read, lake)


def test_a_decision_as_of_the_day_answers_also_where_the_challenger_was_rejected(lake: Lake) -> None:
    ask_for_retraining(make_finding(), CHANGE, lake)
    decide(CHANGE - dt.timedelta(days=1), 0, lake)
    assert is_retraining_asked(lake, TARGET) is not None
    decide(CHANGE, 1, lake)
    assert is_retraining_asked(lake, TARGET) is None


def test_a_finding_that_stays_asks_again_after_four_weeks_not_every_morning(lake: Lake) -> None:
    ask_for_retraining(make_finding(), CHANGE, lake)
    decide(CHANGE, 0, lake)
    for n in range(1, 28):
        ask_for_retraining(make_finding(), CHANGE + dt.timedelta(days=n), lake)
        assert is_retraining_asked(lake, TARGET) is None
    ask_for_retraining(make_finding(), CHANGE + dt.timedelta(days=28), lake)
    asked = is_retraining_asked(lake, TARGET)
    assert asked is not None
    assert asked.asked_on == CHANGE + dt.timedelta(days=28)


def test_a_replayed_day_of_the_past_does_not_ask_anew(lake: Lake) -> None:
    ask_for_retraining(make_finding(), CHANGE, lake)
    ask_for_retraining(make_finding(), CHANGE - dt.timedelta(days=90), lake)
    asked = is_retraining_asked(lake, TARGET)
    assert asked is not None
    assert asked.asked_on == CHANGE
