"""What counts as drift, and what each kind of it does: report, ask for training, or block the list."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pipelines.lake_settings import Section

_Share = Annotated[float, Field(gt=0.0, le=1.0)]


class DriftAction(StrEnum):
    """What a finding does. Each of them is also reported; a block ends where somebody accepts it."""

    REPORT = "report"
    RETRAIN = "retrain"
    BLOCK = "block"


class FindingKind(StrEnum):
    """What may be found; each is named in words in a finding."""

    UNIT_CHANGE = "unit_change"
    SIGNAL_SHIFT = "signal_shift"
    SIGNAL_VANISHED = "signal_vanished"
    FROZEN_SENSOR = "frozen_sensor"
    NEW_MODEL = "new_model"
    SCORE_SHIFT = "score_shift"
    ABSTENTION = "abstention"


class DriftSettings(Section):
    """When a day's inputs and scores are no longer those that the models learned from, and what then."""

    psi_limit: float = Field(
        default=0.25, gt=0.0, description="Population stability index above which a signal or score shifted."
    )
    frozen_share: _Share = Field(
        default=0.3, description="A signal is frozen where so many more of a model stand still than before."
    )
    vanished_share: _Share = Field(
        default=0.3, description="A signal vanished where so many fewer of a model report it than before."
    )
    new_model_share: _Share = Field(
        default=0.02,
        description="A hardware model unknown to the champion counts from this share of the fleet.",
    )
    abstained_share: _Share = Field(
        default=0.1, description="Abstentions are too many from this share above the usual one."
    )
    minimum_components: int = Field(
        default=50, ge=2, description="Fewer components of a hardware model say nothing about its signals."
    )
    on_unit_change: DriftAction = Field(
        default=DriftAction.BLOCK, description="A counter's unit changed: report, retrain or block."
    )
    on_signal_shift: DriftAction = Field(
        default=DriftAction.REPORT, description="A signal moved elsewhere: report, retrain or block."
    )
    on_signal_vanished: DriftAction = Field(
        default=DriftAction.REPORT, description="A signal is no longer reported: report, retrain or block."
    )
    on_frozen_sensor: DriftAction = Field(
        default=DriftAction.REPORT, description="A sensor repeats its value: report, retrain or block."
    )
    on_new_model: DriftAction = Field(
        default=DriftAction.RETRAIN, description="A hardware model is new: report, retrain or block."
    )
    on_score_shift: DriftAction = Field(
        default=DriftAction.REPORT, description="Risks moved as a whole: report, retrain or block."
    )
    on_abstention: DriftAction = Field(
        default=DriftAction.REPORT, description="Too many are abstained on: report, retrain or block."
    )

    def action_on(self, kind: FindingKind) -> DriftAction:
        """Return what a kind of finding does."""
        action: DriftAction = getattr(self, f"on_{kind}")
        return action
