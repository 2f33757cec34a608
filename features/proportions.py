"""How sure a share is, from how few cases it was counted."""

import math
from dataclasses import dataclass

# Two-sided 95 % of the normal distribution.
_Z = 1.959964


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A closed interval of shares."""

    low: float
    high: float


def wilson_interval(n_hits: int, n: int) -> Interval | None:
    """Return the 95 % interval of the share ``n_hits / n``, None without a case.

    Wilson (1927), the score interval: it stays within 0 to 1 and is of use from the first case on.
    """
    if n == 0:
        return None
    share, z2 = n_hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(low=max(0.0, middle - half), high=min(1.0, middle + half))
