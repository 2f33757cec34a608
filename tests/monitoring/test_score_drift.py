"""Risks and abstentions against those of the four weeks before, by the same model."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from pipelines.drift_settings import DriftSettings, FindingKind
from pipelines.monitoring.score_drift import judge_scores

DAY = dt.date(2026, 2, 1)
N = 800


def predictions(*, factor: float = 1.0, abstained: float = 0.0, model: str = "m1", seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    risks = np.clip(rng.lognormal(-5, 1, N) * factor, 0, 1)
    return pa.table(
        {
            "target": ["drive_fails_30d"] * N,
            "component_kind": ["drive"] * N,
            "risk": pa.array(risks, mask=np.arange(N) < abstained * N),
            "model_id": [model] * N,
        }
    )


REFERENCE = tuple(predictions(seed=seed) for seed in range(1, 10))


def kinds(today: pa.Table, reference: tuple[pa.Table, ...] = REFERENCE) -> list[FindingKind]:
    return [each.kind for each in judge_scores(today, reference, DAY, DriftSettings())[1]]


def test_the_same_fleet_on_another_day_is_no_finding() -> None:
    assert kinds(predictions()) == []


@pytest.mark.parametrize(("factor", "word"), [(3.0, "higher"), (1 / 3, "lower")])
def test_risks_that_moved_as_a_whole_are_found_on_the_same_day(factor: float, word: str) -> None:
    states, findings = judge_scores(predictions(factor=factor), REFERENCE, DAY, DriftSettings())
    assert [each.kind for each in findings] == [FindingKind.SCORE_SHIFT]
    assert word in findings[0].words
    assert states[0].psi == findings[0].size > 0.25


def test_another_model_is_compared_with_none_of_the_former_days() -> None:
    states, findings = judge_scores(predictions(factor=3, model="m2"), REFERENCE, DAY, DriftSettings())
    assert findings == []
    assert states[0].psi is None


def test_a_few_former_days_say_nothing() -> None:
    assert kinds(predictions(factor=3), REFERENCE[:3]) == []


def test_more_abstentions_than_usual_are_found_also_after_a_change_of_model() -> None:
    states, findings = judge_scores(predictions(abstained=0.3, model="m2"), REFERENCE, DAY, DriftSettings())
    assert [each.kind for each in findings] == [FindingKind.ABSTENTION]
    assert states[0].abstained_share == pytest.approx(0.3)


def test_a_fleet_that_always_abstains_on_many_is_as_usual() -> None:
    reference = tuple(predictions(abstained=0.3, seed=seed) for seed in range(1, 10))
    assert kinds(predictions(abstained=0.35), reference) == []


def test_a_day_on_which_all_are_abstained_on_has_no_scores_to_compare() -> None:
    assert kinds(predictions(abstained=1.0)) == [FindingKind.ABSTENTION]
