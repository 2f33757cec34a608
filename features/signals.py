"""Which signals a drive has: ``drive_signals.yaml``, read and checked."""

import functools
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

_PATH = Path(__file__).with_name("drive_signals.yaml")


class DecodingRule(StrEnum):
    """How a raw value holds the signal; ``smart_decoding`` says where each comes from."""

    PLAIN = "plain"
    LOW_8_BITS = "low_8_bits"
    LOW_16_BITS = "low_16_bits"
    LOW_32_BITS = "low_32_bits"
    HIGH_16_OF_48_BITS = "high_16_of_48_bits"
    NOT_PUBLISHED = "not_published"


class Vendor(StrEnum):
    """Makers whose hard disks pack values in a way of their own."""

    SEAGATE = "seagate"
    HGST = "hgst"


class SignalSource(BaseModel):
    """One raw column that a signal is read from; ``by_vendor`` replaces the rule for that vendor's disks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    rule: DecodingRule
    by_vendor: Mapping[Vendor, DecodingRule] = {}


class Signal(BaseModel):
    """One thing that drives report. A value above ``upper_bound`` (in ``unit``) is a glitch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["counter", "gauge"]
    unit: str
    upper_bound: int = Field(gt=0)
    sources: tuple[SignalSource, ...] = Field(min_length=1)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    signals: tuple[Signal, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "_Document":
        names = [signal.name for signal in self.signals]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"signals are named twice: {', '.join(doubled)}")
        return self


@functools.cache
def load_signals() -> tuple[Signal, ...]:
    """Return the signals of drives, in the order of the columns of core_drive_days."""
    return _Document.model_validate(yaml.safe_load(_PATH.read_text("utf-8"))).signals
