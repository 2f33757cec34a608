"""What each step of a day did and how long it took: ``monitoring/runs/day=YYYY-MM-DD/<step>.json``.

The one kind of document that is not the same after a second run: seconds are of the last one.
"""

import datetime as dt
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import PermanentError
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
    step: Callable[[dt.date, Settings, Lake], StepFacts],
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    part: str | None = None,
) -> StepFacts:
    """Run a step and leave its record; one that raises leaves that of the run before.

    ``part`` names what a run does of the step, such as one source: each part has a record of its own.
    """
    began = time.monotonic()
    facts = step(day, settings, lake)
    name = facts.step if part is None else f"{facts.step} {part}"
    said = {name: str(value) for name, value in facts.facts}
    _write(RunRecord(step=name, day=facts.day, seconds=_seconds_since(began), facts=said), lake)
    return facts


@contextmanager
def record_seconds(step: str, day: dt.date, lake: Lake) -> Iterator[None]:
    """Leave the record of what is done inside, such as a training; what raises leaves that of the run before."""
    began = time.monotonic()
    yield
    _write(RunRecord(step=step, day=day, seconds=_seconds_since(began), facts={}), lake)


def read_run_records(day: dt.date, lake: Lake) -> tuple[RunRecord, ...]:
    """Return the records of a day's steps, by name of the step."""
    keys = [item.key for item in lake.store.list_keys(f"{_FOLDER}/day={day}/")]
    return tuple(_read(key, lake) for key in sorted(keys))


def _read(key: str, lake: Lake) -> RunRecord:
    try:
        return RunRecord.model_validate_json(lake.store.read(key))
    except ValidationError as damaged:
        raise PermanentError(
            f"{lake.store.uri(key)} is no record of a step that this release can read. Only figures are made of it. "
            "Delete it, then run the same command again; the step's next run writes it anew.",
            key=key,
        ) from damaged


def _seconds_since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _write(record: RunRecord, lake: Lake) -> None:
    # Steps are named in words ("reconciled tickets"), objects by what every store takes.
    name = re.sub(r"[^a-z0-9-]+", "_", record.step.lower()).strip("_")
    lake.write_json(f"{_FOLDER}/day={record.day}/{name}.json", record.model_dump(mode="json"))
