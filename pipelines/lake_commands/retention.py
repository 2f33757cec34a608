"""Decide which days are older than their dataset is kept, and delete them; first only say so."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.lake import Lake
from pipelines.lake_commands.survey import day_of_key
from pipelines.published_list import ROOT, read_latest


@dataclass(frozen=True, kw_only=True)
class ExpiredDataset:
    """What of one dataset is older than ``keep_days``: days before ``first_kept``."""

    dataset: str
    keep_days: int
    first_kept: dt.date
    keys: tuple[str, ...]
    days: tuple[dt.date, ...]
    size_bytes: int


def find_expired(keep_days: Mapping[str, int], as_of: dt.date, lake: Lake) -> tuple[ExpiredDataset, ...]:
    """Return what may go, by dataset: days before ``as_of - keep_days``.

    The newest day of a dataset always stays, and so does the list that ``latest`` names: a fleet that
    stopped reporting must not lose the last that is known of it.
    """
    found = []
    for dataset, n_days in sorted(keep_days.items()):
        first_kept = as_of - dt.timedelta(days=n_days)
        dated = [
            (day, item)
            for item in lake.store.list_keys(f"{dataset}/")
            if (day := day_of_key(item.key)) is not None
        ]
        newest = max((day for day, _ in dated), default=None)
        kept = {newest, *_pointed_at(dataset, lake)}
        expired = [(day, item) for day, item in dated if day < first_kept and day not in kept]
        found.append(
            ExpiredDataset(
                dataset=dataset,
                keep_days=n_days,
                first_kept=first_kept,
                keys=tuple(item.key for _, item in expired),
                days=tuple(sorted({day for day, _ in expired})),
                size_bytes=sum(item.size_bytes for _, item in expired),
            )
        )
    return tuple(found)


def delete_expired(expired: ExpiredDataset, lake: Lake) -> None:
    """Delete the objects, oldest first; stopped half-way, running again deletes the rest."""
    for key in sorted(expired.keys, key=lambda key: (day_of_key(key), key)):
        lake.store.delete(key)


def _pointed_at(dataset: str, lake: Lake) -> tuple[dt.date, ...]:
    if not ROOT.startswith(dataset):
        return ()
    latest = read_latest(lake)
    return () if latest is None else (latest.day,)
