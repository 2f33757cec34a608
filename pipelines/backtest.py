"""Score past days as if each were today, and count what the tickets would have caught."""

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from features.evaluation import BUDGETS
from features.score_evaluation import ScoreEvaluation, compare_scores
from features.slices import measure_silent_share, merge_small, name_age_bands, slice_walk
from features.target import Target
from pipelines.backtest_report import (
    BacktestReport,
    ReportBin,
    ReportSlice,
    format_report,
    report_budget,
)
from pipelines.component_lives import FleetLives, read_lives
from pipelines.cube_reading import list_known_days
from pipelines.day_span import list_span
from pipelines.errors import ConfigError, MissingInputError
from pipelines.failures import read_failures
from pipelines.fit import describe_scorer, fit_target
from pipelines.folds import evaluate_span, make_baselines
from pipelines.lake import Lake, encode_parquet
from pipelines.registry import load_card, save_model
from pipelines.scorers import RULE_PREFIX, ModelScorer, RuleScorer, Scorer, open_scorer
from pipelines.settings import Settings
from pipelines.span_scoring import SpanScores, score_span
from pipelines.targets import find_target

__all__ = ["BacktestReport", "backtest_target", "format_report"]

log = logging.getLogger(__name__)

# What has a name of its own in a report: fewer failures say nothing.
_MINIMUM_SLICE_FAILURES = 10


@dataclass(frozen=True, kw_only=True)
class _Entrants:
    """The model first, then the baselines. ``knew_until`` is None for a rule."""

    scorers: tuple[Scorer, ...]
    knew_until: dt.date | None


def backtest_target(
    target_name: str,
    settings: Settings,
    lake: Lake,
    *,
    first_day: dt.date,
    last_day: dt.date,
    every_days: int = 1,
    train_as_of: dt.date | None = None,
    model_id: str | None = None,
    budgets: Sequence[float] = BUDGETS,
) -> BacktestReport:
    """Score ``first_day``, ``first_day + every_days``, … ``last_day`` and judge the model beside the baselines.

    The model is trained on what was known by ``train_as_of``, or is the stored ``model_id``, or the
    champion. One that has learned from the scored days is refused. Everything the lake knows now is
    the answer key. Writes ``backtests/<id>/`` (predictions.parquet, report.json, report.md).
    """
    target = find_target(target_name)
    days = _choose_days(target, lake, list_span(first_day, last_day, every_days))
    entrants = _choose_scorers(target, settings, lake, train_as_of, model_id)
    model = entrants.scorers[0]
    if entrants.knew_until is not None and entrants.knew_until >= first_day:
        raise ConfigError(
            f"model {model.model_id} has learned from days up to {entrants.knew_until}; a backtest from {first_day} "
            f"would count what it was told. Nothing was scored. Start after {entrants.knew_until}, or use "
            "--train-as-of.",
            model_id=model.model_id,
            knew_until=entrants.knew_until.isoformat(),
        )
    known_until = lake.list_days(target.dataset)[-1]
    _check_maturity(target, first_day, known_until)
    fleet = read_lives(lake, target, first_day=first_day, known_until=known_until)
    scores = score_span(
        lake,
        target,
        entrants.scorers,
        days,
        known_by=known_until,
        memory_limit_mb=settings.training.memory_limit_mb,
        n_threads=settings.training.n_threads,
        title="scoring past days",
    )
    index = fleet.index_of(scores.component_keys)[scores.component_index]
    names = [scorer.model_id for scorer in entrants.scorers]
    evaluations = evaluate_span(target, fleet, scores, index, names, budgets)
    report = _write_report(
        target,
        entrants,
        evaluations,
        fleet,
        scores,
        days,
        every_days,
        known_until,
        budgets,
        settings.training.seed,
    )
    _store(report, fleet, scores, index, lake)
    log.info(report.summary)
    return report


def _choose_days(target: Target, lake: Lake, asked: Sequence[dt.date]) -> list[dt.date]:
    """A day that was never ingested has nothing to score; its budget is saved for the next day."""
    present = set(list_known_days(lake, target.dataset, asked[0], asked[-1]))
    days = [day for day in asked if day in present]
    if not days:
        raise MissingInputError(
            f"{target.dataset} has none of the {len(asked)} days from {asked[0]} to {asked[-1]}. Nothing was scored.",
            dataset=target.dataset,
        )
    return days


def _check_maturity(target: Target, first_day: dt.date, known_until: dt.date) -> None:
    if first_day + dt.timedelta(days=target.horizon_days) > known_until:
        raise ConfigError(
            f"{target.dataset} is known until {known_until}: no day from {first_day} has its horizon of "
            f"{target.horizon_days} days behind it. Nothing was scored. Start by "
            f"{known_until - dt.timedelta(days=target.horizon_days)} at the latest.",
            known_until=known_until.isoformat(),
        )


def _choose_scorers(
    target: Target, settings: Settings, lake: Lake, train_as_of: dt.date | None, model_id: str | None
) -> _Entrants:
    if train_as_of is not None and model_id is not None:
        raise ConfigError(
            "Name either the day to train as of or a stored model, not both. Nothing was scored."
        )
    rule = RuleScorer(target=target)
    if train_as_of is not None:
        failures = read_failures(lake, target.component_kind, train_as_of)
        if len(failures.day) < target.training.minimum_failures:
            raise MissingInputError(
                f"{len(failures.day)} failures were known by {train_as_of}; {target.training.minimum_failures} are "
                f"needed to learn from. Nothing was scored. Use a later day, or --model {rule.model_id}.",
                n_failures=len(failures.day),
            )
        fitted = fit_target(target, train_as_of, failures, lake, settings.training)
        model = ModelScorer(
            model_id=save_model(fitted.card, fitted.model_bytes, lake),
            model=fitted.model,
            calibration=fitted.card.calibration.to_calibration(),
            error_signals=fitted.card.error_signals,
        )
        everything = np.ones(len(fitted.rows.fails), dtype=np.bool_)
        baselines = make_baselines(target, fitted.rows, everything, failures, train_as_of)
        return _Entrants(scorers=(model, *baselines), knew_until=train_as_of)
    scorer = open_scorer(target, lake, model_id=model_id, n_threads=settings.training.n_threads)
    if scorer.model_id.startswith(RULE_PREFIX):
        return _Entrants(scorers=(rule,), knew_until=None)
    return _Entrants(scorers=(scorer, rule), knew_until=load_card(scorer.model_id, lake).as_of)


def _write_report(
    target: Target,
    entrants: _Entrants,
    evaluations: tuple[ScoreEvaluation, ...],
    fleet: FleetLives,
    scores: SpanScores,
    days: Sequence[dt.date],
    every_days: int,
    known_until: dt.date,
    budgets: Sequence[float],
    seed: int,
) -> BacktestReport:
    ours = evaluations[0]
    rule = next(each for each in evaluations if each.name.startswith(RULE_PREFIX))
    return BacktestReport(
        backtest_id=_name_backtest(target, ours.name, days, known_until, budgets),
        target=target.name,
        label_definition=target.label_definition,
        model_id=ours.name,
        model_knew_until=entrants.knew_until,
        first_day=days[0],
        last_day=days[-1],
        every_days=every_days,
        n_scored_days=len(days),
        known_until=known_until,
        last_judged_day=max(day for day in days if (known_until - day).days >= target.horizon_days),
        n_components=int(ours.is_scored.sum()),
        n_component_days=ours.ranking.n_component_days,
        n_positives=ours.ranking.n_positives,
        n_failures=int(ours.failures.sum()),
        silent_share=measure_silent_share(ours.failures, fleet.showed_error),
        scorers=tuple(describe_scorer(each) for each in evaluations),
        intervals=tuple(report_budget(each) for each in ours.intervals(seed=seed)),
        against_rule=tuple(
            report_budget(compare_scores([ours], [rule], walk.budget, seed=seed)) for walk in ours.walks
        ),
        calibration=tuple(ReportBin(**asdict(each)) for each in ours.calibration),
        slices=_slice(target, ours, fleet, scores),
    )


def _slice(
    target: Target, ours: ScoreEvaluation, fleet: FleetLives, scores: SpanScores
) -> tuple[ReportSlice, ...]:
    place = fleet.index_of(scores.component_keys)
    n_components = len(fleet.component_keys)
    models = np.full(n_components, "", dtype=np.object_)
    models[place] = scores.models
    hours = np.full(n_components, np.nan)
    hours[place] = scores.power_on_hours
    walk = ours.walk_of(target.promotion.budget)
    families = merge_small(models.astype(np.str_), ours.failures, _MINIMUM_SLICE_FAILURES)
    by_model = slice_walk("hardware model", families, walk, ours.failures, ours.is_scored)
    by_age = slice_walk("age", name_age_bands(hours), walk, ours.failures, ours.is_scored)
    return tuple(ReportSlice(**asdict(each)) for each in (*by_model, *by_age))


def _name_backtest(
    target: Target, model_id: str, days: Sequence[dt.date], known_until: dt.date, budgets: Sequence[float]
) -> str:
    """The same question about the same data has the same name."""
    parts = [
        model_id,
        *(day.isoformat() for day in days),
        known_until.isoformat(),
        *(f"{b:g}" for b in budgets),
    ]
    return f"{target.name}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:12]}"


def _store(
    report: BacktestReport, fleet: FleetLives, scores: SpanScores, index: np.ndarray, lake: Lake
) -> None:
    """Write predictions in the columns of out_predictions that a judge reads, sorted by day and id."""
    order = np.lexsort((index, scores.day))
    ids = pa.DictionaryArray.from_arrays(
        pa.array(index[order].astype(np.int32)), pa.array(fleet.lives.component_ids.tolist(), pa.string())
    )
    table = pa.table(
        {
            "component_id": ids,
            "day": pa.array(scores.day[order].astype("datetime64[D]")),
            "risk": pa.array(scores.risks[0][order]),
        }
    )
    prefix = f"backtests/{report.backtest_id}"
    lake.store.write(f"{prefix}/predictions.parquet", encode_parquet(table))
    lake.write_json(f"{prefix}/report.json", report.model_dump(mode="json"))
    lake.store.write(f"{prefix}/report.md", format_report(report).encode())
