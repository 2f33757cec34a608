"""The catalogue of hardware signatures: which log line speaks of which part, and how bad it is.

It is data, ``signatures/*.yaml``. ``pattern`` is an RE2 expression searched in a line's *template*
(``log_templates``), where each number is ``#``: so a catalogue of a hundred patterns is tried once for each
distinct template, which is short, and not for each line. The first signature that matches, by
file name and then by place in the file, is the line's. ``hint``, ``count`` and ``code`` are searched in the
line itself. ``codes`` gives a class and severity to single numbers, such as those of Xid.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.log_templates import escape_text, template_of

FOLDER = Path(__file__).parent / "signatures"
UNKNOWN_CLASS = "unknown"
MAX_HINT_CHARS = 64
# A line that counts more than this in one go is damaged, or written by somebody who wants to be noticed.
MAX_COUNT = 1_000_000

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Severity = Literal["critical", "error", "warning", "info"]


class SignatureFileError(ValueError):
    """The catalogue is not valid; the message lists everything that is wrong in it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Code(_Section):
    event_class: Name = Field(alias="class")
    severity: Severity


class _Entry(_Section):
    key: Name
    pattern: str = Field(min_length=4)
    event_class: Name = Field(alias="class")
    component: Name
    severity: Severity
    vendor: str = Field(min_length=2)
    knowledge: str = Field(min_length=4)
    example: str = Field(min_length=4)
    hint: str | None = None
    count: str | None = None
    code: str | None = None
    codes: dict[int, _Code] = {}


class _File(_Section):
    signatures: tuple[_Entry, ...]


@dataclass(frozen=True, kw_only=True)
class CodeMeaning:
    """What one number of a numbered signature means."""

    code: int
    event_class: str
    severity: str


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One entry of the catalogue. ``knowledge`` says where it is written that this line means that."""

    key: str
    pattern: str
    searched: re.Pattern[str]
    event_class: str
    component_kind: str
    severity: str
    vendor: str
    knowledge: str
    example: str
    hint: re.Pattern[str] | None
    count: re.Pattern[str] | None
    code: re.Pattern[str] | None
    codes: tuple[CodeMeaning, ...]


@dataclass(frozen=True, kw_only=True)
class LineReading:
    """What one line says beyond its signature. ``key`` ends in the number where the signature has one."""

    key: str
    event_class: str
    severity: str
    component_hint: str | None
    n_events: int


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All signatures, in the order in which they are tried."""

    signatures: tuple[Signature, ...]

    @functools.cached_property
    def any_pattern(self) -> str:
        """Return the pattern that matches where any signature does."""
        return "|".join(f"(?:{signature.pattern})" for signature in self.signatures)

    def match(self, templates: Sequence[str]) -> list[Signature | None]:
        """Return the signature of each template, None where no one speaks of it."""
        found: list[Signature | None] = [None] * len(templates)
        texts = pa.array(templates, pa.string())
        # One automaton for all patterns: templates that match none, nearly all, cost a single scan.
        for at in pc.indices_nonzero(pc.match_substring_regex(texts, self.any_pattern)).to_pylist():
            found[at] = next((s for s in self.signatures if s.searched.search(templates[at])), None)
        return found

    def match_line(self, line: str) -> Signature | None:
        """Return the signature of one line, as read from a log."""
        return self.match([template_of(line)])[0]


@functools.cache
def load_catalogue() -> Catalogue:
    """Return the shipped catalogue."""
    return read_catalogue(FOLDER)


def read_catalogue(folder: Path) -> Catalogue:
    """Return the catalogue in the YAML files of ``folder``; ``SignatureFileError`` names all that is wrong."""
    signatures: list[Signature] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries = _File.model_validate(yaml.safe_load(path.read_bytes())).signatures
        except yaml.YAMLError as broken:
            problems.append(f"{path.name} is not valid YAML: {broken}")
            continue
        except ValidationError as invalid:
            problems += [f"{path.name}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors()]
            continue
        for entry in entries:
            wrong = _problems_of(entry, {signature.key for signature in signatures})
            problems += [f"{path.name}: {entry.key}: {problem}" for problem in wrong]
            if not wrong:
                signatures.append(_signature_of(entry))
    if not signatures and not problems:
        problems.append("there is no signature in any *.yaml")
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise SignatureFileError(
            f"{folder} has {len(problems)} problem(s):\n{lines}\nNo log was read with it."
        )
    return Catalogue(signatures=tuple(signatures))


def read_line(signature: Signature, line: str) -> LineReading:
    """Return what ``line``, which has this signature, says of the part, how often, and with which code."""
    return reading_of(
        signature,
        code=find_group(signature.code, line),
        count=find_group(signature.count, line),
        hint=find_group(signature.hint, line),
    )


def reading_of(signature: Signature, *, code: str | None, count: str | None, hint: str | None) -> LineReading:
    """Return what a line means in which the signature's expressions found these texts.

    Digits beyond 9 are no count and no code, and no name of a part either.
    """
    code, count, hint = (None if t and t.isdigit() and len(t) > 9 else t for t in (code, count, hint))
    meaning = next((each for each in signature.codes if code and each.code == int(code)), None)
    return LineReading(
        key=f"{signature.key}_{int(code)}" if code else signature.key,
        event_class=meaning.event_class if meaning else signature.event_class,
        severity=meaning.severity if meaning else signature.severity,
        component_hint=escape_text(hint.strip(), MAX_HINT_CHARS) if hint and hint.strip() else None,
        n_events=min(max(int(count), 1), MAX_COUNT) if count else 1,
    )


def find_group(pattern: re.Pattern[str] | None, line: str) -> str | None:
    """Return the first group that holds something, None where the pattern finds nothing."""
    found = pattern.search(line) if pattern else None
    return next((group for group in found.groups() if group), None) if found else None


def _problems_of(entry: _Entry, known: set[str]) -> list[str]:
    problems = ["the key is used twice"] if entry.key in known else []
    expressions = [
        (name, text)
        for name in ("pattern", "hint", "count", "code")
        if (text := getattr(entry, name)) is not None
    ]
    for name, text in expressions:
        try:
            pc.match_substring_regex(pa.array([""]), text)
            groups = re.compile(text).groups
        except (pa.ArrowInvalid, re.error) as refused:
            problems.append(f"{name} is no RE2 expression: {refused}")
            continue
        if name != "pattern" and not groups:
            problems.append(f"{name} has no group that says which part of the line is meant")
    if bool(entry.codes) != (entry.code is not None):
        problems.append("code and codes go together")
    if re.search(r"\\d|\[0-9\]", entry.pattern):
        problems.append("pattern looks for a digit, but templates have # instead of numbers")
    return problems


def _signature_of(entry: _Entry) -> Signature:
    return Signature(
        key=entry.key,
        pattern=entry.pattern,
        searched=re.compile(entry.pattern),
        event_class=entry.event_class,
        component_kind=entry.component,
        severity=entry.severity,
        vendor=entry.vendor,
        knowledge=entry.knowledge,
        example=entry.example,
        hint=re.compile(entry.hint) if entry.hint else None,
        count=re.compile(entry.count) if entry.count else None,
        code=re.compile(entry.code) if entry.code else None,
        codes=tuple(
            CodeMeaning(code=code, event_class=meaning.event_class, severity=meaning.severity)
            for code, meaning in sorted(entry.codes.items())
        ),
    )
