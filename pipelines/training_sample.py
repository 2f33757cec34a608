"""Choose the component-days that a model learns from, and label them.

A row is drawn by a hash of its component, its day and the seed: neither the order of the fleet nor
how it is cut into passes changes which rows are drawn.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.cohort import CohortReason
from features.cube import Cube
from features.labels import NO_FAILURE, ComponentFailures, find_uncertain_days, label_component_days
from features.shards import sample_mask
from features.target import Target
from pipelines.failures import KnownFailures, day_number
from pipelines.risk_scoring import find_cohort, slice_components
from pipelines.training_settings import TrainingSettings

# Peak: the parts and the whole they are joined to.
_SHARE_OF_MEMORY_FOR_FEATURES = 0.5
_BYTES_PER_FEATURE = 4
# Cells whose cohort and label are looked at together: some tens of megabytes.
_MAX_CELLS = 500_000
# Healthy and failing rows are drawn independently.
_SEED_OF_NEGATIVES = 1_000_003


@dataclass(frozen=True, kw_only=True)
class ChosenCells:
    """The chosen cells of a cube, in order of component, then day."""

    day_index: npt.NDArray[np.intp]
    component_index: npt.NDArray[np.intp]
    fails: npt.NDArray[np.bool_]
    label_known_day: npt.NDArray[np.int64]


def choose_negative_share(
    target: Target, n_failures: int, n_rows: int, n_features: int, settings: TrainingSettings
) -> float:
    """Return the share of healthy component-days to keep: as many as asked for, or as memory holds.

    Decided from counts of the whole span, so that no pass can change it.
    """
    days_per_failure = target.horizon_days - target.lead_days
    n_positives = n_failures * days_per_failure * target.training.positive_share
    wanted = n_positives * min(target.training.negatives_per_positive, settings.negatives_per_positive)
    bytes_per_row = max(1, n_features) * _BYTES_PER_FEATURE
    affordable = settings.memory_limit_mb * 1_000_000 * _SHARE_OF_MEMORY_FOR_FEATURES / bytes_per_row
    return float(min(1.0, max(1.0, min(wanted, affordable - n_positives)) / max(n_rows, 1)))


def choose_cells(
    cube: Cube,
    target: Target,
    first_day: dt.date,
    as_of: dt.date,
    failures: KnownFailures,
    negative_share: float,
    settings: TrainingSettings,
) -> ChosenCells:
    """Label every component-day of the cohort and keep the sample, a few components at a time."""
    first_row = cube.day_index(first_day)
    width = max(1, _MAX_CELLS // (cube.n_days - first_row))
    parts = []
    for start in range(0, cube.n_components, width):
        part = slice(start, min(start + width, cube.n_components))
        chosen = _choose_of_few(
            slice_components(cube, part), target, first_row, as_of, failures, negative_share, settings
        )
        parts.append(dataclasses.replace(chosen, component_index=chosen.component_index + start))
    if not parts:
        nothing = np.empty(0, dtype=np.intp)
        return ChosenCells(
            day_index=nothing, component_index=nothing, fails=nothing.astype(bool), label_known_day=nothing
        )
    return ChosenCells(
        day_index=np.concatenate([each.day_index for each in parts]),
        component_index=np.concatenate([each.component_index for each in parts]),
        fails=np.concatenate([each.fails for each in parts]),
        label_known_day=np.concatenate([each.label_known_day for each in parts]),
    )


def _choose_of_few(
    cube: Cube,
    target: Target,
    first_row: int,
    as_of: dt.date,
    failures: KnownFailures,
    negative_share: float,
    settings: TrainingSettings,
) -> ChosenCells:
    # Component by component, so that rows come out in the same order however the fleet is cut.
    component, day_index = np.nonzero(cube.is_reported[first_row:].T)
    day_index = day_index + first_row
    day = day_index + day_number(cube.first_day)
    of_cube = failures.of_cube(cube)
    known_until = day_number(as_of)
    next_failure = of_cube.next_failure_days(component, day, known_until=known_until)
    changes = failures.unconfirmed.of_keys(cube.component_keys)
    labels = label_component_days(
        day_numbers=day,
        next_failure_days=next_failure,
        last_reported_days=_find_last_reported(cube)[component],
        lead_days=target.lead_days,
        horizon_days=target.horizon_days,
        known_until=known_until,
        is_uncertain=find_uncertain_days(
            day_numbers=day,
            next_failure_days=next_failure,
            next_change_days=changes.next_failure_days(component, day, known_until=known_until),
            horizon_days=target.horizon_days,
        ),
    )
    keys = cube.component_keys[component]
    is_drawn = np.where(
        labels == 1,
        sample_mask(keys, day, target.training.positive_share, settings.seed),
        sample_mask(keys, day, negative_share, settings.seed + _SEED_OF_NEGATIVES),
    )
    drawn = np.flatnonzero(is_drawn & ~np.isnan(labels))
    codes = find_cohort(cube, day_index[drawn], component[drawn], failures, settings.n_threads)
    drawn = drawn[codes == CohortReason.IN_COHORT]
    fails = labels[drawn] == 1
    failure_known = _find_known_day(of_cube, component[drawn], next_failure[drawn])
    # A healthy component is known to be so when it next reports, or when we hear of a later failure.
    end = day_index[drawn] + target.horizon_days
    seen_on = _find_next_reported(cube)[end, component[drawn]] + day_number(cube.first_day)
    mature_on = day[drawn] + target.horizon_days
    return ChosenCells(
        day_index=day_index[drawn],
        component_index=component[drawn],
        fails=fails,
        label_known_day=np.where(
            fails,
            np.maximum(mature_on, failure_known),
            np.minimum(seen_on, np.maximum(mature_on, failure_known)),
        ),
    )


def _find_last_reported(cube: Cube) -> npt.NDArray[np.int64]:
    """Return the last day (C,) that each component reported, in days from 1970-01-01."""
    back = np.argmax(cube.is_reported[::-1], axis=0)
    return np.asarray(day_number(cube.first_day) + cube.n_days - 1 - back, dtype=np.int64)


def _find_next_reported(cube: Cube) -> npt.NDArray[np.int64]:
    """Return for each day and component (D, C) the next row with a report, ``NO_FAILURE`` if there is none."""
    rows = np.where(cube.is_reported, np.arange(cube.n_days)[:, np.newaxis], NO_FAILURE)
    return np.minimum.accumulate(rows[::-1], axis=0)[::-1]


def _find_known_day(
    failures: ComponentFailures, component: npt.NDArray[np.intp], failure_day: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return when each cell's next failure became known, ``NO_FAILURE`` for cells without one."""
    known = dict(
        zip(
            zip(failures.component_index.tolist(), failures.day_numbers.tolist(), strict=True),
            failures.known_on.tolist(),
            strict=True,
        )
    )
    pairs = zip(component.tolist(), failure_day.tolist(), strict=True)
    return np.array([known.get(pair, NO_FAILURE) for pair in pairs], dtype=np.int64)
