"""A line of a simulated kernel log, before it is written."""

from typing import NamedTuple

import numpy as np

SECONDS_A_DAY = 86_400
KERNEL = "kernel"


class LogLine(NamedTuple):
    """What ``program`` of ``host`` (its number) writes at ``second`` of the day."""

    second: float
    host: int
    message: str
    program: str = KERNEL


def any_second(rng: np.random.Generator) -> float:
    """Return a moment of the day, in seconds."""
    return float(rng.random() * SECONDS_A_DAY)


def burst(second: float, host: int, *messages: str) -> list[LogLine]:
    """Return lines that the kernel writes one right after the other."""
    last = SECONDS_A_DAY - 1e-3
    return [LogLine(min(second + 0.0004 * number, last), host, text) for number, text in enumerate(messages)]
