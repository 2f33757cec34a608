"""What to check first, chosen from ``playbook.yaml`` by which signals got worse."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from pipelines.tickets.policy_document import CauseKind


class SignalHistory(Protocol):
    """One piece of evidence: a signal's level now and before, null where not reported."""

    @property
    def signal(self) -> str: ...
    @property
    def now(self) -> float | None: ...
    @property
    def before_7d(self) -> float | None: ...
    @property
    def before_30d(self) -> float | None: ...


class PlaybookRule(BaseModel):
    """One case of one kind of part: the signals whose worsening it is about, alone or among others; the advice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: str
    when_only: frozenset[str] | None = None
    when_any: frozenset[str] | None = None
    check_first: str

    @model_validator(mode="after")
    def _has_one_condition(self) -> "PlaybookRule":
        if (self.when_only is None) == (self.when_any is None):
            raise ValueError(f"rule {self.name} needs one of when_only and when_any")
        return self

    def fits(self, worse: frozenset[str]) -> bool:
        """Return whether the rule speaks for this set of signals that got worse."""
        if self.when_only is not None:
            return bool(worse) and worse <= self.when_only
        return bool(worse & (self.when_any or frozenset()))


class Playbook(BaseModel):
    """Rules in order of precedence, the advice where none fits by kind of part, and that for shared causes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    ignored: frozenset[str]
    lower_is_worse: frozenset[str]
    rules: tuple[PlaybookRule, ...]
    default: str
    defaults: dict[str, str]
    storms: dict[CauseKind, str]

    def name_of(self, advice: str) -> str | None:
        """Return the name of the rule that gave an advice, ``<kind>_default`` of a default's, null of neither."""
        names = {rule.check_first: rule.name for rule in self.rules}
        names |= {default: f"{kind}_default" for kind, default in self.defaults.items()}
        return names.get(advice)

    def list_worse(self, evidence: Iterable[SignalHistory]) -> frozenset[str]:
        """Return the signals that are worse now than 7 or 30 days ago, without those that decide nothing."""
        return frozenset(item.signal for item in evidence if self._is_worse(item))

    def _is_worse(self, item: SignalHistory) -> bool:
        if item.signal in self.ignored or item.now is None:
            return False
        before = [level for level in (item.before_7d, item.before_30d) if level is not None]
        if item.signal in self.lower_is_worse:
            return any(item.now < level for level in before)
        return any(item.now > level for level in before)


@cache
def load_playbook() -> Playbook:
    """Read the packaged playbook, once per process."""
    text = files("pipelines.tickets").joinpath("playbook.yaml").read_text("utf-8")
    return Playbook.model_validate(yaml.safe_load(text))


def choose_check_first(
    evidence: Iterable[SignalHistory], playbook: Playbook | None = None, *, component_kind: str = "drive"
) -> str:
    """Return the advice of the first rule of the kind that fits the evidence, else its default: one paragraph."""
    chosen = playbook or load_playbook()
    worse = chosen.list_worse(evidence)
    fitting = (rule.check_first for rule in chosen.rules if rule.kind == component_kind and rule.fits(worse))
    return next(fitting, chosen.defaults.get(component_kind, chosen.default))
