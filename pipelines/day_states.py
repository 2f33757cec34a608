"""How far each day has come, as it lies in the lake: delivered, built, scored, listed, followed by tickets."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_contracts.loader import list_contracts
from pipelines.deliveries import list_deliveries
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.planning_board import RECORD_FILE, PlanRecord
from pipelines.published_list import ROOT, Manifest, day_folder, read_day_manifest

_BLOCKED = re.compile(r"^verdicts/([a-z0-9_]+)/day=(\d{4}-\d{2}-\d{2})/part-([^/.]+)\.blocked\.json$")
_EDITION = re.compile(rf"^{ROOT}/edition=(\d{{4}}-\d{{2}}-\d{{2}})-([0-9a-f]+)/manifest\.json$")


@dataclass(frozen=True, kw_only=True)
class BlockedPart:
    """An attempt that broke its contract; what was there before stays."""

    dataset: str
    part: str


@dataclass(frozen=True, kw_only=True)
class LakeDays:
    """Which days have come how far. ``delivered``: the sources of each day; ``editions``: its published lists."""

    delivered: Mapping[dt.date, frozenset[str]]
    built: frozenset[dt.date]
    scored: frozenset[dt.date]
    blocked: Mapping[dt.date, Sequence[BlockedPart]]
    editions: Mapping[dt.date, Sequence[str]]

    @property
    def first_day(self) -> dt.date | None:
        """The first day that any source delivered, null in an empty lake."""
        return min(self.delivered, default=None)


def read_lake_days(lake: Lake) -> LakeDays:
    """Return how far every day of the lake has come; only names are read."""
    delivered: defaultdict[dt.date, set[str]] = defaultdict(set)
    blocked: defaultdict[dt.date, list[BlockedPart]] = defaultdict(list)
    editions: defaultdict[dt.date, list[str]] = defaultdict(list)
    for day, source in list_deliveries(lake):
        delivered[day].add(source)
    for item in lake.store.list_keys("verdicts/"):
        if found := _BLOCKED.match(item.key):
            part = BlockedPart(dataset=found.group(1), part=found.group(3))
            blocked[dt.date.fromisoformat(found.group(2))].append(part)
    for item in lake.store.list_keys(f"{ROOT}/edition="):
        if found := _EDITION.match(item.key):
            editions[dt.date.fromisoformat(found.group(1))].append(found.group(2))
    of_components = [name for name in list_contracts() if name.startswith("core_") and name.endswith("_days")]
    return LakeDays(
        delivered={day: frozenset(names) for day, names in delivered.items()},
        built=frozenset(day for dataset in of_components for day in lake.list_days(dataset)),
        scored=frozenset(lake.list_days("out_predictions")),
        blocked=blocked,
        editions=editions,
    )


def find_manifest(day: dt.date, lake: Lake) -> Manifest | None:
    """Return the manifest of the day's list, null where none was published."""
    try:
        return read_day_manifest(day, lake)
    except MissingInputError:
        return None


def find_plan_record(day: dt.date, lake: Lake) -> PlanRecord | None:
    """Return what the ticket step planned for the day, null where it has not come to that."""
    key = day_folder(day) + RECORD_FILE
    try:
        return PlanRecord.model_validate_json(lake.store.read(key))
    except MissingInputError:
        return None
