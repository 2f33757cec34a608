"""What every step returns: a few facts, and one line that says them.

Steps exchange days and keys, never frames; the facts are for the log, the screen and the run record.
"""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StepFacts:
    """One finished step of one day. ``facts`` are names and values in the order to be read."""

    step: str
    day: dt.date
    facts: tuple[tuple[str, object], ...]

    @property
    def summary(self) -> str:
        """Return the step's one log line, past tense first: ``ingested 2026-02-01: rows=9120 …``."""
        return f"{self.step} {self.day}: " + " ".join(f"{name}={value}" for name, value in self.facts)

    def fact(self, name: str) -> object:
        """Return one fact by name; ``KeyError`` if the step does not state it."""
        return dict(self.facts)[name]
