"""Seeded random lives and risks: the one data factory of the evaluation's tests."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.evaluation import ComponentLives

FIRST_DAY = 16_000


@dataclass(frozen=True, kw_only=True)
class ScoredFleet:
    """Lives, and one risk per component and scoring day on which it reported."""

    lives: ComponentLives
    component_index: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    risk: npt.NDArray[np.float64]


def make_scored_fleet(
    seed: int,
    *,
    n_components: int = 60,
    n_days: int = 90,
    day_steps: tuple[int, ...] = (1, 2, 7),
    n_risk_levels: int = 12,
    skill: float = 0.5,
    share_missing: float = 0.1,
) -> ScoredFleet:
    """Return a fleet with ties (few risk levels), uneven scoring days, failures, leavers and gaps."""
    random = np.random.default_rng(seed)
    ids = np.sort(np.array([f"drive-{number}" for number in range(n_components)]))
    fate = random.random(n_components)
    ends_early = fate < 0.6
    last_day = np.where(ends_early, FIRST_DAY + random.integers(-5, n_days, n_components), FIRST_DAY + n_days)
    has_failed = (fate < 0.4) & ends_early
    lives = ComponentLives(
        component_ids=ids,
        last_day=last_day.astype(np.int64),
        has_failed=has_failed,
        known_until=int(last_day.max()),
    )
    steps = random.choice(day_steps, size=n_days)
    days = FIRST_DAY + np.cumsum(steps)
    days = days[days <= FIRST_DAY + n_days]
    component, day = np.meshgrid(np.arange(n_components), days, indexing="ij")
    component, day = component.ravel(), day.ravel()
    reports = (day <= last_day[component]) & (random.random(len(day)) >= share_missing)
    component, day = component[reports], day[reports]
    is_near = has_failed[component] & (last_day[component] - day <= 30)
    raw = random.random(len(day)) + skill * is_near
    order = random.permutation(len(day))
    return ScoredFleet(
        lives=lives,
        component_index=component[order],
        day=day[order],
        risk=(np.floor(raw * n_risk_levels) / n_risk_levels)[order],
    )
