"""Compare two published at-risk lists: who came, who left, who moved."""

import datetime as dt
import io
from dataclasses import dataclass

import pyarrow.parquet as pq

from pipelines.lake import Lake
from pipelines.published_list import LIST_FILE, read_day_manifest, read_file


@dataclass(frozen=True, kw_only=True)
class ListChange:
    """One component whose place or risk differs; None where it is not on that list."""

    component_id: str
    target: str
    host_id: str
    old_rank: int | None
    new_rank: int | None
    old_risk: float | None
    new_risk: float | None

    @property
    def kind(self) -> str:
        """Return ``came``, ``left`` or ``moved``."""
        return "came" if self.old_rank is None else "left" if self.new_rank is None else "moved"


@dataclass(frozen=True, kw_only=True)
class ListDiff:
    """The changes in order of the new rank, those that left last; ``n_same`` entries differ in nothing."""

    old_day: dt.date
    new_day: dt.date
    changes: tuple[ListChange, ...]
    n_same: int
    is_other_model: bool


def diff_lists(old_day: dt.date, new_day: dt.date, lake: Lake) -> ListDiff:
    """Compare the current editions of two days; ``MissingInputError`` if one was not published."""
    old_manifest, new_manifest = read_day_manifest(old_day, lake), read_day_manifest(new_day, lake)
    old, new = (_read_entries(read_file(m, LIST_FILE, lake)) for m in (old_manifest, new_manifest))
    changes = []
    n_same = 0
    for key in {**new, **old}:
        before, after = old.get(key), new.get(key)
        host_id = (after or before or ("", 0, 0.0))[0]
        if before is not None and after is not None and before[1:] == after[1:]:
            n_same += 1
            continue
        changes.append(
            ListChange(
                component_id=key[0],
                target=key[1],
                host_id=host_id,
                old_rank=None if before is None else before[1],
                new_rank=None if after is None else after[1],
                old_risk=None if before is None else before[2],
                new_risk=None if after is None else after[2],
            )
        )
    last = len(new) + len(old) + 1
    changes.sort(key=lambda change: (change.new_rank or last, change.old_rank or 0, change.component_id))
    used = [{model.model_id for model in manifest.models} for manifest in (old_manifest, new_manifest)]
    return ListDiff(
        old_day=old_day,
        new_day=new_day,
        changes=tuple(changes),
        n_same=n_same,
        is_other_model=used[0] != used[1],
    )


def _read_entries(data: bytes) -> dict[tuple[str, str], tuple[str, int, float]]:
    rows = pq.read_table(io.BytesIO(data)).to_pylist()
    return {
        (row["component_id"], row["target"]): (row["host_id"], int(row["rank"]), float(row["risk"]))
        for row in rows
    }
