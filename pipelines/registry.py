"""Models in the lake: immutable, addressed by their content; the ledger says which one is in use.

``models/<model_id>/model.ubj`` and ``card.json``. A model is written before its card and never
replaced: where the card is, the model is complete.
"""

import datetime as dt
import hashlib
import logging
from dataclasses import dataclass
from typing import Literal

from pipelines.errors import MissingInputError, PermanentError, WriteLostError
from pipelines.lake import Lake
from pipelines.ledger import LedgerEntry, append_entry, read_ledger
from pipelines.model_card import ModelCard, read_card
from pipelines.risk_model import RiskModel, read_model

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """A model and its card, both checked."""

    model_id: str
    card: ModelCard
    model: RiskModel


def save_model(card: ModelCard, model_bytes: bytes, lake: Lake) -> str:
    """Store a model under the address of its content and return that; storing it again changes nothing."""
    if hashlib.sha256(model_bytes).hexdigest() != card.model_sha256:
        raise ValueError("the card does not name these bytes")
    model_id = card.model_id
    _write_once(f"models/{model_id}/model.{card.model_format}", model_bytes, lake)
    _write_once(f"models/{model_id}/card.json", card.to_json(), lake)
    return model_id


def _write_once(key: str, data: bytes, lake: Lake) -> None:
    try:
        lake.store.write(key, data, if_absent=True)
    except WriteLostError:
        if lake.store.read(key) != data:
            raise


def load_card(model_id: str, lake: Lake) -> ModelCard:
    """Return a model's card; ``MissingInputError`` if there is no such model."""
    try:
        return read_card(lake.store.read(f"models/{model_id}/card.json"), model_id)
    except MissingInputError as missing:
        raise MissingInputError(
            f"there is no model {model_id} in {lake.store.uri('models/')}. Train one: prefail train --as-of DAY",
            model_id=model_id,
        ) from missing


def load_model(model_id: str, lake: Lake, *, n_threads: int = 2) -> StoredModel:
    """Return a model after its digests were checked; ``ModelRefusedError`` if one does not fit."""
    card = load_card(model_id, lake)
    model = read_model(
        lake.store.read(f"models/{model_id}/model.{card.model_format}"),
        sha256=card.model_sha256,
        feature_names=card.features,
        n_threads=n_threads,
    )
    return StoredModel(model_id=model_id, card=card, model=model)


def champion(target: str, lake: Lake) -> str | None:
    """Return the id of the model in use, or None where the target's rule is."""
    entries = read_ledger(target, lake)
    return entries[-1].champion if entries else None


def promote_model(
    model_id: str, target: str, lake: Lake, *, who: str, why: str, as_of: dt.date, comparison: tuple[str, ...]
) -> LedgerEntry:
    """Make a model the champion. Promoting the champion again writes nothing."""
    return _record("promoted", model_id, target, lake, who=who, why=why, as_of=as_of, comparison=comparison)


def reject_model(
    model_id: str, target: str, lake: Lake, *, who: str, why: str, as_of: dt.date, comparison: tuple[str, ...]
) -> LedgerEntry:
    """Record that a model was not promoted. The same decision twice in a row is written once."""
    return _record("rejected", model_id, target, lake, who=who, why=why, as_of=as_of, comparison=comparison)


def _record(
    event: Literal["promoted", "rejected"],
    model_id: str,
    target: str,
    lake: Lake,
    *,
    who: str,
    why: str,
    as_of: dt.date,
    comparison: tuple[str, ...],
) -> LedgerEntry:
    entries = read_ledger(target, lake)
    current = entries[-1].champion if entries else None
    entry = LedgerEntry(
        event=event,
        target=target,
        model_id=model_id,
        champion=model_id if event == "promoted" else current,
        previous_champion=current,
        who=who,
        why=why,
        as_of=as_of,
        comparison=comparison,
    )
    if entries and (current == model_id or _is_same_decision(entry, entries[-1])):
        return entries[-1]
    return append_entry(entry, len(entries), lake)


def _is_same_decision(ours: LedgerEntry, last: LedgerEntry) -> bool:
    return (ours.event, ours.model_id, ours.as_of, ours.why) == (
        last.event,
        last.model_id,
        last.as_of,
        last.why,
    )


def rollback(target: str, lake: Lake, *, who: str, why: str) -> LedgerEntry:
    """Put the champion before the present one back; before the first there was the target's rule.

    ``PermanentError`` if no model was ever promoted.
    """
    entries = read_ledger(target, lake)
    current = entries[-1].champion if entries else None
    if current is None:
        raise PermanentError(
            f"{target} has no champion to roll back from: its rule is in use. Nothing was changed.",
            target=target,
        )
    # What stood before the promotion of the present champion, not what stood before the last entry.
    promotion = [each for each in entries if each.event == "promoted" and each.model_id == current][-1]
    former = promotion.previous_champion
    if former is not None:
        load_card(former, lake)
    entry = LedgerEntry(
        event="rolled_back",
        target=target,
        model_id=former,
        champion=former,
        previous_champion=current,
        who=who,
        why=why,
        as_of=None,
    )
    append_entry(entry, len(entries), lake)
    log.warning(f"rolled back {target}: from={current} to={former or f'rule:{target}'} who={who} why={why!r}")
    return entry
