"""Say what lies in a lake and how much room it takes, from listings alone."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.object_store import ObjectInfo, ObjectStore

_DAY = re.compile(r"/(?:day|edition)=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, kw_only=True)
class DatasetUsage:
    """One row per first folder of the lake, or per second where the first only groups datasets."""

    dataset: str
    n_objects: int
    size_bytes: int
    days: tuple[dt.date, ...]


@dataclass(frozen=True, kw_only=True)
class DayUsage:
    """What one dataset keeps for one day."""

    day: dt.date
    n_objects: int
    size_bytes: int


# Folders that hold one folder a dataset.
_GROUPS = ("quarantine", "verdicts", "published", "registry", "tickets", "compacted")


def day_of_key(key: str) -> dt.date | None:
    """Return the day that a key is about, None if it is about none."""
    found = _DAY.search(f"/{key}")
    return dt.date.fromisoformat(found.group(1)) if found else None


def dataset_of_key(key: str) -> str:
    """Return the dataset that a key belongs to."""
    folders = key.split("/")[:-1]
    return "/".join(folders[: 2 if folders and folders[0] in _GROUPS else 1]) or "."


def survey_lake(store: ObjectStore) -> tuple[DatasetUsage, ...]:
    """Return every dataset by name; one listing of the whole lake."""
    return summarize(store.list_keys(""))


def summarize(items: Iterable[ObjectInfo]) -> tuple[DatasetUsage, ...]:
    """Return the datasets that the objects make up, by name."""
    grouped: defaultdict[str, list[ObjectInfo]] = defaultdict(list)
    for item in items:
        grouped[dataset_of_key(item.key)].append(item)
    return tuple(
        DatasetUsage(
            dataset=dataset,
            n_objects=len(members),
            size_bytes=sum(item.size_bytes for item in members),
            days=tuple(sorted({day for item in members if (day := day_of_key(item.key))})),
        )
        for dataset, members in sorted(grouped.items())
    )


def survey_dataset(store: ObjectStore, dataset: str) -> tuple[DayUsage, ...]:
    """Return the days of one dataset, ascending."""
    grouped: defaultdict[dt.date, list[int]] = defaultdict(list)
    for item in store.list_keys(f"{dataset}/"):
        if (day := day_of_key(item.key)) is not None:
            grouped[day].append(item.size_bytes)
    return tuple(
        DayUsage(day=day, n_objects=len(sizes), size_bytes=sum(sizes))
        for day, sizes in sorted(grouped.items())
    )
