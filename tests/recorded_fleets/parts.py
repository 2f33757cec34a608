"""How a measurement looks in parts: over time, by group, and what the model leans on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.ranking import measure_ranking
from features.score_evaluation import ScoreEvaluation
from pipelines.failures import day_of_number
from pipelines.risk_model import RiskModel
from pipelines.training_set import TrainingSet
from tests.recorded_fleets.recording import Recording

_LEAST_FAILING_DAYS = 100
_MOST_GROUPS = 3
# Contributions cost four hundred times a prediction.
_MOST_EXPLAINED = 2_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the judged component-days: how many of them fail, and each scorer's average precision."""

    name: str
    share_failing: float
    average_precisions: tuple[float, ...]


def judge_parts(names: npt.NDArray[np.str_], evaluations: Sequence[ScoreEvaluation]) -> tuple[Part, ...]:
    """Return the parts with enough failing days to be judged; ``names`` (N,) are those of the judged rows."""
    found = []
    for name in np.unique(names):
        chosen = names == name
        results = [
            measure_ranking(each.judged.risk[chosen], each.judged.fails_in_horizon[chosen])
            for each in evaluations
        ]
        if results[0].n_positives >= _LEAST_FAILING_DAYS:
            found.append(
                Part(
                    name=str(name),
                    share_failing=results[0].n_positives / results[0].n_component_days,
                    average_precisions=tuple(each.average_precision or 0.0 for each in results),
                )
            )
    return tuple(found)


def name_half_years(evaluation: ScoreEvaluation) -> npt.NDArray[np.str_]:
    """Return the half-year of each judged row, as in 2004 I."""
    days, place = np.unique(evaluation.rows.day[evaluation.judged.is_judged], return_inverse=True)
    dates = [day_of_number(day) for day in days]
    return np.array([f"{date.year} {'I' if date.month < 7 else 'II'}" for date in dates])[place]


def name_groups(recording: Recording, evaluation: ScoreEvaluation) -> npt.NDArray[np.str_]:
    """Return the group of each judged row; all one where there are too many to name."""
    component = recording.lives.component_index[evaluation.rows.component_index[evaluation.judged.is_judged]]
    if len(np.unique(recording.models)) > _MOST_GROUPS:
        return np.full(len(component), "all")
    return np.asarray(recording.models[component])


def find_leaning(model: RiskModel, rows: TrainingSet) -> tuple[tuple[str, float], ...]:
    """Return each feature's share of what moves the log-odds of the training rows, largest first."""
    columns = rows.columns(model.feature_names)
    sample = rows.features[:: max(1, len(rows.fails) // _MOST_EXPLAINED)][:, columns]
    moved = np.abs(model.contribute(sample)).mean(axis=0)
    shares = moved / moved.sum()
    order = np.argsort(-shares, kind="stable")
    return tuple((model.feature_names[place], float(shares[place])) for place in order)
