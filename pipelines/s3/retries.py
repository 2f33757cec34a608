"""How long to try a storage request again, and how long to wait in between."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipelines.s3.errors import SLOW_DOWN, error_code, may_pass, retry_after_seconds

_FIRST_WAIT_SECONDS = 0.2
_FIRST_WAIT_SLOWED_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 20.0
_MAX_ATTEMPTS = 10

Result = TypeVar("Result")


class GaveUpError(Exception):
    """A request failed for good; ``__cause__`` says why, the fields how often and how long it was tried."""

    def __init__(self, n_attempts: int, seconds: float) -> None:
        super().__init__(n_attempts, seconds)
        self.n_attempts = n_attempts
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with jitter, within ``time_limit_seconds`` for all attempts together.

    A throttled request (SlowDown) waits at least a second, and as long as the server asks.
    """

    time_limit_seconds: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def deadline(self) -> float:
        """Return when the time limit of something that starts now is over, by ``clock``."""
        return self.clock() + self.time_limit_seconds

    def run(
        self,
        attempt: Callable[[int], Result],
        expected: tuple[type[Exception], ...],
        *,
        deadline: float | None = None,
    ) -> Result:
        """Call ``attempt(number)`` until it returns, fails for good or time is up; then ``GaveUpError``.

        ``number`` counts from 1. Errors that are not ``expected`` pass through. Requests that belong
        together share a ``deadline``. No attempt is broken off that makes progress.
        """
        started = self.clock()
        deadline = self.deadline() if deadline is None else deadline
        number = 0
        while True:
            number += 1
            try:
                return attempt(number)
            except expected as error:
                wait = self._wait_seconds(error, number)
                is_over = number >= _MAX_ATTEMPTS or self.clock() + wait > deadline
                if is_over or not may_pass(error):
                    raise GaveUpError(number, self.clock() - started) from error
            self.sleep(wait)

    def _wait_seconds(self, error: Exception, number: int) -> float:
        is_slowed = error_code(error) in SLOW_DOWN
        first = _FIRST_WAIT_SLOWED_SECONDS if is_slowed else _FIRST_WAIT_SECONDS
        longest = min(_LONGEST_WAIT_SECONDS, first * 2.0 ** (number - 1))
        # Half is fixed, half is random: many writers slowed at once must not come back at once.
        return max(longest * (0.5 + self.jitter() / 2), retry_after_seconds(error))
