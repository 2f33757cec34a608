"""On what a benchmark ran: without it, a time says nothing."""

import datetime as dt
import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = ("numpy", "pandas", "pyarrow", "xgboost-cpu", "great-expectations")
# Above it, somebody else's work took a share of the processors.
_QUIET_LOAD_PER_CORE = 0.5


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What was known at the beginning of one benchmark, and the load when it ended."""

    begun_at: dt.datetime
    n_cores: int
    memory_gb: float
    processor: str
    versions: str
    code: str
    load_before: float
    load_after: float | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the machine had little else to do when the benchmark began."""
        return self.load_before <= _QUIET_LOAD_PER_CORE * self.n_cores

    @property
    def sentence(self) -> str:
        """The conditions in words."""
        after = (
            ""
            if self.load_after is None
            else f", {self.load_after:.1f} at its end (the benchmark's own work)"
        )
        rough = "" if self.is_quiet else " **The machine was not quiet: the ratios are rough.**"
        return (
            f"Measured on {self.begun_at:%Y-%m-%d %H:%M} UTC, {self.n_cores} cores ({self.processor}), "
            f"{self.memory_gb:.0f} GB, {self.versions}, code {self.code}; load average (1 minute) "
            f"{self.load_before:.1f} at the beginning{after}.{rough}"
        )


def look_at_machine(begun_at: dt.datetime) -> Conditions:
    """Return the conditions now; ``begun_at`` is UTC."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return Conditions(
        begun_at=begun_at,
        n_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        processor=_name_processor(),
        versions=f"Python {platform.python_version()}, {versions}",
        code=_name_code(),
        load_before=os.getloadavg()[0],
    )


def _name_processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _name_code() -> str:
    """Return the commit, with a mark if the checkout differs from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    described = subprocess.run(
        [*git, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "without a commit"
