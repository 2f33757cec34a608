"""Read an export of another system, CSV with a header or JSON, in bounded memory, cell by cell as text."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from pipelines.errors import SourceError, TransientError
from pipelines.sources.archives import stat_key
from pipelines.sources.source import SourceOptions

MAX_FILE_BYTES = 512 << 20
FileVersion = tuple[int, int, int]


class ExportOptions(SourceOptions):
    """Which file, and what it calls its columns; ``fields`` are those that the kind knows."""

    fields: ClassVar[tuple[str, ...]]

    path: str = Field(description="CSV, JSON or JSON-lines file; relative to the config file.")
    columns: Mapping[str, str] = Field(
        default={}, description="The file's own names of columns, by ours: {host_id = 'hostname'}."
    )

    @field_validator("columns")
    @classmethod
    def _are_fields(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if unknown := sorted(set(value) - set(cls.fields)):
            raise ValueError(f"no such field: {', '.join(unknown)}; there are {', '.join(cls.fields)}")
        return value


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that can't be read, and why."""

    reason: str
    example: str


def find_version(path: Path) -> FileVersion:
    """Return what changes when the file is written or replaced; ``SourceError`` if there is none."""
    try:
        return stat_key(path.stat())
    except FileNotFoundError as missing:
        raise SourceError(
            f"{path} does not exist. Nothing was read. Correct the source's path.", path=str(path)
        ) from missing
    except OSError as error:
        raise _unreadable(path, error) from error


def read_version(path: Path, version: FileVersion) -> bytes:
    """Return the bytes of that version of the file; ``TransientError`` if it is another by now."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        is_same = stat_key(path.stat()) == version
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(
            f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB. Nothing was read.", path=str(path)
        )
    if not is_same:
        raise TransientError(f"{path} changed while it was read. Nothing was written. Re-run that day.")
    return data


def read_records(data: bytes, name: str, what: str) -> Iterator[Mapping[str, object]]:
    """Yield each record: of CSV, of a JSON list of objects, or of one JSON object a line.

    ``what`` is what the file is an export of. ``SourceError`` if the whole can't be read.
    """
    is_json = name.endswith((".json", ".jsonl", ".ndjson"))
    return _read_json(data, name, what) if is_json else _read_csv(data, name, what)


def read_text(value: object) -> str:
    """Return a cell as text without space around it, "" for an empty one."""
    return "" if value is None else str(value).strip()


def read_moment(text: str, field: str) -> dt.datetime | None:
    """A date means its first instant in UTC; a time without zone is UTC. ``ValueError`` if it is neither."""
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{field} is no ISO date") from None


def _read_csv(data: bytes, name: str, what: str) -> Iterator[Mapping[str, object]]:
    text = _decode(data, name, what)
    try:
        # strict: a quote that is never closed would swallow the rest of the file as one cell.
        for record in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            yield {key: value for key, value in record.items() if key is not None}
    except csv.Error as broken:
        raise SourceError(
            f"{name} is not valid CSV: {broken}. Nothing was read. Export the {what} anew.", file=name
        ) from broken


def _read_json(data: bytes, name: str, what: str) -> Iterator[Mapping[str, object]]:
    text = _decode(data, name, what)
    try:
        documents = (
            json.loads(text)
            if name.endswith(".json")
            else [json.loads(x) for x in text.splitlines() if x.strip()]
        )
    except (ValueError, RecursionError) as broken:
        raise SourceError(
            f"{name} is not valid JSON: {broken}. Nothing was read. Export the {what} anew.", file=name
        ) from broken
    if not isinstance(documents, list) or not all(isinstance(each, dict) for each in documents):
        raise SourceError(
            f"{name} is not a list of objects. Nothing was read. Export one object a part.", file=name
        )
    yield from documents


def _decode(data: bytes, name: str, what: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        raise SourceError(
            f"{name} is not UTF-8 (byte {broken.start:,}). Nothing was read. Export the {what} as UTF-8.",
            file=name,
        ) from broken


def _unreadable(path: Path, error: OSError) -> TransientError:
    return TransientError(
        f"{path} could not be read: {error.strerror}. Nothing was written. Re-run that day.", path=str(path)
    )
