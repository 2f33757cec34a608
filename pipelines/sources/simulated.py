"""The demo's fleet: simulated, written as real files, and read back through the kinds that read such files.

One source gives one part of what is known of the fleet. Sources with the same options but ``part`` and
``path`` speak of the same hosts.
"""

import datetime as dt
import functools
import gzip
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from pipelines.errors import MissingInputError
from pipelines.fleet_simulation import Fleet, FleetPlan, simulate_fleet
from pipelines.simulated_hardware.inventory import render_inventory
from pipelines.simulated_hardware.kernel_log import render_kernel_log
from pipelines.simulated_hardware.repairs import render_failure_records
from pipelines.simulated_readings import render_day
from pipelines.sources import drive_stats, failure_records, inventory_file, kernel_log
from pipelines.sources.source import RawTable, SourceOptions


class Options(SourceOptions):
    """The fleet. Another seed or size is another fleet, in a folder of its own."""

    path: str = Field(
        default="simulated_fleet",
        description="Folder for the files it writes; relative to the config file.",
    )
    part: Literal["drives", "inventory", "kernel_log", "failure_records"] = Field(
        default="drives",
        description="drives: Drive Stats; inventory: an export of hosts, drives, DIMMs and GPUs; kernel_log: a log "
        "server's file; failure_records: repairs of DIMMs, GPUs and hosts.",
    )
    n_hosts: int = Field(default=100, ge=1, le=100_000, description="Hosts.")
    drives_per_host: int = Field(
        default=20, ge=1, le=100, description="Drive slots a host; every slot is filled."
    )
    seed: int = Field(default=7, ge=0, description="Seed of everything random.")
    first_day: dt.date = Field(default=dt.date(2024, 1, 1), description="First simulated day.")
    n_days: int = Field(default=180, ge=1, le=3650, description="Simulated days.")
    annual_failure_rate: float = Field(
        default=0.06, gt=0, le=1, description="Failures per drive and year, as a mean over models and ages."
    )


def list_days(options: Options, base_folder: Path) -> list[dt.date]:  # noqa: ARG001, every kind has it
    """Return the simulated days, written or not."""
    return [options.first_day + dt.timedelta(days=n) for n in range(options.n_days)]


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield what the day's file says; it is written first if it is missing."""
    number = (day - options.first_day).days
    if not 0 <= number < options.n_days:
        last = options.first_day + dt.timedelta(days=options.n_days - 1)
        raise MissingInputError(
            f"The simulated fleet has nothing of {day}: it lives from {options.first_day} to {last}. "
            "Nothing was written. Choose another day, or raise n_days of the source.",
            day=day.isoformat(),
        )
    yield from _READERS[options.part](options, number, day, base_folder)


def _read_drives(options: Options, number: int, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    folder = _folder_of(options) / "drives"
    path = base_folder / folder / f"{day.isoformat()}.csv.gz"
    if not path.exists():
        _write_atomically(path, gzip.compress(render_day(fleet_of(options), number, day), 1, mtime=0))
    yield from drive_stats.read_day(drive_stats.Options(path=str(folder)), day, base_folder)


def _read_inventory(options: Options, number: int, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    path = _folder_of(options) / "inventory" / f"{day.isoformat()}.csv"
    if not (base_folder / path).exists():
        _write_atomically(base_folder / path, render_inventory(fleet_of(options), number, day))
    yield from inventory_file.read_day(inventory_file.Options(path=str(path)), day, base_folder)


def _read_kernel_log(options: Options, number: int, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    folder = _folder_of(options) / "kernel_log"
    path = base_folder / folder / day.isoformat() / "loghost.log.gz"
    if not path.exists():
        _write_atomically(path, gzip.compress(render_kernel_log(fleet_of(options), number, day), 1, mtime=0))
    settings = kernel_log.Options(path=str(folder), format="syslog", host_from="line", late_days=0)
    yield from kernel_log.read_day(settings, day, base_folder)


def _read_failures(options: Options, number: int, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    path = _folder_of(options) / "failure_records" / f"{day.isoformat()}.csv"
    if not (base_folder / path).exists():
        _write_atomically(base_folder / path, render_failure_records(fleet_of(options), number, day))
    yield from failure_records.read_day(failure_records.Options(path=str(path)), day, base_folder)


_READERS = {
    "drives": _read_drives,
    "inventory": _read_inventory,
    "kernel_log": _read_kernel_log,
    "failure_records": _read_failures,
}


def fleet_of(options: Options) -> Fleet:
    """Return the fleet behind the files, with the truth about who fails when."""
    return _fleet_of(
        FleetPlan(
            n_hosts=options.n_hosts,
            drives_per_host=options.drives_per_host,
            n_days=options.n_days,
            seed=options.seed,
            annual_failure_rate=options.annual_failure_rate,
        )
    )


@functools.lru_cache(maxsize=2)
def _fleet_of(plan: FleetPlan) -> Fleet:
    return simulate_fleet(plan)


def _folder_of(options: Options) -> Path:
    """Files of different fleets never mix, and neither do those of different spans."""
    text = options.model_dump_json(exclude={"path", "part"})
    return Path(options.path) / f"fleet-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    with os.fdopen(handle, "wb") as sink:
        sink.write(data)
    Path(name).replace(path)
