"""Component kinds as data: which raw_ rows make a component's day, ``component_kinds/<kind>.yaml``, and how.

Adding a kind is one file there and a contract of its dataset; nothing else knows its name.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.feature_names import MAX_WINDOW_DAYS

FOLDER = Path(__file__).with_name("component_kinds")

# Which column of a raw_ dataset says what a part is called; the first that it has.
HINTS = ("component_id", "component_hint")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RowSource(_Section):
    """Rows whose columns have one of the given values; their ``column``, put together per component.

    With ``new_to``, only values count that the fleet, or the row's host, did not show in the days before.
    """

    dataset: str = Field(pattern=r"^raw_[a-z_]+$")
    where: Mapping[str, tuple[str, ...]]
    column: str
    across: Literal["sum", "max", "min", "mean", "count_distinct"]
    new_to: Literal["fleet", "host"] | None = None

    @model_validator(mode="after")
    def _new_values_are_counted(self) -> "RowSource":
        if self.new_to is not None and self.across != "count_distinct":
            raise ValueError(f"new_to: {self.new_to} needs across: count_distinct, not {self.across}")
        return self


class KindSignal(_Section):
    """One column of a kind's dataset. A value above ``upper_bound`` (in ``unit``) is a glitch.

    ``shown_as``: what people call it, where the name says too little; ``is_moment``: a Unix time, of which
    people are told how many days ago it was.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["counter", "gauge"]
    unit: str
    upper_bound: int = Field(gt=0)
    source: RowSource
    absent: Literal[0] | None = None  # for components whose host has any row in the dataset
    shown_as: str | None = Field(default=None, pattern=r"^[A-Z][^\n]{2,60}$")
    is_moment: bool = False


class ComponentKind(_Section):
    """One kind of component whose days are made of raw_ rows.

    ``identity``: the host itself, or a part of it, which ``event_components`` finds in the inventory by
    ``labels`` (expressions) and ``place_columns``. ``out_after_failure_days``: for so many days after a
    failure, its own included, the component is not scored. What is named by its place is back when it is
    repaired, under the same name; what is named by its serial number never is.
    """

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    dataset: str = Field(pattern=r"^core_[a-z0-9_]+_days$")
    identity: Literal["host_id", "component_id"]
    labels: tuple[str, ...] = ()
    place_columns: tuple[str, ...] = ()
    out_after_failure_days: int = Field(default=MAX_WINDOW_DAYS, ge=0, le=MAX_WINDOW_DAYS)
    signals: tuple[KindSignal, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _labels_name_places(self) -> "ComponentKind":
        for form in self.labels:
            try:
                has_names = bool(re.compile(form).groupindex)
            except re.error as wrong:
                raise ValueError(f"label {form!r} is no regular expression: {wrong}") from wrong
            if not has_names:
                raise ValueError(f"label {form!r} has no named group that says a place")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> "ComponentKind":
        names = [signal.name for signal in self.signals]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"signals are named twice: {', '.join(doubled)}")
        return self

    def columns_of(self, dataset: str) -> frozenset[str]:
        """Return the columns of a raw_ dataset that the kind's days depend on."""
        sources = [signal.source for signal in self.signals if signal.source.dataset == dataset]
        named = {source.column for source in sources} | {name for source in sources for name in source.where}
        of_parts = (
            {*HINTS, "component_kind", *self.place_columns} if self.identity == "component_id" else set()
        )
        return frozenset({"host_id", "known_at"} | named | of_parts)

    @property
    def label_forms(self) -> tuple[re.Pattern[str], ...]:
        """Return ``labels`` as expressions that take upper and lower case alike."""
        return tuple(re.compile(form, re.IGNORECASE) for form in self.labels)

    @property
    def raw_datasets(self) -> tuple[str, ...]:
        """Return the raw_ datasets that the kind reads, in the order of its signals."""
        return tuple(dict.fromkeys(signal.source.dataset for signal in self.signals))


def days_out_after_failure(name: str) -> int:
    """Return ``out_after_failure_days`` of a kind; of drives, which are no declared kind, the longest."""
    declared = find_component_kind(name)
    return MAX_WINDOW_DAYS if declared is None else declared.out_after_failure_days


def list_component_kinds() -> tuple[str, ...]:
    """Return the kinds that are declared as data, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def find_component_kind(name: str) -> ComponentKind | None:
    """Return a declaration; None for drives, which are decoded, and for kinds that nobody declared."""
    return load_component_kind(name) if name in list_component_kinds() else None


@functools.cache
def load_component_kind(name: str) -> ComponentKind:
    """Return the declaration of a kind."""
    return read_component_kind(FOLDER / f"{name}.yaml")


def read_component_kind(path: Path) -> ComponentKind:
    """Return the declaration in a file."""
    return ComponentKind.model_validate(yaml.safe_load(path.read_text("utf-8")))
