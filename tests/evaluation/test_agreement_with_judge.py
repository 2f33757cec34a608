"""The evaluation counts exactly what the published judge of predictions counts."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from fleet_of_lives import ScoredFleet, make_scored_fleet
from hypothesis import given, settings
from hypothesis import strategies as st

from features.evaluation import measure_span, select_candidates, summarise_walk, walk_tickets
from features.ranking import judge_rows, rank_rows

JUDGE_PATH = Path(__file__).parents[2].parent / "shared" / "tools" / "judge_predictions.py"
BUDGETS = (5.0, 300.0, 2_000.0, 60_000.0)

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    spec = importlib.util.spec_from_file_location("judge_predictions", JUDGE_PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_for_judge(fleet: ScoredFleet, folder: Path) -> tuple[Path, Path]:
    lives = fleet.lives
    predictions = pd.DataFrame(
        {
            "component_id": lives.component_ids[fleet.component_index],
            "day": fleet.day.astype("datetime64[D]").astype("datetime64[s]"),
            "risk": fleet.risk,
        }
    )
    drives = pd.DataFrame(
        {
            "serial_number": lives.component_ids,
            "dates_exact": True,
            "last_date": lives.last_day.astype("datetime64[D]").astype("datetime64[s]"),
            "failed": lives.has_failed.astype(np.int64),
        }
    )
    predictions.to_parquet(folder / "predictions.parquet")
    drives.to_parquet(folder / "drives.parquet")
    return folder / "predictions.parquet", folder / "drives.parquet"


def agree(ours: float | None, theirs: float | None, digits: int) -> bool:
    """The judge rounds; halves may go either way."""
    if ours is None or theirs is None or np.isnan(theirs):
        return ours is None and (theirs is None or bool(np.isnan(theirs)))
    return abs(ours - theirs) <= 0.5 * 10**-digits + 1e-9


@given(
    seed=st.integers(0, 10**6),
    day_steps=st.sampled_from([(1,), (7,), (1, 2, 7), (3, 30)]),
    n_risk_levels=st.sampled_from([1, 3, 12, 10**6]),
    lead=st.sampled_from([0, 1, 5]),
)
@settings(max_examples=12, deadline=None)
def test_tickets_hits_and_ranks_are_those_of_the_judge(
    judge: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    day_steps: tuple[int, ...],
    n_risk_levels: int,
    lead: int,
) -> None:
    fleet = make_scored_fleet(seed, day_steps=day_steps, n_risk_levels=n_risk_levels)
    fleet.risk[::17] = np.nan  # abstentions
    paths = write_for_judge(fleet, tmp_path_factory.mktemp("judge"))
    p, d, known_until = judge.load(*paths)
    assert known_until == fleet.lives.known_until

    rows = select_candidates(fleet.lives, fleet.component_index, fleet.day, fleet.risk)
    span = measure_span(rows, fleet.lives, horizon_days=30, lead_days=lead)
    walks = walk_tickets(rows, fleet.lives, horizon_days=30, lead_days=lead, budgets=BUDGETS)
    for walk in walks:
        ours = summarise_walk(walk, span)
        theirs = judge.judge(p, d, known_until, lead, 30, walk.budget)
        assert (ours.n_tickets, ours.n_hits) == (theirs["tickets"], theirs["hits"])
        assert ours.n_failures == theirs["failures"]
        assert ours.median_lead_days == theirs["median_lead_days"]
        assert agree(ours.false_positives_per_10k_30d, theirs["false_positives_per_10k_30d"], 2)
        assert agree(ours.recall, theirs["recall"], 4)
        assert agree(ours.precision, theirs["precision"], 4)
        assert agree(ours.lift, theirs["lift"], 1)

    ranking = rank_rows(judge_rows(rows, fleet.lives, horizon_days=30, lead_days=lead))
    expected = judge.ranks(p, known_until, lead, 30)
    assert ranking.n_component_days == expected["drive_days"]
    assert ranking.n_positives == expected["positives"]
    assert agree(ranking.average_precision, expected.get("average_precision"), 4)
    if ranking.n_positives:
        assert agree(ranking.roc_auc, expected["roc_auc"], 4)
