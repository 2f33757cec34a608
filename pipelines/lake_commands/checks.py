"""Find what is wrong with a lake: gaps, orphans, wrong digests, unreadable or needlessly small files."""

import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.loader import list_contracts
from pipelines.errors import ModelRefusedError, PermanentError
from pipelines.lake import Lake
from pipelines.lake_commands.survey import DatasetUsage, dataset_of_key, summarize
from pipelines.model_card import read_card
from pipelines.object_store import ObjectInfo
from pipelines.published_list import MANIFEST_FILE, ROOT, Manifest, read_manifest

Severity = Literal["problem", "note"]

_SMALL_BYTES = 1_000_000
_MANY_SMALL = 365
_KNOWN_FOLDERS = frozenset(
    {
        "quarantine",
        "verdicts",
        "published",
        "registry",
        "models",
        "backtests",
        "data_docs",
        "ingested",
        "cache",
        "tickets",
        "compacted",
        "format.json",
    }
)
_EDITION = re.compile(rf"{ROOT}/edition=[^/]+/")
_MODEL = re.compile(r"models/([^/]+)/(.+)")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to know. A problem is wrong; a note may be on purpose."""

    severity: Severity
    check: str
    where: str
    what: str


@dataclass(frozen=True, kw_only=True)
class LakeCheck:
    """All findings, and how much was looked at."""

    findings: tuple[Finding, ...]
    n_objects: int
    n_digests: int

    @property
    def n_problems(self) -> int:
        """Return how many findings are wrong beyond doubt."""
        return sum(finding.severity == "problem" for finding in self.findings)


def check_lake(lake: Lake, *, read_all: bool = False) -> LakeCheck:
    """Check the whole lake; nothing is written.

    Lists and models have their digests checked; with ``read_all`` every Parquet file is read, too,
    and every input that a list names is compared with it.
    """
    items = list(lake.store.list_keys(""))
    known = {item.key for item in items}
    checked: set[str] = set()
    findings = [
        *_find_gaps(summarize(items)),
        *_find_orphans(items, known),
        *_check_editions(lake, known, checked, read_all=read_all),
        *_check_models(lake, known, checked),
        *(_check_files(lake, items) if read_all else ()),
        *_find_small_files(items),
    ]
    order = {"problem": 0, "note": 1}
    findings.sort(key=lambda finding: (order[finding.severity], finding.check, finding.where))
    return LakeCheck(findings=tuple(findings), n_objects=len(items), n_digests=len(checked))


def _find_gaps(datasets: tuple[DatasetUsage, ...]) -> Iterator[Finding]:
    for usage in datasets:
        if not usage.days or "/" in usage.dataset:
            continue
        present = set(usage.days)
        n_days = (usage.days[-1] - usage.days[0]).days + 1
        missing = [usage.days[0] + dt.timedelta(days=n) for n in range(n_days)]
        missing = [day for day in missing if day not in present]
        if missing:
            named = ", ".join(map(str, missing[:3])) + (" …" if len(missing) > 3 else "")
            yield Finding(
                severity="note",
                check="gap",
                where=usage.dataset,
                what=f"{len(missing)} of {n_days} days from {usage.days[0]} to {usage.days[-1]} are missing: {named}",
            )


def _find_orphans(items: list[ObjectInfo], known: set[str]) -> Iterator[Finding]:
    datasets = set(list_contracts())
    for item in items:
        folder = item.key.split("/")[0]
        if folder not in datasets and folder not in _KNOWN_FOLDERS:
            yield Finding(
                severity="note",
                check="orphan",
                where=item.key,
                what="no step of Prefail writes or reads this",
            )
            continue
        edition = _EDITION.match(item.key)
        if edition and edition.group() + MANIFEST_FILE not in known:
            yield Finding(
                severity="note",
                check="orphan",
                where=item.key,
                what="an edition without manifest: publishing was stopped; safe to delete",
            )
        model = _MODEL.fullmatch(item.key)
        if model and f"models/{model.group(1)}/card.json" not in known:
            yield Finding(
                severity="note",
                check="orphan",
                where=item.key,
                what="a model without card: training was stopped",
            )


def _check_editions(lake: Lake, known: set[str], checked: set[str], *, read_all: bool) -> Iterator[Finding]:
    for key in sorted(known):
        if not (key.startswith(ROOT) and key.endswith(f"/{MANIFEST_FILE}")):
            continue
        try:
            manifest = read_manifest(key, lake)
        except PermanentError as damaged:
            yield Finding(severity="problem", check="digest", where=key, what=str(damaged))
            continue
        checked.add(key)
        if _EDITION.match(key) and key != manifest.folder + MANIFEST_FILE:
            yield Finding(
                severity="problem",
                check="digest",
                where=key,
                what="the manifest was changed after publication",
            )
        for name, sha256 in _named_by(manifest, with_inputs=read_all):
            if name not in checked:
                checked.add(name)
                yield from _compare(lake, name, sha256, known, manifest)


def _named_by(manifest: Manifest, *, with_inputs: bool) -> Iterator[tuple[str, str]]:
    for file in manifest.files:
        yield manifest.folder + file.name, file.sha256
    if with_inputs:
        for source in (*manifest.inputs, manifest.predictions):
            if source.sha256 is not None:
                yield source.key, source.sha256


def _compare(lake: Lake, key: str, sha256: str, known: set[str], manifest: Manifest) -> Iterator[Finding]:
    if key not in known:
        what = f"the list of {manifest.day} is made of it, and it is gone"
    elif hashlib.sha256(lake.store.read(key)).hexdigest() != sha256:
        what = f"it is not what the list of {manifest.day} was published with: prefail verify --day {manifest.day}"
    else:
        return
    yield Finding(severity="problem", check="digest", where=key, what=what)


def _check_models(lake: Lake, known: set[str], checked: set[str]) -> Iterator[Finding]:
    for key in sorted(known):
        model = _MODEL.fullmatch(key)
        if not model or model.group(2) != "card.json":
            continue
        checked.add(key)
        try:
            card = read_card(lake.store.read(key), model.group(1))
        except ModelRefusedError as refused:
            yield Finding(severity="problem", check="digest", where=key, what=str(refused))
            continue
        stored = f"models/{model.group(1)}/model.{card.model_format}"
        if stored not in known or hashlib.sha256(lake.store.read(stored)).hexdigest() != card.model_sha256:
            yield Finding(
                severity="problem",
                check="digest",
                where=stored,
                what="it is not the model that its card names",
            )


def _check_files(lake: Lake, items: list[ObjectInfo]) -> Iterator[Finding]:
    for item in items:
        if not item.key.endswith(".parquet"):
            continue
        try:
            pq.ParquetFile(io.BytesIO(lake.store.read(item.key)), page_checksum_verification=True).read()
        except (pa.ArrowInvalid, OSError) as damaged:
            yield Finding(
                severity="problem",
                check="unreadable",
                where=item.key,
                what=f"{damaged}. Re-run the step that writes {dataset_of_key(item.key)} for that day.",
            )


def _find_small_files(items: list[ObjectInfo]) -> Iterator[Finding]:
    for usage in summarize(item for item in items if item.key.endswith(".parquet")):
        mean = usage.size_bytes / usage.n_objects
        if usage.n_objects >= _MANY_SMALL and mean < _SMALL_BYTES:
            yield Finding(
                severity="note",
                check="small files",
                where=usage.dataset,
                what=f"{usage.n_objects:,} objects of {mean / 1000:,.0f} kB on average: each costs one request",
            )
