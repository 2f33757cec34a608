"""Alerts of Blue Gene/L by the catalogue and by a word of severity, on recorded lines with their true alerts."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.log_templates import template_of
from features.signatures import load_catalogue

# What a technician is sent for; a corrected error is a warning.
ALERT_SEVERITIES = frozenset({"critical", "error"})
BASELINE_WORDS = frozenset({"FATAL", "FAILURE", "SEVERE"})


@dataclass(frozen=True, kw_only=True)
class AlertLine:
    """One line: whether it is an alert by LOGHUB, its category there, when, and how bad it calls itself."""

    is_alert: bool
    category: str
    second: int
    level: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How often alerts that were raised were true, and true ones raised."""

    n_raised: int
    n_true: int
    n_hits: int

    @property
    def precision(self) -> float:
        """Share of the raised that are true."""
        return self.n_hits / self.n_raised if self.n_raised else 0.0

    @property
    def recall(self) -> float:
        """Share of the true that were raised."""
        return self.n_hits / self.n_true if self.n_true else 0.0

    def __str__(self) -> str:
        return (
            f"precision {self.n_hits}/{self.n_raised} = {self.precision:.3f}, "
            f"recall {self.n_hits}/{self.n_true} = {self.recall:.3f}"
        )


def read_alert_lines(path: Path) -> list[AlertLine]:
    """Return the lines of BGL_2k.log.gz in order of time; the first column is ``-`` for lines that are no alert."""
    lines = []
    for line in gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines():
        category, second, _, _, _, _, _, facility, level, *text = line.split(" ")
        lines.append(
            AlertLine(
                is_alert=category != "-",
                category=category,
                second=int(second),
                level=level,
                text=" ".join(["RAS", facility, level, *text]),
            )
        )
    return sorted(lines, key=lambda each: each.second)


def split_by_time(lines: Sequence[AlertLine]) -> tuple[list[AlertLine], list[AlertLine]]:
    """Return the lines before and after the middle of the recorded time."""
    middle = (lines[0].second + lines[-1].second) / 2
    return [line for line in lines if line.second < middle], [line for line in lines if line.second >= middle]


def judge_catalogue(lines: Sequence[AlertLine]) -> Agreement:
    """Raise an alert for each line whose signature is critical or an error."""
    found = load_catalogue().match([template_of(line.text) for line in lines])
    return _agree(lines, [each is not None and each.severity in ALERT_SEVERITIES for each in found])


def judge_words(lines: Sequence[AlertLine]) -> Agreement:
    """Raise an alert for each line that calls itself fatal, a failure or severe."""
    return _agree(lines, [line.level in BASELINE_WORDS for line in lines])


def judge_seen_categories(before: Sequence[AlertLine], after: Sequence[AlertLine]) -> Agreement:
    """Raise an alert for each line of ``after`` whose template was an alert in ``before``: learned by heart."""
    known = {template_of(line.text) for line in before if line.is_alert}
    return _agree(after, [template_of(line.text) in known for line in after])


def _agree(lines: Sequence[AlertLine], raised: Sequence[bool]) -> Agreement:
    return Agreement(
        n_raised=sum(raised),
        n_true=sum(line.is_alert for line in lines),
        n_hits=sum(line.is_alert and is_raised for line, is_raised in zip(lines, raised, strict=True)),
    )
