"""What a source is, and which kinds there are: adding one is one new module in this folder."""

import datetime as dt
import difflib
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

import pipelines.sources
from pipelines.errors import ConfigError, MissingInputError


class SourceOptions(BaseModel):
    """Base of every kind's ``Options``: unknown names are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """One file that was read. ``sha256`` is of the bytes on disk, so a changed file is noticed later."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Input that gave no row, why, how often, and one example to look at."""

    reason: str
    count: int
    example: str


class LeftOutCounter:
    """Counts what gives no row, by reason, with the first of each as an example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, reason: str, example: str) -> None:
        """Count one."""
        self._counts[reason] += 1
        self._examples.setdefault(reason, example)

    def entries(self) -> tuple[LeftOut, ...]:
        """Return what was counted, by reason."""
        return tuple(
            LeftOut(reason=reason, count=count, example=self._examples[reason])
            for reason, count in sorted(self._counts.items())
        )


def list_in_words(left_out: Sequence[LeftOut]) -> str:
    """Return the entries as one line of a log."""
    return "; ".join(f"{each.count} × {each.reason} ({each.example})" for each in left_out)


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """What a source delivers of one raw_ dataset for one day, typed, not yet checked by a contract.

    ``table`` has every column of the dataset in the contract's order; what the source does not
    know is null.
    """

    dataset: str
    table: pa.Table
    inputs: tuple[InputFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class SourceKind(Protocol):
    """What a module of this folder offers. ``options`` is an instance of its own ``Options``.

    A module may also offer ``list_inputs(options, day, base_folder)``: what ``read_day`` would name as
    inputs now, without making rows of it (``TracksInputs``).
    """

    Options: type[SourceOptions]

    def read_day(self, options: BaseModel, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
        """Yield the raw tables of ``day``.

        ``MissingInputError`` if there is nothing of that day, ``SourceError`` if what is there can't
        be read as what it claims to be, ``TransientError`` if it changed while it was read.
        """
        ...

    def list_days(self, options: BaseModel, base_folder: Path) -> list[dt.date]:
        """Return the days that the source has, ascending."""
        ...


@runtime_checkable
class TracksInputs(Protocol):
    """A kind that can say cheaply what a day is made of."""

    def list_inputs(self, options: BaseModel, day: dt.date, base_folder: Path) -> tuple[InputFile, ...]:
        """Return the inputs of ``day`` as they are now; empty if there are none any more."""
        ...


def current_inputs(
    kind: SourceKind, options: BaseModel, day: dt.date, base_folder: Path
) -> tuple[InputFile, ...]:
    """Return what the kind would read for ``day`` now; empty where nothing of the day is there any more."""
    if isinstance(kind, TracksInputs):
        return kind.list_inputs(options, day, base_folder)
    try:
        delivered = list(kind.read_day(options, day, base_folder))
    except MissingInputError:
        return ()
    return tuple(dict.fromkeys(file for raw in delivered for file in raw.inputs))


def list_source_kinds() -> tuple[str, ...]:
    """Return the names of all kinds, sorted."""
    names = (module.name for module in pkgutil.iter_modules(pipelines.sources.__path__))
    return tuple(sorted(name for name in names if hasattr(_import(name), "Options")))


def load_source_kind(kind: str) -> SourceKind:
    """Return the module of ``kind``; ``ConfigError`` if there is none."""
    if problems := _problems_of_kind(kind):
        raise ConfigError(f"{problems[0]}. Nothing was read.", kind=kind)
    return cast(SourceKind, _import(kind))


def validate_source_options(kind: str, options: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the options of a source, one line each; an empty list if nothing is."""
    if problems := _problems_of_kind(kind):
        return problems
    wanted = load_source_kind(kind).Options
    try:
        wanted.model_validate(dict(options))
    except ValidationError as invalid:
        known = [name for name in wanted.model_fields if name not in options]
        return [_describe(kind, e["type"], e["loc"], e["msg"], known) for e in invalid.errors()]
    return []


def _import(name: str) -> object:
    return importlib.import_module(f"pipelines.sources.{name}")


def _problems_of_kind(kind: str) -> list[str]:
    kinds = list_source_kinds()
    if kind in kinds:
        return []
    return [f"kind = {kind!r} is not a kind of source; {_suggest(kind, kinds)}"]


def _suggest(name: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"valid names: {', '.join(sorted(known))}"


def _describe(kind: str, error: str, place: tuple[int | str, ...], message: str, known: list[str]) -> str:
    name = ".".join(str(part) for part in place) or "options"
    if error == "extra_forbidden":
        return f"{name} is not an option of {kind}; {_suggest(name, known)}"
    if error == "missing":
        return f"{name} is missing: {kind} needs it"
    return f"{name}: {message[:1].lower()}{message[1:]}"
