"""How a list becomes visible: immutable editions, a manifest of digests, and a pointer that never goes back.

``published/at_risk_hosts/edition=D-<id>/`` holds what one run published for day D, and is never changed:
list.parquet, list.csv, report.html and manifest.json. The edition's id is the start of its manifest's
SHA-256. ``latest.json`` names one edition, in one conditional write, so a reader that goes by it sees
one list, whole, even while a day is published again. Copies under fixed names in ``day=D/`` are for
people and their bookmarks; the day's manifest.json there says which edition is the day's.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import MissingInputError, PermanentError, WriteLostError
from pipelines.lake import Lake

ROOT = "published/at_risk_hosts"
LATEST_KEY = f"{ROOT}/latest.json"
LIST_FILE, CSV_FILE, REPORT_FILE, MANIFEST_FILE = "list.parquet", "list.csv", "report.html", "manifest.json"
# People open these under the day's own name.
_COPIED = (CSV_FILE, REPORT_FILE)
_POINTER_ATTEMPTS = 20


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_json(self) -> bytes:
        """Return the document as JSON: same content, same bytes."""
        return (self.model_dump_json(indent=1) + "\n").encode()


Document = TypeVar("Document", bound=_Document)


class InputPartition(_Document):
    """One stored object that the list was made of; ``sha256`` is null where there was none, as for a missing day."""

    key: str
    sha256: str | None


class ContractVersion(_Document):
    """The form of one promise that the data was held to."""

    dataset: str
    version: str
    sha256: str


class UsedModel(_Document):
    """The scorer of one target. ``sha256`` is of the stored model, null for the declared rule."""

    target: str
    target_sha256: str
    model_id: str
    sha256: str | None


class PublishedFile(_Document):
    """A file of the edition, beside the manifest that names it."""

    name: str
    sha256: str
    size_bytes: int


class Manifest(_Document):
    """What a published list is, and all that it was made of; enough to make it again.

    ``outages``: what was not delivered or built, and whom the list says nothing about because of it.
    """

    format: int = 1
    day: dt.date
    environment: str
    list_length: int
    minimum_risk: float
    code_version: str
    settings_sha256: str
    models: tuple[UsedModel, ...]
    contracts: tuple[ContractVersion, ...]
    inputs: tuple[InputPartition, ...]
    predictions: InputPartition
    files: tuple[PublishedFile, ...]
    n_scored: int
    n_abstained: int
    n_listed: int
    outages: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Return the manifest as JSON; a day on which nothing was missing says nothing of outages.

        So its bytes, and with them the name of its edition, are those of releases that knew no outages.
        """
        left_out = None if self.outages else {"outages"}
        return (self.model_dump_json(indent=1, exclude=left_out) + "\n").encode()

    @property
    def edition(self) -> str:
        """The name of this edition: the start of the manifest's SHA-256."""
        return digest(self.to_json())[:12]

    @property
    def folder(self) -> str:
        """The key prefix of the edition's files, with the closing slash.

        As deep as the day's own folder, so that links out of the report hold in both.
        """
        return f"{ROOT}/edition={self.day.isoformat()}-{self.edition}/"

    def file(self, name: str) -> PublishedFile:
        """Return one file's entry; ``KeyError`` if the edition has no such file."""
        return {file.name: file for file in self.files}[name]


class Pointer(_Document):
    """What ``latest.json`` says: the newest published day and its edition."""

    day: dt.date
    manifest: str
    manifest_sha256: str
    list: str
    csv: str
    report: str


def digest(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hex."""
    return hashlib.sha256(data).hexdigest()


def day_folder(day: dt.date) -> str:
    """Return the key prefix of all that is published for one day, with the closing slash."""
    return f"{ROOT}/day={day.isoformat()}/"


def write_edition(manifest: Manifest, files: Mapping[str, bytes], lake: Lake) -> None:
    """Write an edition, its manifest last; until then nothing refers to it."""
    for name, data in files.items():
        lake.store.write(manifest.folder + name, data)
    lake.store.write(manifest.folder + MANIFEST_FILE, manifest.to_json())


def write_day_copies(manifest: Manifest, files: Mapping[str, bytes], lake: Lake) -> None:
    """Put the files under the day's fixed names; the day's manifest, last, says which edition is current.

    Where runs race for the same day, the copies end as those of one edition: whoever wrote last looks
    whether the manifest is still its own, and brings the copies in line with it if not.
    """
    folder = day_folder(manifest.day)
    for name in _COPIED:
        lake.store.write(folder + name, files[name])
    lake.store.write(folder + MANIFEST_FILE, manifest.to_json())
    current = manifest
    for _ in range(_POINTER_ATTEMPTS):
        _copy_where_different(current, lake)
        seen = read_day_manifest(manifest.day, lake)
        if seen == current:
            return
        current = seen
    raise WriteLostError(
        f"{lake.store.uri(folder)} was changed by other runs {_POINTER_ATTEMPTS} times in a row. Every edition "
        f"is whole; the copies there may be of several. Run again: prefail publish --day {manifest.day}",
        day=manifest.day.isoformat(),
    )


def _copy_where_different(manifest: Manifest, lake: Lake) -> None:
    for name in _COPIED:
        key = day_folder(manifest.day) + name
        if digest(lake.store.read(key)) != manifest.file(name).sha256:
            lake.store.write(key, read_file(manifest, name, lake))


def move_latest(manifest: Manifest, lake: Lake) -> bool:
    """Point ``latest.json`` at an edition unless it names a later day; return whether it now names this one.

    Somebody else's pointer is never overwritten unseen: each write holds only if the pointer is the
    one that was compared. The same edition again writes nothing.
    """
    pointer = Pointer(
        day=manifest.day,
        manifest=manifest.folder + MANIFEST_FILE,
        manifest_sha256=digest(manifest.to_json()),
        list=manifest.folder + LIST_FILE,
        csv=manifest.folder + CSV_FILE,
        report=manifest.folder + REPORT_FILE,
    )
    for _ in range(_POINTER_ATTEMPTS):
        try:
            if not lake.store.exists(LATEST_KEY):
                lake.store.write(LATEST_KEY, pointer.to_json(), if_absent=True)
                return True
            data, etag = lake.store.read_with_etag(LATEST_KEY)
            current = _parse(Pointer, data, LATEST_KEY, lake)
            if current.day > manifest.day:
                return False
            if current != pointer:
                lake.store.write(LATEST_KEY, pointer.to_json(), if_match=etag)
            return True
        except WriteLostError:
            continue
    raise WriteLostError(
        f"{lake.store.uri(LATEST_KEY)} was changed by other runs {_POINTER_ATTEMPTS} times in a row. "
        f"The list of {manifest.day} is written; latest still names another. "
        f"Run again: prefail publish --day {manifest.day}",
        day=manifest.day.isoformat(),
    )


def read_latest(lake: Lake) -> Manifest | None:
    """Return the manifest of the newest published list, null if none was ever published."""
    if not lake.store.exists(LATEST_KEY):
        return None
    pointer = _parse(Pointer, lake.store.read(LATEST_KEY), LATEST_KEY, lake)
    manifest = read_manifest(pointer.manifest, lake)
    if digest(manifest.to_json()) != pointer.manifest_sha256:
        raise _changed(pointer.manifest, pointer.day, lake)
    return manifest


def read_day_manifest(day: dt.date, lake: Lake) -> Manifest:
    """Return the manifest of a day's current edition; ``MissingInputError`` if the day was not published."""
    key = day_folder(day) + MANIFEST_FILE
    try:
        return read_manifest(key, lake)
    except MissingInputError as missing:
        raise MissingInputError(
            f"No list of {day} was published: {lake.store.uri(key)} does not exist. "
            f"Run: prefail publish --day {day}",
            day=day.isoformat(),
        ) from missing


def read_manifest(key: str, lake: Lake) -> Manifest:
    """Return one manifest by its key; ``PermanentError`` if it is not one."""
    return _parse(Manifest, lake.store.read(key), key, lake)


def read_file(manifest: Manifest, name: str, lake: Lake) -> bytes:
    """Return a file of the edition; ``PermanentError`` if it is not what the manifest says."""
    key = manifest.folder + name
    data = lake.store.read(key)
    if digest(data) != manifest.file(name).sha256:
        raise _changed(key, manifest.day, lake)
    return data


def _parse(kind: type[Document], data: bytes, key: str, lake: Lake) -> Document:
    try:
        return kind.model_validate_json(data)
    except ValidationError as invalid:
        raise PermanentError(
            f"{lake.store.uri(key)} is not a {kind.__name__.lower()} of a published list "
            f"({invalid.error_count()} problems, first: {invalid.errors()[0]['msg']}). Nothing was changed. "
            "Publish the day again: prefail publish --day <day>",
            key=key,
        ) from invalid


def _changed(key: str, day: dt.date, lake: Lake) -> PermanentError:
    return PermanentError(
        f"{lake.store.uri(key)} was changed after it was published. It was not used. "
        f"See what differs: prefail verify --day {day}; publish again: prefail publish --day {day}",
        key=key,
        day=day.isoformat(),
    )
