"""What is written down about a model, beside its bytes: what it was made of, and how good it is.

A card has no time of day: the same data, code and settings give the same card and the same model id.
"""

import datetime as dt
import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.calibration import Calibration
from pipelines.errors import ModelRefusedError

_ID_HEX_DIGITS = 12


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardData(_Section):
    """The days a model has learned from. ``partitions_sha256`` is over the sorted list of their digests."""

    dataset: str
    first_day: dt.date
    last_day: dt.date
    n_days: int
    partitions_sha256: str
    failures_sha256: str
    populations_sha256: str | None
    contracts: dict[str, str]


class CardSample(_Section):
    """What was sampled of them."""

    n_failures: int
    n_positive_rows: int
    n_negative_rows: int
    positive_share: float
    negative_share: float


class CardCalibration(_Section):
    """``risk = sigmoid(slope · (margin + prior_offset) + offset)``, fitted on ``n_component_days`` later days."""

    prior_offset: float
    slope: float = Field(gt=0)
    offset: float
    n_component_days: int
    n_positives: int

    def to_calibration(self) -> Calibration:
        """Return the function itself."""
        return Calibration(prior_offset=self.prior_offset, slope=self.slope, offset=self.offset)


class CardBudget(_Section):
    """One scorer on the folds, within one budget."""

    budget: float
    n_tickets: int
    n_hits: int
    precision: float | None
    n_failures: int
    recall: float | None
    median_lead_days: float | None
    false_positives_per_10k_30d: float


class CardScorer(_Section):
    """One scorer on the folds: the model's recipe or a baseline."""

    name: str
    average_precision: float | None
    roc_auc: float | None
    budgets: tuple[CardBudget, ...]


class CardFold(_Section):
    """One fold: what was known when, and which days were judged."""

    known_until: dt.date
    first_day: dt.date
    last_day: dt.date
    n_component_days: int
    n_positives: int
    silent_share: float | None
    scorers: tuple[CardScorer, ...]


class ModelCard(_Section):
    """Everything needed to use a model, to judge it, and to make it again."""

    target: str
    target_sha256: str
    component_kind: str
    label_definition: str
    horizon_days: int
    lead_days: int
    as_of: dt.date
    model_sha256: str
    model_format: str
    features: tuple[str, ...]
    signals: tuple[str, ...]
    error_signals: tuple[str, ...]
    params: dict[str, str | int | float | bool]
    n_rounds: int
    seed: int
    n_threads: int
    code_version: str
    settings_sha256: str
    data: CardData
    sample: CardSample
    calibration: CardCalibration
    folds: tuple[CardFold, ...]

    def to_json(self) -> bytes:
        """Return the card with sorted keys: same content, same bytes."""
        document = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
        return (document + "\n").encode()

    @property
    def model_id(self) -> str:
        """Return the address of the content: target, then the digest of the card, which names the model's."""
        return f"{self.target}-{hashlib.sha256(self.to_json()).hexdigest()[:_ID_HEX_DIGITS]}"


def read_card(data: bytes, model_id: str) -> ModelCard:
    """Return the card whose content gives ``model_id``; ``ModelRefusedError`` otherwise."""
    try:
        card = ModelCard.model_validate_json(data)
    except ValidationError as invalid:
        places = ", ".join(sorted({str(error["loc"][0]) for error in invalid.errors() if error["loc"]}))
        raise ModelRefusedError(
            f"the card of {model_id} is not one of this version ({places or 'not JSON'}); the model was not loaded. "
            "Roll back (prefail rollback) or train again.",
            model_id=model_id,
        ) from invalid
    if card.model_id != model_id:
        raise ModelRefusedError(
            f"the card of {model_id} was changed: its content is that of {card.model_id}; the model was not loaded. "
            "Roll back (prefail rollback) or train again.",
            model_id=model_id,
            found=card.model_id,
        )
    return card
