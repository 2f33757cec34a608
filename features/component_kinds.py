"""Component kinds as data: which raw_ rows make a component's day, ``component_kinds/<kind>.yaml``, and how.

Adding a kind is one file there and a contract of its dataset; nothing else knows its name.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.shards import component_keys

FOLDER = Path(__file__).with_name("component_kinds")

UNKNOWN_MODEL = "unknown"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RowSource(_Section):
    """Rows whose columns have one of the given values; their ``column``, put together per component."""

    dataset: str = Field(pattern=r"^raw_[a-z_]+$")
    where: Mapping[str, tuple[str, ...]]
    column: str
    across: Literal["sum", "max", "min", "mean"]


class KindSignal(_Section):
    """One column of a kind's dataset. A value above ``upper_bound`` (in ``unit``) is a glitch."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["counter", "gauge"]
    unit: str
    upper_bound: int = Field(gt=0)
    source: RowSource
    absent: Literal[0] | None = None  # for components with any row in the dataset


class ComponentKind(_Section):
    """One kind of component whose days are made of raw_ rows. ``identity`` is the column that names it."""

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    dataset: str = Field(pattern=r"^core_[a-z0-9_]+_days$")
    identity: Literal["host_id", "component_id"]
    signals: tuple[KindSignal, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "ComponentKind":
        names = [signal.name for signal in self.signals]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"signals are named twice: {', '.join(doubled)}")
        return self

    @property
    def raw_datasets(self) -> tuple[str, ...]:
        """Return the raw_ datasets that the kind reads, in the order of its signals."""
        return tuple(dict.fromkeys(signal.source.dataset for signal in self.signals))


@dataclass(frozen=True, kw_only=True)
class ComponentDays:
    """``table``: the kind's core_ dataset, one row per component, sorted by component_key."""

    table: pa.Table
    n_glitches: int


def list_component_kinds() -> tuple[str, ...]:
    """Return the kinds that are declared as data, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@functools.cache
def load_component_kind(name: str) -> ComponentKind:
    """Return the declaration of a kind."""
    return read_component_kind(FOLDER / f"{name}.yaml")


def read_component_kind(path: Path) -> ComponentKind:
    """Return the declaration in a file."""
    return ComponentKind.model_validate(yaml.safe_load(path.read_text("utf-8")))


def make_component_days(
    kind: ComponentKind, raw: Mapping[str, pa.Table], inventory: pa.Table | None = None
) -> ComponentDays:
    """Return a day of a kind from the day's raw_ tables, by dataset; one that is absent gives nulls.

    One row per component that any of the signals' rows names. ``inventory`` (raw_inventory, one row per
    component_id) says models and, of parts, hosts. known_at is that of the latest row that was used.
    """
    chosen = [_choose(kind, signal, raw) for signal in kind.signals]
    named = [rows.select(["id", "host_id", "known_at"]) for rows in chosen if rows is not None]
    components = pa.concat_tables(named) if named else _NOBODY
    grouped = components.group_by("id", use_threads=False).aggregate(
        [("host_id", "min"), ("known_at", "max")]
    )
    ids = grouped["id"].combine_chunks()
    keys = component_keys(ids)
    columns: dict[str, pa.Array] = {
        "component_key": pa.array(keys, pa.uint64()),
        "component_id": ids,
        "model": pc.fill_null(_from_inventory(ids, inventory, "model"), UNKNOWN_MODEL),
        "host_id": pc.coalesce(
            _from_inventory(ids, inventory, "host_id"), grouped["host_id_min"].combine_chunks()
        ),
        "capacity_bytes": pa.nulls(len(ids), pa.int64()),
    }
    n_glitches = 0
    for signal, rows in zip(kind.signals, chosen, strict=True):
        is_filled = rows is not None and signal.absent == 0
        delivered = raw[signal.source.dataset][kind.identity] if is_filled else None
        columns[signal.name], n = _signal_column(signal, rows, ids, delivered)
        n_glitches += n
    columns["known_at"] = grouped["known_at_max"].combine_chunks()
    order = pa.array(np.argsort(keys, kind="stable"))
    return ComponentDays(table=pa.table(columns).take(order), n_glitches=n_glitches)


_NOBODY = pa.table(
    {
        "id": pa.array([], pa.string()),
        "host_id": pa.array([], pa.string()),
        "known_at": pa.array([], pa.timestamp("us", tz="UTC")),
    }
)


def _choose(kind: ComponentKind, signal: KindSignal, raw: Mapping[str, pa.Table]) -> pa.Table | None:
    """Return the signal's rows: id, host_id, value, known_at; None where the dataset was not delivered."""
    table = raw.get(signal.source.dataset)
    if table is None:
        return None
    for column, values in signal.source.where.items():
        table = table.filter(pc.is_in(table[column], value_set=pa.array(values, pa.string())))
    return pa.table(
        {
            "id": table[kind.identity],
            "host_id": table["host_id"],
            "value": table[signal.source.column].cast(pa.float64()),
            "known_at": table["known_at"],
        }
    )


def _signal_column(
    signal: KindSignal, rows: pa.Table | None, ids: pa.Array, delivered: pa.ChunkedArray | None
) -> tuple[pa.Array, int]:
    """Return the signal of each component, and how many were reported but are not believable.

    Components in ``delivered`` have 0 where they have no row.
    """
    type_ = pa.int64() if signal.kind == "counter" else pa.float32()
    if rows is None:
        return pa.nulls(len(ids), type_), 0
    grouped = rows.group_by("id", use_threads=False).aggregate([("value", signal.source.across)])
    at = pc.index_in(ids, value_set=grouped["id"].combine_chunks())
    values = grouped[f"value_{signal.source.across}"].combine_chunks().take(at)
    if delivered is not None:
        is_delivered = pc.is_in(ids, value_set=delivered.combine_chunks())
        values = pc.if_else(pc.and_(pc.is_null(values), is_delivered), 0.0, values)
    believable = pc.and_(pc.is_finite(values), pc.less_equal(values, float(signal.upper_bound)))
    if signal.kind == "counter":
        believable = pc.and_(believable, pc.greater_equal(values, 0.0))
    kept = pc.if_else(believable, values, pa.scalar(None, pa.float64()))
    n_glitches = kept.null_count - values.null_count
    return (pc.round(kept) if signal.kind == "counter" else kept).cast(type_), n_glitches


def _from_inventory(ids: pa.Array, inventory: pa.Table | None, column: str) -> pa.Array:
    if inventory is None or inventory.num_rows == 0:
        return pa.nulls(len(ids), pa.string())
    at = pc.index_in(ids, value_set=inventory["component_id"].combine_chunks())
    return inventory[column].combine_chunks().take(at)
