"""Make a published list again from what its manifest names, and say where the first difference is.

The chain goes: manifest, target, contracts, stored inputs, model, predictions, list, CSV, report. The
steps that publish are run as they are, over a view of the lake whose writes stay in memory.
"""

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Protocol

from data_contracts.loader import list_contracts, load_contract
from features.target import list_targets, load_target
from pipelines.code_version import code_version
from pipelines.errors import MissingInputError, ModelRefusedError, VerificationError
from pipelines.lake import Lake
from pipelines.list_edition import compose_edition
from pipelines.list_explanation import Explain, explain_with_model
from pipelines.published_list import MANIFEST_FILE, Manifest, digest, read_day_manifest
from pipelines.score import score_day
from pipelines.settings import Settings
from pipelines.store_views import ScratchStore
from pipelines.target_scorers import open_target_scorer

log = logging.getLogger(__name__)

# An input that changed explains a changed prediction, and a model does not: inputs come first.
_FIRST_KINDS = ("raw_", "core_", "models/", "verdicts/")


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """A list that could be made again, byte for byte."""

    day: dt.date
    edition: str
    n_inputs: int
    n_files: int
    code_version: str

    @property
    def summary(self) -> str:
        """Return the one line that says it."""
        return (
            f"verified {self.day}: edition={self.edition} inputs={self.n_inputs} files={self.n_files} "
            f"code={self.code_version}: every input is unchanged and every file was made again, byte for byte"
        )


class Score(Protocol):
    """Write out_predictions of a day again, with the models that a manifest names."""

    def __call__(self, manifest: Manifest, settings: Settings, lake: Lake) -> None:
        """Score ``manifest.day`` into ``lake``."""
        ...


def score_as_published(manifest: Manifest, settings: Settings, lake: Lake) -> None:
    """Score with the manifest's models, whichever are champions now."""
    scorers = [
        open_target_scorer(used.target, settings, lake, model_id=used.model_id) for used in manifest.models
    ]
    order = {name: place for place, name in enumerate(settings.targets)}
    scorers.sort(key=lambda each: order.get(each.target.name, len(order)))
    score_day(manifest.day, settings, lake, scorers=scorers)


def verify_list(
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    score: Score = score_as_published,
    explain: Explain = explain_with_model,
) -> VerifyReport:
    """Check that the published list of ``day`` is made of what its manifest says, and of nothing else.

    ``VerificationError`` names the first link of the chain that differs. The lake is never written to.
    """
    manifest = read_day_manifest(day, lake)
    _check_manifest(manifest, lake)
    _check_definitions(manifest)
    _check_inputs(manifest, lake)
    _check_stored(manifest, lake)
    _check_made_again(manifest, settings, lake, score, explain)
    report = VerifyReport(
        day=day,
        edition=manifest.edition,
        n_inputs=len(manifest.inputs),
        n_files=len(manifest.files),
        code_version=code_version(),
    )
    log.info(report.summary)
    return report


def _check_manifest(manifest: Manifest, lake: Lake) -> None:
    key = manifest.folder + MANIFEST_FILE
    if not lake.store.exists(key) or lake.store.read(key) != manifest.to_json():
        raise _differs(
            manifest,
            "manifest",
            key,
            f"the day's manifest names edition {manifest.edition}, which is not there as it was published",
            f"publish the day again: prefail publish --day {manifest.day}",
        )


def _check_definitions(manifest: Manifest) -> None:
    """Compare what is installed with what the list was made by: targets, then contracts."""
    for used in manifest.models:
        known = load_target(used.target).digest if used.target in list_targets() else None
        if known != used.target_sha256:
            raise _differs(
                manifest,
                "target",
                used.target,
                f"the target {used.target} is defined differently in this installation",
                _use_that_version(manifest),
            )
    for contract in manifest.contracts:
        known = load_contract(contract.dataset).sha256 if contract.dataset in list_contracts() else None
        if known != contract.sha256:
            raise _differs(
                manifest,
                "contract",
                contract.dataset,
                f"the contract of {contract.dataset} is not version {contract.version} as it was then",
                _use_that_version(manifest),
            )


def _check_inputs(manifest: Manifest, lake: Lake) -> None:
    def order(key: str) -> int:
        kinds = [place for place, kind in enumerate(_FIRST_KINDS) if key.startswith(kind)]
        return kinds[0] if kinds else len(_FIRST_KINDS)

    for source in sorted(manifest.inputs, key=lambda source: (order(source.key), source.key)):
        try:
            found = digest(lake.store.read(source.key))
        except MissingInputError:
            found = None
        if found == source.sha256:
            continue
        link = "model" if source.key.startswith("models/") else "input"
        became = "is gone" if found is None else "was not there" if source.sha256 is None else "was changed"
        cure = (
            f"put the model's own file back, or roll back: prefail rollback; then: prefail score --day {manifest.day}"
            if link == "model"
            else "bring that object back from a copy, or accept the new data: prefail score and prefail publish "
            f"--day {manifest.day}"
        )
        raise _differs(manifest, link, source.key, f"{lake.store.uri(source.key)} {became}", cure)


def _check_stored(manifest: Manifest, lake: Lake) -> None:
    """Compare predictions, list, CSV and report as stored with the manifest."""
    stored = [("predictions", manifest.predictions.key, manifest.predictions.sha256, "score")]
    stored += [(file.name, manifest.folder + file.name, file.sha256, "publish") for file in manifest.files]
    for link, key, sha256, step in stored:
        is_same = lake.store.exists(key) and digest(lake.store.read(key)) == sha256
        if not is_same:
            raise _differs(
                manifest,
                link,
                key,
                f"{lake.store.uri(key)} was changed or removed after it was published",
                f"write it again: prefail {step} --day {manifest.day}",
            )


def _check_made_again(
    manifest: Manifest, settings: Settings, lake: Lake, score: Score, explain: Explain
) -> None:
    as_then = settings.model_copy(
        update={
            "environment": manifest.environment,
            "list": settings.list.model_copy(
                update={"length": manifest.list_length, "minimum_risk": manifest.minimum_risk}
            ),
        }
    )
    scratch = Lake(ScratchStore(lake.store))
    scratch.store.delete(manifest.predictions.key)
    try:
        score(manifest, as_then, scratch)
    except ModelRefusedError as refused:
        raise _differs(
            manifest, "model", "models/", refused.message, "put the model's own files back, or roll back"
        ) from refused
    if digest(scratch.store.read(manifest.predictions.key)) != manifest.predictions.sha256:
        raise _made_differently(manifest, "predictions")
    edition = compose_edition(manifest.day, as_then, scratch, explain)
    for file in manifest.files:
        if digest(edition.files[file.name]) != file.sha256:
            raise _made_differently(manifest, file.name)


def _made_differently(manifest: Manifest, link: str) -> VerificationError:
    here = code_version()
    if here != manifest.code_version:
        return _differs(
            manifest,
            link,
            link,
            f"made again from the same inputs, {link} has other bytes; it was made by {manifest.code_version}, "
            f"this is {here}",
            _use_that_version(manifest),
        )
    return _differs(
        manifest,
        link,
        link,
        f"made again from the same inputs by the same code, {link} has other bytes: settings differ, or the "
        "libraries do",
        "compare prefail.toml and the installed versions with those of that day",
    )


def _use_that_version(manifest: Manifest) -> str:
    return f"install {manifest.code_version} and verify again"


def _differs(manifest: Manifest, link: str, key: str, what: str, cure: str) -> VerificationError:
    return VerificationError(
        f"The list of {manifest.day} (edition {manifest.edition}) can't be made again: the first difference is "
        f"in its {link}.\n  {what}.\nNothing was changed. Next: {cure}.",
        day=manifest.day.isoformat(),
        link=link,
        key=key,
    )
