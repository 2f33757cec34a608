"""Which series mean what: the catalogues of ``pipelines/sources/metric_catalogue``, read and checked.

Adding an exporter is one YAML file there, or one of the user's own (``catalogue_files`` of a source).
"""

import functools
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.errors import ConfigError

FOLDER = Path(__file__).parents[1] / "sources" / "metric_catalogue"

Aggregation = Literal["min", "max", "mean", "last", "increase"]
ComponentKind = Literal["drive", "dimm", "gpu", "psu", "fan", "nic", "host"]
Labels = Mapping[str, str]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeriesChoice(_Section):
    """Which series: a metric's name, and regular expressions that labels match as a whole."""

    metric: str = Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:\[\]+.*|-]*$")
    is_pattern: bool = False
    where: Mapping[str, str] = {}


class MetricEntry(SeriesChoice):
    """One signal of one kind of part, and what of a day is kept."""

    signal: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["gauge", "counter"]
    unit: str
    aggregations: tuple[Aggregation, ...] = Field(min_length=1)
    component_kind: ComponentKind = "host"
    component: tuple[str, ...] = ("{host}",)
    series: tuple[str, ...] = ()
    last_of_several: Literal["max", "sum"] = "max"

    @model_validator(mode="after")
    def _only_counters_increase(self) -> "MetricEntry":
        if self.kind == "gauge" and "increase" in self.aggregations:
            raise ValueError(f"{self.signal}: a gauge has no increase")
        return self


class InventoryEntry(SeriesChoice):
    """The series whose labels say that a part is there; ``slot`` and ``model`` are labels."""

    component_kind: ComponentKind
    component: tuple[str, ...]
    slot: str | None = None
    model: str | None = None


class DriveLabels(SeriesChoice):
    """The series whose labels say which drive a device is."""

    device: str
    serial_number: tuple[str, ...]
    model: tuple[str, ...]
    firmware: tuple[str, ...]
    protocol: str | None


class ColumnByLabel(_Section):
    """The column by the value of a label; a value that is not listed is not kept."""

    label: str
    columns: Mapping[str, str]


class ReadingEntry(SeriesChoice):
    """One series that fills a column of raw_drive_smart."""

    column: str | None = None
    column_by: ColumnByLabel | None = None
    protocols: tuple[str, ...] = ()
    divide_by: int = Field(default=1, ge=1)
    # Prometheus keeps every value as a double, which holds each integer up to here only.
    exact_below: int = Field(default=1 << 53, le=1 << 53)
    adds_up: bool = False
    zero_is_unknown: bool = False

    @model_validator(mode="after")
    def _one_way_to_the_column(self) -> "ReadingEntry":
        if (self.column is None) == (self.column_by is None):
            raise ValueError(f"{self.metric}: either column or column_by")
        return self


class Catalogue(_Section):
    """What one exporter's series mean. ``presence_metric`` is there whenever the exporter answers."""

    exporter: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    host_labels: tuple[str, ...] = Field(min_length=1)
    presence_metric: str
    metrics: tuple[MetricEntry, ...] = ()
    inventory: InventoryEntry | None = None
    drive: DriveLabels | None = None
    readings: tuple[ReadingEntry, ...] = ()

    @model_validator(mode="after")
    def _says_something_once(self) -> "Catalogue":
        if not self.metrics and not self.readings:
            raise ValueError("neither metrics nor readings")
        if (self.drive is None) != (not self.readings):
            raise ValueError("drive and readings go together")
        names = [(entry.component_kind, entry.signal) for entry in self.metrics]
        if doubled := sorted(
            {f"{kind} {signal}" for kind, signal in names if names.count((kind, signal)) > 1}
        ):
            raise ValueError(f"signals are named twice: {', '.join(doubled)}")
        return self


def list_catalogues() -> tuple[str, ...]:
    """Return the exporters that have a shipped catalogue."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@functools.cache
def load_catalogue(exporter: str) -> Catalogue:
    """Return the shipped catalogue of ``exporter``."""
    return read_catalogue(FOLDER / f"{exporter}.yaml")


def read_catalogue(path: Path) -> Catalogue:
    """Return the catalogue in ``path``; ``ConfigError`` names everything that is wrong with it."""
    try:
        return Catalogue.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(
            f"{path} can't be read: {error.strerror}. Nothing was read.", path=str(path)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise ConfigError(
            f"{path.name} is not valid YAML: {broken}. Nothing was read.", path=str(path)
        ) from broken
    except ValidationError as invalid:
        problems = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in invalid.errors()]
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(
            f"{path.name} is no catalogue of metrics:\n{listed}\nNothing was read. "
            "Write it like those in pipelines/sources/metric_catalogue.",
            path=str(path),
            problems=tuple(problems),
        ) from invalid


@functools.cache
def label_names(template: str) -> tuple[str, ...]:
    """Return the labels that a template asks for."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(template) if name)


def fill_template(templates: tuple[str, ...], labels: Labels, host: str) -> str | None:
    """Return the first template whose labels are all there, filled in; None if none is."""
    for template in templates:
        if all(name == "host" or labels.get(name) for name in label_names(template)):
            return template.format_map({**labels, "host": host})
    return None
