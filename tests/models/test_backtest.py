import datetime as dt
import importlib.util
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_fleet import AS_OF, FIRST_DAY, LAST_DAY, TARGET_NAME, make_settings

from features.target import Target
from pipelines.backtest import backtest_target
from pipelines.backtest_report import BacktestReport, format_report
from pipelines.component_lives import read_lives
from pipelines.cube_reading import read_cube
from pipelines.errors import ConfigError, MissingInputError
from pipelines.failures import read_failures
from pipelines.lake import Lake
from pipelines.populations import read_populations
from pipelines.registry import champion
from pipelines.risk_scoring import predict_risks
from pipelines.scorers import open_scorer

FIRST_SCORED = AS_OF + dt.timedelta(days=1)
BUDGETS = (200.0, 400.0)
JUDGE_PATH = Path(__file__).parents[2].parent / "shared" / "tools" / "judge_predictions.py"

pytestmark = pytest.mark.usefixtures("small_target")


def backtest(lake: Lake, *, every_days: int = 1, **which: object) -> BacktestReport:
    return backtest_target(
        TARGET_NAME,
        make_settings(),
        lake,
        first_day=FIRST_SCORED,
        last_day=LAST_DAY,
        every_days=every_days,
        budgets=BUDGETS,
        **which,
    )


def read_predictions(lake: Lake, report: BacktestReport) -> pd.DataFrame:
    data = lake.store.read(f"backtests/{report.backtest_id}/predictions.parquet")
    return pd.read_parquet(io.BytesIO(data))


@pytest.mark.parametrize("every_days", [1, 7])
def test_a_backtest_says_of_each_day_what_scoring_that_day_alone_says_bit_for_bit(
    trained_lake: Lake, small_target: Target, every_days: int
) -> None:
    report = backtest(trained_lake, every_days=every_days)
    predictions = read_predictions(trained_lake, report)
    scorer = open_scorer(small_target, trained_lake, n_threads=1)
    for day in (FIRST_SCORED, FIRST_SCORED + dt.timedelta(days=21)):
        first = day - dt.timedelta(days=scorer.lookback_days)
        # As production does: only the lookback, only what was known that evening.
        cube = read_cube(
            trained_lake,
            small_target.dataset,
            small_target.signals,
            days=trained_lake.list_days(small_target.dataset),
            first_day=first,
            last_day=day,
            shards=range(16),
            known_by=day,
        )
        failures = read_failures(trained_lake, "drive", day, first_day=first)
        populations = read_populations(trained_lake, [day], component_kind="drive")
        alone = predict_risks(cube, scorer, day, populations, failures, n_threads=1).risk
        ours = predictions[pd.to_datetime(predictions["day"]).dt.date == day]["risk"].to_numpy()
        assert len(ours) > 200
        assert np.sort(ours).tobytes() == np.sort(alone[~np.isnan(alone)]).tobytes()


def test_running_a_backtest_again_writes_the_same_bytes(trained_lake: Lake) -> None:
    def contents() -> dict[str, bytes]:
        return {
            item.key: trained_lake.store.read(item.key) for item in trained_lake.store.list_keys("backtests/")
        }

    backtest(trained_lake, every_days=7)
    before = contents()
    backtest(trained_lake, every_days=7)
    assert contents() == before
    assert len(before) == 3


def test_the_rule_stands_beside_the_model_with_a_paired_difference(trained_lake: Lake) -> None:
    report = backtest(trained_lake, every_days=7)
    assert [scorer.name for scorer in report.scorers] == [
        champion(TARGET_NAME, trained_lake),
        f"rule:{TARGET_NAME}",
    ]
    for own, other, model, rule in zip(
        report.intervals,
        report.against_rule,
        report.scorers[0].budgets,
        report.scorers[1].budgets,
        strict=True,
    ):
        assert own.recall.estimate == pytest.approx(model.recall)
        assert model.recall is not None
        assert rule.recall is not None
        assert other.recall.estimate == pytest.approx(model.recall - rule.recall)
    text = format_report(report)
    assert "Silent share" in text
    assert "recall, model - rule" in text
    assert "Beta-8T" in text


def test_the_silent_share_is_that_of_a_dumb_look_at_every_row(
    trained_lake: Lake, small_target: Target
) -> None:
    report = backtest(trained_lake, every_days=7)
    failures = read_failures(trained_lake, "drive", LAST_DAY, first_day=FIRST_SCORED)
    showed: dict[int, bool] = dict.fromkeys(failures.component_keys.tolist(), False)
    failed_on = dict(zip(failures.component_keys.tolist(), failures.day.tolist(), strict=True))
    for number, day in enumerate(trained_lake.list_days("core_drive_days")):
        rows = trained_lake.read_day("core_drive_days", day).to_pylist()
        epoch_day = (FIRST_DAY - dt.date(1970, 1, 1)).days + number
        for row in rows:
            key = row["component_key"]
            if key in failed_on and epoch_day < failed_on[key] - 1:
                showed[key] |= row["pending_sectors"] > 0 or row["reallocated_sectors"] > 0
    fleet = read_lives(trained_lake, small_target, first_day=FIRST_SCORED, known_until=LAST_DAY)
    assert (
        dict(zip(fleet.component_keys.tolist(), fleet.showed_error.tolist(), strict=True)).items()
        >= showed.items()
    )
    assert report.silent_share is not None
    assert 0.2 < report.silent_share < 0.7


def test_a_model_that_has_learned_from_the_scored_days_is_refused(trained_lake: Lake) -> None:
    with pytest.raises(ConfigError, match="count what it was told"):
        backtest_target(TARGET_NAME, make_settings(), trained_lake, first_day=AS_OF, last_day=LAST_DAY)


def test_a_span_whose_horizon_is_not_over_is_refused_with_the_day_to_start_by(trained_lake: Lake) -> None:
    late = LAST_DAY - dt.timedelta(days=29)
    with pytest.raises(ConfigError, match=str(LAST_DAY - dt.timedelta(days=30))):
        backtest_target(TARGET_NAME, make_settings(), trained_lake, first_day=late, last_day=LAST_DAY)


def test_days_that_were_never_ingested_are_not_scored(trained_lake: Lake) -> None:
    gap = FIRST_SCORED + dt.timedelta(days=7)
    trained_lake.delete_day("core_drive_days", gap)
    report = backtest(trained_lake, every_days=7)
    days = set(pd.to_datetime(read_predictions(trained_lake, report)["day"]).dt.date)
    assert gap not in days
    assert report.n_scored_days == len(days) == 8


def test_training_and_a_stored_model_at_once_is_a_contradiction(trained_lake: Lake) -> None:
    with pytest.raises(ConfigError, match="not both"):
        backtest(trained_lake, train_as_of=AS_OF, model_id="x")


def test_training_for_a_backtest_needs_failures_and_leaves_the_ledger_alone(trained_lake: Lake) -> None:
    with pytest.raises(MissingInputError, match="failures were known"):
        backtest(trained_lake, train_as_of=FIRST_DAY + dt.timedelta(days=10))
    before = [item.key for item in trained_lake.store.list_keys("registry/")]
    report = backtest(trained_lake, every_days=7, train_as_of=AS_OF)
    assert report.model_id == champion(TARGET_NAME, trained_lake)
    assert [item.key for item in trained_lake.store.list_keys("registry/")] == before
    assert [scorer.name for scorer in report.scorers[1:]] == [
        f"rule:{TARGET_NAME}",
        "model failure rate",
        "logistic regression",
    ]


@pytest.mark.shared_data
@pytest.mark.parametrize("every_days", [1, 7])
def test_the_backtest_and_the_judge_agree_on_the_written_predictions(
    trained_lake: Lake, small_target: Target, tmp_path: Path, every_days: int
) -> None:
    report = backtest(trained_lake, every_days=every_days)
    path = trained_lake.store.uri(f"backtests/{report.backtest_id}/predictions.parquet")
    lives = read_lives(trained_lake, small_target, first_day=FIRST_SCORED, known_until=LAST_DAY).lives
    pd.DataFrame(
        {
            "serial_number": lives.component_ids,
            "dates_exact": True,
            "last_date": lives.last_day.astype("datetime64[D]").astype("datetime64[s]"),
            "failed": lives.has_failed.astype(np.int64),
        }
    ).to_parquet(tmp_path / "drives.parquet")
    spec = importlib.util.spec_from_file_location("judge_predictions", JUDGE_PATH)
    assert spec is not None
    assert spec.loader is not None
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    p, d, known_until = judge.load(Path(path), tmp_path / "drives.parquet")
    for ours in report.scorers[0].budgets:
        theirs = judge.judge(p, d, known_until, 1, 30, ours.budget)
        assert (ours.n_tickets, ours.n_hits, ours.n_failures) == (
            theirs["tickets"],
            theirs["hits"],
            theirs["failures"],
        )
        assert ours.recall == pytest.approx(theirs["recall"], abs=6e-5)
    ranks = judge.ranks(p, known_until, 1, 30)
    assert report.n_component_days == ranks["drive_days"]
    assert report.scorers[0].average_precision == pytest.approx(ranks["average_precision"], abs=6e-5)
