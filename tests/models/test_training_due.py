"""Which targets are trained when: every week, on request, and where drift asks."""

import datetime as dt

import pyarrow as pa

from pipelines.lake import Lake
from pipelines.monitoring.retraining import ask_for_retraining
from pipelines.settings import Settings
from pipelines.training_due import list_due_targets
from tests.hand_made_findings import make_finding

SUNDAY = dt.date(2026, 3, 1)
TUESDAY = SUNDAY + dt.timedelta(days=2)


def build(lake: Lake) -> None:
    for dataset in ("core_drive_days", "core_dimm_days"):
        lake.write_day(dataset, SUNDAY, pa.table({"component_id": ["a"]}))


def due(lake: Lake, day: dt.date, *, is_asked_for: bool = False) -> tuple[str, ...]:
    return list_due_targets(day, Settings(), lake, is_asked_for=is_asked_for)


def test_every_target_is_due_as_of_a_sunday_or_by_hand_and_none_else(lake: Lake) -> None:
    build(lake)
    both = ("drive_fails_30d", "dimm_fails_30d")
    assert due(lake, SUNDAY) == both
    assert due(lake, TUESDAY, is_asked_for=True) == both
    assert due(lake, TUESDAY) == ()


def test_a_target_for_which_drift_asks_is_due_on_any_day(lake: Lake) -> None:
    build(lake)
    ask_for_retraining(make_finding(since=TUESDAY), TUESDAY, lake)
    assert due(lake, TUESDAY) == ("drive_fails_30d",)
