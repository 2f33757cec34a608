"""Which layout a lake and its registry have, and whether this release can read it.

``format.json`` at the lake's root says it: two numbers, and the release that wrote them. A number goes
up when an older release could no longer read what a newer one writes; a new dataset or a new nullable
column is no new format.
"""

import json
from dataclasses import dataclass
from importlib import metadata

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.code_version import DISTRIBUTION
from pipelines.errors import LakeFormatError, MissingInputError, WriteLostError
from pipelines.lake import Lake

FORMAT_KEY = "format.json"
LAKE_FORMAT = 1
REGISTRY_FORMAT = 1
# A lake without format.json: written before there was one, laid out as format 1 is.
_UNMARKED = 0


class LakeFormat(BaseModel):
    """What ``format.json`` says. ``release`` is the one that wrote the file."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # a newer release may say more

    lake: int = Field(ge=0)
    registry: int = Field(ge=0)
    release: str


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What ``prefail lake upgrade`` did; nothing where ``before`` is the present format."""

    before: LakeFormat
    after: LakeFormat

    @property
    def summary(self) -> str:
        """Return one line of facts."""
        verb = "unchanged:" if self.before == self.after else "upgraded:"
        return (
            f"{verb} lake={self.before.lake}->{self.after.lake} "
            f"registry={self.before.registry}->{self.after.registry}"
        )


def read_format(lake: Lake) -> LakeFormat:
    """Return the lake's format; 0 where nothing is marked, an empty lake included."""
    try:
        data = lake.store.read(FORMAT_KEY)
    except MissingInputError:
        return LakeFormat(lake=_UNMARKED, registry=_UNMARKED, release="")
    try:
        return LakeFormat.model_validate(json.loads(data))
    except (ValidationError, ValueError) as damaged:
        raise LakeFormatError(
            f"{lake.store.uri(FORMAT_KEY)} is not what a release of Prefail writes: {damaged}. Nothing was read or "
            "written. Bring the former version of that object back (the bucket keeps it), or, if you know that "
            "this release wrote the lake, delete it and run: prefail lake upgrade",
            key=FORMAT_KEY,
        ) from damaged


def require_known_format(lake: Lake) -> Lake:
    """Return the lake if this release can read and write it; ``LakeFormatError`` otherwise."""
    found = read_format(lake)
    if found.lake <= LAKE_FORMAT and found.registry <= REGISTRY_FORMAT:
        return lake
    ours = metadata.version(DISTRIBUTION)
    raise LakeFormatError(
        f"{lake.store.root} has lake format {found.lake} and registry format {found.registry}; release {ours} knows "
        f"them up to {LAKE_FORMAT} and {REGISTRY_FORMAT}. Nothing was read or written. Go on with the release that "
        f"wrote it, {found.release}, or a later one: pip install 'prefail>={found.release}'",
        lake_format=found.lake,
        registry_format=found.registry,
        release=found.release,
    )


def mark_format(lake: Lake) -> None:
    """Write ``format.json`` if there is none; the first step that writes to a lake does this."""
    if not lake.store.exists(FORMAT_KEY):
        _write_present_format(lake)


def upgrade_lake(lake: Lake) -> Upgrade:
    """Bring an older lake to the present format; run again, it changes nothing.

    From 0 to 1 no object changes: the lake is only marked. Lists that were published stay as they are.
    """
    before = read_format(require_known_format(lake))
    if (before.lake, before.registry) != (LAKE_FORMAT, REGISTRY_FORMAT):
        _write_present_format(lake)
    return Upgrade(before=before, after=read_format(lake))


def _write_present_format(lake: Lake) -> None:
    ours = LakeFormat(lake=LAKE_FORMAT, registry=REGISTRY_FORMAT, release=metadata.version(DISTRIBUTION))
    try:
        lake.write_json(FORMAT_KEY, ours.model_dump(mode="json"), if_absent=True)
    except WriteLostError:
        # Another run was first; if it was of a newer release, this one must stop.
        require_known_format(lake)
