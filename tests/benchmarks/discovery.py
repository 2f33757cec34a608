"""Find the benchmarks of this folder and run each in a process of its own."""

import importlib
import multiprocessing
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol, cast

from tests.benchmarks.rows import Row

_PREFIX = "bench_"


class Benchmark(Protocol):
    """What a ``bench_<name>.py`` offers; the first line of its docstring is its title."""

    __doc__: str | None

    def run(self, scale: float) -> list[Row]:
        """Measure; 1.0 is the size that the limits speak of."""
        ...


def list_benchmarks() -> tuple[str, ...]:
    """Return the names of all benchmarks: the modules ``bench_<name>.py``."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return tuple(sorted(name.removeprefix(_PREFIX) for name in found if name.startswith(_PREFIX)))


def load_benchmark(name: str) -> Benchmark:
    """Import one benchmark."""
    return cast("Benchmark", importlib.import_module(f"tests.benchmarks.{_PREFIX}{name}"))


def title_of(name: str) -> str:
    """Return the benchmark's own one-line description."""
    return (load_benchmark(name).__doc__ or name).strip().splitlines()[0].removesuffix(".")


def run_alone(name: str, scale: float) -> list[Row]:
    """Run one benchmark in a fresh process: no memory or warm cache of another one is in its figures."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as process:
        return process.submit(_run, name, scale).result()


def _run(name: str, scale: float) -> list[Row]:
    return load_benchmark(name).run(scale)
