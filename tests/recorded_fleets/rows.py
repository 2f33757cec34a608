"""The component-days of a recording: who is at risk, what comes of it, and the features of both.

Cells lie on a grid of days. ``life`` (N,) points into the lives of the recording, ``day`` (N,) counts
from 1970-01-01. Labels and the rows to learn from know nothing later than the day they are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.kernel import compute_features
from features.labels import ComponentFailures, label_component_days
from features.shards import sample_mask
from features.target import Target
from pipelines.failures import day_of_number
from pipelines.training_set import TrainingSet
from pipelines.training_settings import TrainingSettings
from tests.recorded_fleets.recording import Lives, Recording

Days = npt.NDArray[np.int64]

# Some tens of megabytes of daily signals at a time.
_COMPONENTS_AT_A_TIME = 500


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Lives at risk on days, in order of day, then life."""

    life: Days
    day: Days


def list_cells(lives: Lives, days: Sequence[int]) -> Cells:
    """Return each life that is in service and has not ended on each of the days."""
    found = [np.flatnonzero((lives.first_day <= day) & (lives.last_day > day)) for day in days]
    return Cells(
        life=np.concatenate(found),
        day=np.repeat(np.array(days, dtype=np.int64), [len(each) for each in found]),
    )


def label_cells(lives: Lives, cells: Cells, target: Target, known_until: int) -> npt.NDArray[np.float32]:
    """Label each cell (N,) by what was known on the evening of ``known_until``: 1, 0 or NaN."""
    known = lives.as_known_by(known_until)
    failed = np.flatnonzero(known.has_failed)
    failures = ComponentFailures(
        component_index=failed, day_numbers=lives.last_day[failed], known_on=lives.known_on[failed]
    )
    return label_component_days(
        day_numbers=cells.day,
        # A life that starts on the day of a repair is at risk from the day after.
        next_failure_days=failures.next_failure_days(cells.life, cells.day + 1, known_until=known_until),
        last_reported_days=known.last_day[cells.life],
        lead_days=target.lead_days,
        horizon_days=target.horizon_days,
        known_until=known_until,
    )


def fill_features(
    recording: Recording, target: Target, names: Sequence[str], cells: Cells, n_threads: int
) -> npt.NDArray[np.float32]:
    """Return the features (N, F) of the cells, in their order."""
    component = recording.lives.component_index[cells.life]
    features = np.empty((len(cells.day), len(names)), dtype=np.float32)
    for start in range(0, len(recording.ids), _COMPONENTS_AT_A_TIME):
        part = slice(start, start + _COMPONENTS_AT_A_TIME)
        wanted = np.flatnonzero((component >= start) & (component < part.stop))
        if len(wanted):
            features[wanted] = compute_features(
                recording.make_cube(target.signals, part),
                names,
                cells.day[wanted] - recording.first_day,
                component[wanted] - start,
                error_signals=target.error_signals,
                n_threads=n_threads,
            )
    return features


def collect_rows(
    recording: Recording, target: Target, names: tuple[str, ...], as_of: int, settings: TrainingSettings
) -> TrainingSet:
    """Return what a model may learn from on the evening of ``as_of``; healthy rows are sampled by hash."""
    recipe = target.training
    first_day = max(recording.first_day, as_of - (recipe.history_days or as_of))
    grid = range(first_day, as_of - target.horizon_days + 1, recipe.fold_step_days)
    cells = list_cells(recording.lives, grid)
    labels = label_cells(recording.lives, cells, target, as_of)
    keys = recording.keys[recording.lives.component_index[cells.life]]
    n_failing, n_healthy = int(np.sum(labels == 1)), int(np.sum(labels == 0))
    share = min(1.0, recipe.negatives_per_positive * n_failing / max(1, n_healthy))
    drawn = (labels == 1) | ((labels == 0) & sample_mask(keys, cells.day, share, settings.seed))
    chosen = Cells(life=cells.life[drawn], day=cells.day[drawn])
    fails = labels[drawn] == 1
    models, n_days = _count_model_days(recording, first_day, as_of)
    return TrainingSet(
        feature_names=names,
        features=fill_features(recording, target, names, chosen, settings.n_threads),
        fails=fails,
        day=chosen.day,
        label_known_day=np.where(
            fails,
            np.maximum(chosen.day + target.horizon_days, recording.lives.known_on[chosen.life]),
            chosen.day + target.horizon_days,
        ),
        component_keys=keys[drawn],
        positive_share=1.0,
        negative_share=share,
        first_day=day_of_number(first_day),
        as_of=day_of_number(as_of),
        models=models,
        n_days_of_model=n_days,
        days=tuple(day_of_number(day) for day in grid),
    )


def _count_model_days(
    recording: Recording, first_day: int, as_of: int
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Return how many components of each model served on each day (M, D)."""
    models, code = np.unique(recording.models, return_inverse=True)
    lives = recording.lives
    n_days = as_of - first_day + 1
    steps = np.zeros((len(models), n_days + 1), dtype=np.int64)
    model = code[lives.component_index]
    np.add.at(steps, (model, np.clip(lives.first_day - first_day, 0, n_days)), 1)
    np.add.at(steps, (model, np.clip(lives.last_day - first_day, 0, n_days)), -1)
    return tuple(str(name) for name in models), np.cumsum(steps, axis=1)[:, :n_days]
