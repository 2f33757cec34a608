"""Each step of a day leaves a record of itself, whatever words it is named by."""

import datetime as dt

import pytest

from pipelines.lake import Lake
from pipelines.run_record import read_run_records, run_recorded
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

DAY = dt.date(2026, 2, 1)


@pytest.mark.parametrize(
    "step", ["published", "reconciled tickets", "touched no ticket (replay)", "collected outcomes"]
)
def test_a_step_named_in_words_leaves_its_record(step: str, lake: Lake) -> None:
    facts = StepFacts(step=step, day=DAY, facts=(("listed", 3),))
    assert run_recorded(lambda *_: facts, DAY, Settings(), lake) is facts
    (record,) = read_run_records(DAY, lake)
    assert (record.step, record.facts) == (step, {"listed": "3"})
