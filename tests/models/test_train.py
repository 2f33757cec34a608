import datetime as dt

import pytest
from model_fleet import AS_OF, FIRST_DAY, LAST_DAY, TARGET_NAME, make_settings, write_fleet

from pipelines.errors import LeakAlarmError, MissingInputError
from pipelines.lake import Lake
from pipelines.ledger import read_ledger
from pipelines.registry import champion, load_card, rollback
from pipelines.train import TrainFacts, train_target

NAME = TARGET_NAME

pytestmark = pytest.mark.usefixtures("small_target")


def train(lake: Lake, as_of: dt.date = AS_OF, *, promote: bool = True) -> TrainFacts:
    return train_target(NAME, as_of, make_settings(), lake, promote=promote, who="a test")


def list_everything(lake: Lake) -> dict[str, bytes]:
    prefixes = ("models/", "registry/")
    return {item.key: lake.store.read(item.key) for p in prefixes for item in lake.store.list_keys(p)}


def test_honest_data_give_a_first_champion_and_training_again_changes_nothing(own_fleet_lake: Lake) -> None:
    facts = train(own_fleet_lake)
    assert facts.is_promoted
    assert champion(NAME, own_fleet_lake) == facts.model_id == facts.in_use
    before = list_everything(own_fleet_lake)
    again = train(own_fleet_lake)
    assert again.model_id == facts.model_id
    assert list_everything(own_fleet_lake) == before


def test_the_card_says_what_the_model_is_made_of_and_how_good_it_is(trained_lake: Lake) -> None:
    model_id = champion(NAME, trained_lake)
    assert model_id is not None
    card = load_card(model_id, trained_lake)
    assert card.as_of == card.data.last_day == AS_OF
    assert card.data.first_day == FIRST_DAY
    assert card.data.n_days == 141
    assert "(day + 1, day + 30]" in card.label_definition
    assert set(card.data.contracts) == {"core_drive_days", "core_failures"}
    assert len(card.folds) == 2
    for fold in card.folds:
        assert fold.known_until < fold.first_day
        assert fold.last_day + dt.timedelta(days=30) <= AS_OF
        names = [scorer.name for scorer in fold.scorers]
        assert names == ["model", f"rule:{NAME}", "model failure rate", "logistic regression"]
    assert card.calibration.n_positives > 100


def test_a_planted_future_column_is_named_and_nothing_is_stored(lake: Lake) -> None:
    write_fleet(lake, knows_the_future=True)
    with pytest.raises(LeakAlarmError, match="reallocated_sectors") as alarm:
        train(lake)
    assert "reallocated_sectors_level" in alarm.value.facts["features"]
    assert list_everything(lake) == {}


def test_permuted_labels_are_caught_and_nothing_is_stored(lake: Lake) -> None:
    write_fleet(lake, is_scrambled=True, n_drives=600)
    with pytest.raises(LeakAlarmError, match="no better than chance"):
        train(lake)
    assert list_everything(lake) == {}


def test_without_promotion_the_model_is_kept_and_the_ledger_is_not_touched(own_fleet_lake: Lake) -> None:
    facts = train(own_fleet_lake, promote=False)
    assert facts.model_id is not None
    assert load_card(facts.model_id, own_fleet_lake).model_id == facts.model_id
    assert not facts.is_promoted
    assert read_ledger(NAME, own_fleet_lake) == ()


def test_a_young_champion_is_not_replaced_because_no_day_is_new_to_both(trained_lake: Lake) -> None:
    first = champion(NAME, trained_lake)
    second = train(trained_lake, AS_OF + dt.timedelta(days=7))
    assert second.model_id != first
    assert not second.is_promoted
    assert second.in_use == first
    assert "learned from" in second.why
    assert [entry.event for entry in read_ledger(NAME, trained_lake)] == ["promoted", "rejected"]


def test_an_old_champion_is_compared_on_days_that_it_has_not_seen(trained_lake: Lake) -> None:
    first = champion(NAME, trained_lake)
    second = train(trained_lake, LAST_DAY)
    assert second.in_use == first
    assert second.why == "not better than the champion beyond chance"
    assert "against the champion" in second.comparison[0]


def test_a_model_that_was_rolled_back_is_not_promoted_again(trained_lake: Lake) -> None:
    rollback(NAME, trained_lake, who="a test", why="storm")
    again = train(trained_lake)
    assert not again.is_promoted
    assert again.why == "it was rolled back before"
    assert again.in_use == f"rule:{NAME}"


def test_too_few_failures_leave_the_rule_in_use(own_fleet_lake: Lake) -> None:
    facts = train(own_fleet_lake, FIRST_DAY + dt.timedelta(days=20))
    assert facts.model_id is None
    assert facts.in_use == f"rule:{NAME}"
    assert "20 are needed" in facts.why
    assert list_everything(own_fleet_lake) == {}


def test_too_short_a_history_leaves_the_rule_in_use(own_fleet_lake: Lake) -> None:
    facts = train(own_fleet_lake, FIRST_DAY + dt.timedelta(days=50))
    assert facts.model_id is None
    assert facts.why == "there are 51 days of history; 60 are needed to learn from"


def test_a_history_too_short_for_folds_gives_a_model_that_is_not_promoted(own_fleet_lake: Lake) -> None:
    facts = train(own_fleet_lake, FIRST_DAY + dt.timedelta(days=70))
    assert facts.model_id is not None
    assert facts.in_use == f"rule:{NAME}"
    assert "too short" in facts.why


def test_a_day_without_data_is_an_error_that_names_the_days_there_are(own_fleet_lake: Lake) -> None:
    with pytest.raises(MissingInputError, match="2026-01-01 to 2026-07-19"):
        train(own_fleet_lake, LAST_DAY + dt.timedelta(days=1))
