import datetime as dt

import numpy as np
import pytest
from small_cards import make_model

from features.target import load_target
from pipelines.errors import MissingInputError, ModelRefusedError, PermanentError, WriteLostError
from pipelines.lake import Lake
from pipelines.ledger import LedgerEntry, append_entry, read_ledger
from pipelines.registry import champion, load_model, promote_model, reject_model, rollback, save_model
from pipelines.scorers import Cells, open_scorer

TARGET = "drive_fails_30d"
AS_OF = dt.date(2026, 3, 1)


def promote(lake: Lake, model_id: str) -> LedgerEntry:
    return promote_model(model_id, TARGET, lake, who="a test", why="better", as_of=AS_OF, comparison=())


def test_a_stored_model_comes_back_with_its_card(lake: Lake) -> None:
    card, data = make_model()
    model_id = save_model(card, data, lake)
    stored = load_model(model_id, lake)
    assert stored.card == card
    assert stored.model.to_bytes() == data
    assert model_id.startswith("drive_fails_30d-")


def test_storing_a_model_again_changes_nothing_and_another_model_has_another_id(lake: Lake) -> None:
    assert save_model(*make_model(), lake) == save_model(*make_model(), lake)
    assert save_model(*make_model(seed=2), lake) != save_model(*make_model(), lake)
    assert len(list(lake.store.list_keys("models/"))) == 4


def test_a_changed_card_is_refused(lake: Lake) -> None:
    model_id = save_model(*make_model(), lake)
    key = f"models/{model_id}/card.json"
    lake.store.write(key, lake.store.read(key).replace(b'"slope": 0.9', b'"slope": 9.9'))
    with pytest.raises(ModelRefusedError, match="was changed"):
        load_model(model_id, lake)


def test_changed_model_bytes_are_refused(lake: Lake) -> None:
    model_id = save_model(*make_model(), lake)
    _, other = make_model(seed=2)
    lake.store.write(f"models/{model_id}/model.ubj", other)
    with pytest.raises(ModelRefusedError, match="SHA-256"):
        load_model(model_id, lake)


def test_a_card_of_another_version_is_refused_with_the_next_command(lake: Lake) -> None:
    lake.store.write("models/old/card.json", b"{}")
    with pytest.raises(ModelRefusedError, match="train again"):
        load_model("old", lake)


def test_a_model_that_is_not_there_is_missing_input(lake: Lake) -> None:
    with pytest.raises(MissingInputError, match="prefail train"):
        load_model("drive_fails_30d-000000000000", lake)


def test_without_a_promotion_the_rule_scores(lake: Lake) -> None:
    assert champion(TARGET, lake) is None
    assert open_scorer(load_target(TARGET), lake).model_id == f"rule:{TARGET}"


def test_a_rejected_model_is_not_the_champion(lake: Lake) -> None:
    first, second = save_model(*make_model(), lake), save_model(*make_model(seed=2), lake)
    promote(lake, first)
    reject_model(second, TARGET, lake, who="a test", why="worse", as_of=AS_OF, comparison=())
    assert champion(TARGET, lake) == first
    assert [entry.event for entry in read_ledger(TARGET, lake)] == ["promoted", "rejected"]


def test_the_same_decision_again_writes_no_new_entry(lake: Lake) -> None:
    first, second = save_model(*make_model(), lake), save_model(*make_model(seed=2), lake)
    for _ in range(2):
        promote(lake, first)
    for _ in range(2):
        reject_model(second, TARGET, lake, who="a test", why="worse", as_of=AS_OF, comparison=())
    assert len(read_ledger(TARGET, lake)) == 2


def test_rollback_goes_back_one_champion_at_a_time_and_last_to_the_rule(lake: Lake) -> None:
    first, second = save_model(*make_model(), lake), save_model(*make_model(seed=2), lake)
    promote(lake, first)
    promote(lake, second)
    assert rollback(TARGET, lake, who="a test", why="storm").model_id == first
    assert champion(TARGET, lake) == first
    assert rollback(TARGET, lake, who="a test", why="storm").model_id is None
    assert champion(TARGET, lake) is None
    with pytest.raises(PermanentError, match="no champion"):
        rollback(TARGET, lake, who="a test", why="storm")


def test_the_ledger_only_grows_and_keeps_who_and_why(lake: Lake) -> None:
    model_id = save_model(*make_model(), lake)
    promote(lake, model_id)
    before = lake.store.read(f"registry/{TARGET}/ledger/000001.json")
    rollback(TARGET, lake, who="someone", why="false alarms")
    assert lake.store.read(f"registry/{TARGET}/ledger/000001.json") == before
    last = read_ledger(TARGET, lake)[-1]
    assert (last.event, last.who, last.why) == ("rolled_back", "someone", "false alarms")


def test_of_two_runs_that_decide_at_once_one_is_told_that_it_lost(lake: Lake) -> None:
    entry = LedgerEntry(
        event="promoted",
        target=TARGET,
        model_id="a",
        champion="a",
        previous_champion=None,
        who="one",
        why="better",
        as_of=AS_OF,
    )
    append_entry(entry, 0, lake)
    with pytest.raises(WriteLostError, match="another run"):
        append_entry(entry.model_copy(update={"model_id": "b", "champion": "b"}), 0, lake)
    assert champion(TARGET, lake) == "a"


def test_a_model_of_signals_that_the_target_no_longer_reads_is_refused(lake: Lake) -> None:
    card, data = make_model()
    card = card.model_copy(update={"signals": ("flux_capacitor_charge",)})
    with pytest.raises(ModelRefusedError, match="flux_capacitor_charge"):
        open_scorer(load_target(TARGET), lake, model_id=save_model(card, data, lake))


def test_a_stored_scorer_gives_calibrated_risks_and_scaled_contributions(lake: Lake) -> None:
    card, data = make_model()
    scorer = open_scorer(load_target(TARGET), lake, model_id=save_model(card, data, lake))
    features = np.array([[3.0, 0.0], [-3.0, 0.0]], dtype=np.float32)
    cells = Cells(features=features, model_codes=np.zeros(2, dtype=np.int32), models=("X",))
    risk = scorer.score(cells)
    assert risk.dtype == np.float64
    assert 0 < risk[1] < risk[0] < 1
    log_odds = np.log(risk / (1 - risk))
    contributions = scorer.contribute(cells).sum(axis=1)
    assert contributions[0] - contributions[1] == pytest.approx(log_odds[0] - log_odds[1], rel=1e-4)
