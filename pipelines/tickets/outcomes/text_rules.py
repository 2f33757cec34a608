"""Read an outcome from what a technician wrote, by the rules of ``text_rules.yaml``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.tickets.outcomes.finding import Finding

# Nobody says in more what they found; a pasted log must cost nothing.
_LONGEST_REMARK = 4_000
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)


class TextRule(BaseModel):
    """One way to say one thing in one language; each of ``examples`` must lead to this rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z]{2}_[a-z_]+$")
    language: Literal["de", "en", "es", "fr"]
    outcome: Finding
    pattern: str
    examples: tuple[str, ...] = Field(min_length=1)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        re.compile(pattern)
        return pattern

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def matches(self, remark: str) -> bool:
        """Return whether a remark on one line says this."""
        return self._expression.search(remark) is not None


class _RuleFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    rules: tuple[TextRule, ...]


@dataclass(frozen=True, kw_only=True)
class TextReading:
    """What ``n_remarks`` remarks on one ticket say: the rules that matched, each once, and their one finding."""

    rules: tuple[TextRule, ...]
    n_remarks: int

    @property
    def finding(self) -> Finding | None:
        """What all matching remarks agree on; None if none matches or they contradict each other."""
        findings = {rule.outcome for rule in self.rules}
        return findings.pop() if len(findings) == 1 else None

    @property
    def is_contradictory(self) -> bool:
        """Whether the remarks say different things."""
        return len({rule.outcome for rule in self.rules}) > 1


@cache
def load_text_rules() -> tuple[TextRule, ...]:
    """Read the packaged rules, once per process, in order of precedence."""
    text = files(__package__).joinpath("text_rules.yaml").read_text("utf-8")
    return _RuleFile.model_validate(yaml.safe_load(text)).rules


def read_remarks(remarks: Iterable[str], rules: tuple[TextRule, ...] | None = None) -> TextReading:
    """Return what remarks say; in each, the first rule that matches wins, and quoted lines don't count."""
    chosen = load_text_rules() if rules is None else rules
    matched: dict[str, TextRule] = {}
    lines = [line for remark in remarks if (line := flatten(remark))]
    for said in lines:
        rule = next((rule for rule in chosen if rule.matches(said)), None)
        if rule is not None:
            matched[rule.id] = rule
    return TextReading(rules=tuple(matched.values()), n_remarks=len(lines))


def flatten(remark: str) -> str:
    """Return a remark on one line, without what it quotes of another."""
    return " ".join(_QUOTED.sub("", remark[:_LONGEST_REMARK]).split())
