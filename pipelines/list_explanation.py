"""Say why the listed components of one target are listed: reasons, what they reported, how the risk grew."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from features.cohort import CohortReason
from features.cube import Cube
from features.evidence import (
    ComponentLevels,
    Reason,
    add_up_days,
    find_reasons,
    lookback_dates,
    tell_ages,
)
from features.feature_names import parse_feature
from features.population import PopulationTable
from features.shards import component_keys
from features.target import Target
from pipelines.errors import MissingInputError
from pipelines.failures import KnownFailures, read_failures
from pipelines.lake import Lake
from pipelines.listed_cube import read_listed_cube
from pipelines.populations import read_populations
from pipelines.report.content import Series
from pipelines.risk_scoring import explain_risks, find_cohort, read_features, score_features
from pipelines.scorers import Scorer, open_scorer
from pipelines.settings import Settings
from pipelines.signal_wording import list_amounts, list_moments, word_signals

# A quarter of a year is what the longest features look at, and as much as a small plot can show.
PLOTTED_DAYS = 90
# Every third day shows a rise as well as every day, at a third of the cost.
RISK_DAYS_AGO = tuple(range(30, -1, -3))


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why one component is listed. ``signal_series`` are those of ``reasons`` that are plain signals."""

    reasons: tuple[Reason, ...]
    signal_series: tuple[Series, ...]
    risk_series: Series


class Explain(Protocol):
    """Explain the listed components of one target and model, one explanation per row of ``listed``."""

    def __call__(
        self, listed: pa.Table, target: Target, model_id: str, day: dt.date, settings: Settings, lake: Lake
    ) -> tuple[Explanation, ...]:
        """Return explanations in row order; ``listed`` has column component_id."""
        ...


def explain_with_model(
    listed: pa.Table, target: Target, model_id: str, day: dt.date, settings: Settings, lake: Lake
) -> tuple[Explanation, ...]:
    """Explain with the model that scored them, from the lookback of the listed components only.

    The risk series is what this same model says of the days before, so a change of model never looks
    like a change of the component. Where nothing is listed the lookback is opened all the same: it
    says which partitions the (empty) list was made of.
    """
    n_threads = settings.training.n_threads
    scorer = open_scorer(target, lake, model_id=model_id, n_threads=n_threads)
    specs = [parse_feature(name) for name in scorer.feature_names]
    keys = component_keys(listed["component_id"])
    back = max(scorer.lookback_days + RISK_DAYS_AGO[0], PLOTTED_DAYS - 1)
    cube = read_listed_cube(
        lake, target.dataset, target.signals, keys, first_day=day - dt.timedelta(days=back), last_day=day
    )
    risk_days = [day - dt.timedelta(days=days_ago) for days_ago in RISK_DAYS_AGO]
    population = read_populations(lake, risk_days, component_kind=target.component_kind)
    failures = read_failures(lake, target.component_kind, day, first_day=cube.first_day)
    if not len(keys):
        return ()
    columns = _find_columns(cube, keys, day)
    contributions = explain_risks(cube, scorer, day, columns, population, n_threads=n_threads).contributions
    percentiles = _percentiles(cube, day, columns, population)
    risks = _risks_by_day(cube, scorer, risk_days, columns, population, failures, n_threads)
    feature_signals = [spec.signal or spec.aggregate for spec in specs]
    wordings = word_signals(target.component_kind, n_days=PLOTTED_DAYS)
    amounts, moments = list_amounts(target.component_kind), list_moments(target.component_kind)
    explanations = []
    for row, column in enumerate(columns.tolist()):
        levels = add_up_days(
            ComponentLevels(
                signals=cube.signals, levels=cube.values[:, :, column], percentiles=percentiles[row]
            ),
            amounts,
            first_column=cube.n_days - PLOTTED_DAYS,
        )
        levels = tell_ages(levels, moments, day)
        reasons = find_reasons(contributions[row], feature_signals, levels, wordings)
        known = {date: _known(risk) for date, risk in zip(risk_days, risks[:, row].tolist(), strict=True)}
        explanations.append(
            Explanation(
                reasons=reasons,
                signal_series=tuple(
                    plot_series(levels, reason, day) for reason in reasons if reason.signal in cube.signals
                ),
                risk_series=Series(label="Risk", unit="", days=tuple(known), values=tuple(known.values())),
            )
        )
    return tuple(explanations)


def _find_columns(cube: Cube, keys: np.ndarray, day: dt.date) -> np.ndarray:
    columns = np.searchsorted(cube.component_keys, keys)
    is_there = np.isin(keys, cube.component_keys)
    if not is_there.all():
        raise MissingInputError(
            f"{np.sum(~is_there)} of {len(keys)} listed components are in no component-day up to {day}: they were "
            "scored from data that is no longer there. Nothing was published; the list before stays. "
            f"Run: prefail score --day {day}, then: prefail publish --day {day}",
            day=day.isoformat(),
            n_missing=int(np.sum(~is_there)),
        )
    return columns.astype(np.int32)


def plot_series(levels: ComponentLevels, reason: Reason, day: dt.date) -> Series:
    """Return the last ``PLOTTED_DAYS`` days of a reason's signal."""
    series = levels.levels[levels.signals.index(reason.signal)][-PLOTTED_DAYS:]
    return Series(
        label=reason.label,
        unit=reason.unit,
        days=lookback_dates(day, len(series)),
        values=tuple(None if np.isnan(value) else float(value) for value in series),
    )


def _percentiles(cube: Cube, day: dt.date, columns: np.ndarray, population: PopulationTable) -> np.ndarray:
    """Return (N, S), percent: where each listed component stands among its model on ``day``."""
    lookup = population.for_cube(cube)
    row = cube.day_index(day)
    return np.stack(
        [
            100.0
            * lookup.percentile(signal, np.full(len(columns), row), columns, cube.values[index, row, columns])
            for index, signal in enumerate(cube.signals)
        ],
        axis=1,
    )


def _risks_by_day(
    cube: Cube,
    scorer: Scorer,
    days: list[dt.date],
    columns: np.ndarray,
    population: PopulationTable,
    failures: KnownFailures,
    n_threads: int,
) -> np.ndarray:
    """Return (days, N): the risk on each day, NaN where the component was not in the cohort."""
    day_index = np.repeat([cube.day_index(day) for day in days], len(columns)).astype(np.int32)
    component_index = np.tile(columns, len(days))
    codes = find_cohort(cube, day_index, component_index, failures, n_threads)
    members = np.flatnonzero(codes == CohortReason.IN_COHORT)
    risks = np.full(len(day_index), np.nan)
    features = read_features(
        cube, scorer, day_index[members], component_index[members], population, n_threads
    )
    risks[members] = score_features(scorer, cube, features, component_index[members])
    return risks.reshape(len(days), len(columns))


def _known(risk: float) -> float | None:
    return None if np.isnan(risk) else risk
