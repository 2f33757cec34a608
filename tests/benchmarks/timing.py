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
    """Run every side once, then all again, ``n_runs`` times; return the best time and highest peak of each."""
    best: list[Timing | None] = [None] * len(sides)
    for number in range(1, n_runs + 1):
        for place, side in enumerate(sides):
            once = _time_once(side)
            best[place] = _better(best[place], once)
            say(f"{side.what}: run {number} of {n_runs}, {once.wall_seconds:.3f} s")
    return tuple(timing for timing in best if timing is not None)


def say(text: str) -> None:
    """Show how far a benchmark is."""
    print(f"  {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def reset_peak() -> None:
    """Forget the highest memory so far, where the system can (Linux); elsewhere it is that of the process."""
    gc.collect()
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


def _time_once(side: Side) -> Timing:
    reset_peak()
    cpu, wall = time.process_time(), time.perf_counter()
    result = side.work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = read_peak_mb()
    del result
    return Timing(what=side.what, wall_seconds=wall, cpu_seconds=cpu, peak_mb=peak)


def _better(known: Timing | None, once: Timing) -> Timing:
    if known is None:
        return once
    return Timing(
        what=once.what,
        wall_seconds=min(known.wall_seconds, once.wall_seconds),
        cpu_seconds=min(known.cpu_seconds, once.cpu_seconds),
        peak_mb=max(known.peak_mb, once.peak_mb),
    )
