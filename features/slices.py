"""How good the list is for parts of the fleet: by hardware model and by age.

A part with few failures says nothing on its own; such parts are counted together as ``other``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.evaluation import BoolArray, TicketWalk

OTHER = "other"
_HOURS_PER_YEAR = 8766.0
_AGE_BANDS = ("under 1 year", "1 to 2 years", "2 to 3 years", "3 to 4 years", "4 years and more")
UNKNOWN_AGE = "age unknown"


@dataclass(frozen=True, kw_only=True)
class SliceResult:
    """One part of the fleet within one budget. None where nothing could be counted."""

    kind: str
    name: str
    n_components: int
    n_tickets: int
    n_hits: int
    precision: float | None
    n_failures: int
    recall: float | None


def name_age_bands(power_on_hours: npt.NDArray[np.floating]) -> npt.NDArray[np.str_]:
    """Return each component's band (C,) by power-on hours; NaN is ``age unknown``."""
    years = np.nan_to_num(power_on_hours / _HOURS_PER_YEAR, nan=-1.0)
    bands = np.array([*_AGE_BANDS, UNKNOWN_AGE])
    code = np.minimum(years.astype(np.int64), len(_AGE_BANDS) - 1)
    return np.asarray(bands[np.where(years < 0, len(_AGE_BANDS), code)])


def merge_small(
    names: npt.NDArray[np.str_], failures: BoolArray, minimum_failures: int
) -> npt.NDArray[np.str_]:
    """Return ``names`` (C,) with those of fewer than ``minimum_failures`` failures called ``other``."""
    kinds, code = np.unique(names, return_inverse=True)
    n_failures = np.bincount(code, weights=failures, minlength=len(kinds))
    merged = np.where(n_failures >= minimum_failures, kinds, OTHER)
    return np.asarray(merged[code])


def slice_walk(
    kind: str, names: npt.NDArray[np.str_], walk: TicketWalk, failures: BoolArray, is_scored: BoolArray
) -> tuple[SliceResult, ...]:
    """Count tickets, hits and failures by the component's name (C,), most failures first."""
    results = [
        _count_slice(kind, str(name), names == name, walk, failures, is_scored)
        for name in np.unique(names[is_scored])
    ]
    return tuple(sorted(results, key=lambda result: (-result.n_failures, result.name)))


def _count_slice(
    kind: str, name: str, is_member: BoolArray, walk: TicketWalk, failures: BoolArray, is_scored: BoolArray
) -> SliceResult:
    in_slice = is_member[walk.component_index]
    is_hit = in_slice & walk.is_hit
    n_tickets, n_hits = int(in_slice.sum()), int(is_hit.sum())
    n_failures = int((failures & is_member).sum())
    n_caught = len(np.unique(walk.component_index[is_hit]))
    return SliceResult(
        kind=kind,
        name=name,
        n_components=int((is_scored & is_member).sum()),
        n_tickets=n_tickets,
        n_hits=n_hits,
        precision=n_hits / n_tickets if n_tickets else None,
        n_failures=n_failures,
        recall=n_caught / n_failures if n_failures else None,
    )


def measure_silent_share(failures: BoolArray, showed_error: BoolArray) -> float | None:
    """Return the share of failures without any error signal before them: no list can catch these.

    ``showed_error`` (C,): an error signal stood above zero on some day early enough to act.
    """
    n_failures = int(failures.sum())
    return float((failures & ~showed_error).sum() / n_failures) if n_failures else None


def pick_slices(results: Sequence[SliceResult], minimum_failures: int) -> tuple[SliceResult, ...]:
    """Return the parts with enough failures to be judged on their own."""
    return tuple(each for each in results if each.n_failures >= minimum_failures and each.name != OTHER)
