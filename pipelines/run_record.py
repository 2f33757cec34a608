"""What each step of a day did and how long it took: ``monitoring/runs/day=YYYY-MM-DD/<step>.json``.

The one kind of document that is not the same after a second run: seconds are of the last one.
"""

import datetime as dt
import re
import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

_FOLDER = "monitoring/runs"


class RunRecord(BaseModel):
    """One finished step of a day. ``seconds`` are wall time, ``facts`` those of the step, as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    day: dt.date
    seconds: float
    facts: dict[str, str]


def run_recorded(
    step: Callable[[dt.date, Settings, Lake], StepFacts], day: dt.date, settings: Settings, lake: Lake
) -> StepFacts:
    """Run a step and leave its record; one that raises leaves that of the run before."""
    began = time.monotonic()
    facts = step(day, settings, lake)
    record = RunRecord(
        step=facts.step,
        day=facts.day,
        seconds=round(time.monotonic() - began, 3),
        facts={name: str(value) for name, value in facts.facts},
    )
    # Steps are named in words ("reconciled tickets"), objects by what every store takes.
    name = re.sub(r"[^a-z0-9]+", "_", facts.step.lower()).strip("_")
    lake.write_json(f"{_FOLDER}/day={facts.day}/{name}.json", record.model_dump(mode="json"))
    return facts


def read_run_records(day: dt.date, lake: Lake) -> tuple[RunRecord, ...]:
    """Return the records of a day's steps, by name of the step."""
    keys = [item.key for item in lake.store.list_keys(f"{_FOLDER}/day={day}/")]
    return tuple(RunRecord.model_validate_json(lake.store.read(key)) for key in sorted(keys))
