"""What one line of the benchmark says, and whether it keeps its limit."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "short", ""]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The best of some runs. ``cpu_seconds`` counts all threads; ``peak_mb`` is the process's resident memory."""

    what: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement: ``subject`` against ``reference``, or alone.

    ``ratio_at_most`` and ``ratio_at_least`` bound the quotient of wall-clock times, ``peak_at_most_mb``
    the memory of the subject. A row without limits is there to be read.
    """

    name: str
    subject: Timing
    reference: Timing | None = None
    ratio_at_most: float | None = None
    ratio_at_least: float | None = None
    peak_at_most_mb: float | None = None
    note: str = ""

    @property
    def wall_ratio(self) -> float | None:
        """Wall-clock time of the subject over that of the reference: what the verdict goes by."""
        return None if self.reference is None else self.subject.wall_seconds / self.reference.wall_seconds

    @property
    def cpu_ratio(self) -> float | None:
        """The same of processor time, which other work on the machine disturbs less."""
        return None if self.reference is None else self.subject.cpu_seconds / self.reference.cpu_seconds

    @property
    def limits(self) -> tuple[str, ...]:
        """The limits, as a table shows them."""
        ratio = (("≤", self.ratio_at_most), ("≥", self.ratio_at_least))
        shown = [f"{sign} {limit:g} ×" for sign, limit in ratio if limit is not None]
        if self.peak_at_most_mb is not None:
            shown.append(f"≤ {self.peak_at_most_mb:,.0f} MB")
        return tuple(shown)

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What is missed, and by how much; empty if nothing is."""
        missed = []
        ratio = self.wall_ratio
        if ratio is not None and self.ratio_at_most is not None and ratio > self.ratio_at_most:
            above = ratio / self.ratio_at_most - 1
            missed.append(f"{self._ratios} is {above:.0%} above {self.ratio_at_most:g} ×")
        if ratio is not None and self.ratio_at_least is not None and ratio < self.ratio_at_least:
            below = 1 - ratio / self.ratio_at_least
            missed.append(f"{self._ratios} is {below:.0%} below {self.ratio_at_least:g} ×")
        if self.peak_at_most_mb is not None and self.subject.peak_mb > self.peak_at_most_mb:
            missed.append(f"{self.subject.peak_mb:,.0f} MB is above {self.peak_at_most_mb:,.0f} MB")
        return tuple(missed)

    @property
    def verdict(self) -> Verdict:
        """``ok``, ``short``, or nothing where there is no limit."""
        if not self.limits:
            return ""
        return "short" if self.shortfalls else "ok"

    @property
    def _ratios(self) -> str:
        return f"{self.wall_ratio:.2f} × ({self.cpu_ratio:.2f} × of processor time)"
