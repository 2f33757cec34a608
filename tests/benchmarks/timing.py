"""Time several pieces of work in turn, so that whatever else the machine does falls on all of them."""

import gc
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tests.benchmarks.rows import Timing

# Both sides of a ratio get as many: the limits were set on a machine of two cores.
N_THREADS = 2
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): resets the high-water mark of the resident set


@dataclass(frozen=True, kw_only=True)
class Side:
    """One piece of work. Its result is dropped, after the clock has stopped."""

    what: str
    work: Callable[[], object]


def time_in_turn(*sides: Side, n_runs: int) -> tuple[Timing, ...]:
    """Run every side once, then all again, ``n_runs`` times; return the best times of each.

    Memory is that of the first run, which begins with as little as possible. The others keep what the
    process has: giving memory back and asking for it again is not the side's work.
    """
    runs: list[list[Timing]] = [[] for _ in sides]
    for number in range(1, n_runs + 1):
        for side, of_side in zip(sides, runs, strict=True):
            once = _time_once(side, is_first=number == 1)
            of_side.append(once)
            say(f"{side.what}: run {number} of {n_runs}, {once.wall_seconds:.3f} s")
    return tuple(
        Timing(
            what=of_side[0].what,
            wall_seconds=min(once.wall_seconds for once in of_side),
            cpu_seconds=min(once.cpu_seconds for once in of_side),
            peak_mb=of_side[0].peak_mb,
        )
        for of_side in runs
    )


def say(text: str) -> None:
    """Show how far a benchmark is."""
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def reset_peak() -> None:
    """Forget the highest memory so far, where the system can (Linux); elsewhere it is that of the process."""
    pa.default_memory_pool().release_unused()
    if _CLEAR_REFS.exists():
        _CLEAR_REFS.write_text(_RESET_PEAK)


def read_peak_mb() -> float:
    """Return the highest resident memory since ``reset_peak``, in MB (10^6 bytes)."""
    if _CLEAR_REFS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return in_megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def in_megabytes(ru_maxrss: int) -> float:
    """Return ``ru_maxrss`` in MB: it counts kibibytes, on macOS bytes."""
    return ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _time_once(side: Side, *, is_first: bool) -> Timing:
    gc.collect()
    if is_first:
        reset_peak()
    cpu, wall = time.process_time(), time.perf_counter()
    result = side.work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = read_peak_mb()
    del result
    return Timing(what=side.what, wall_seconds=wall, cpu_seconds=cpu, peak_mb=peak)
