"""Make the days of drives, whose readings vendors pack each in their own way, and their failures."""

import datetime as dt
import logging
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import load_contract
from features.population import count_population
from features.signals import load_signals
from features.smart_decoding import decode_drive_smart
from pipelines.cube_reading import shard_row_groups
from pipelines.day_failures import describe_drives
from pipelines.lake import Lake
from pipelines.populations import DATASET as POPULATIONS
from pipelines.raw_parts import first_row_of_each, read_raw_parts
from pipelines.settings import Settings
from pipelines.validation import validate_day

log = logging.getLogger(__name__)

DATASET = "core_drive_days"


@dataclass(frozen=True, kw_only=True)
class DriveDays:
    """A day of drives, checked and not yet written: their days, population and failures."""

    table: pa.Table
    population: pa.Table
    failures: pa.Table
    facts: tuple[tuple[str, object], ...]


def make_drive_days(
    day: dt.date, settings: Settings, lake: Lake, *, inventory: pa.Table | None
) -> DriveDays | None:
    """Return the day of drives; None where no source delivered any.

    ``inventory`` is the day's raw_inventory. A drive that two sources report counts once: the source named
    first in the settings wins.
    """
    raw = read_raw_parts("raw_drive_smart", day, settings, lake)
    if raw is None:
        return None
    raw, n_doubled = first_row_of_each(["serial_number"], raw)
    decoded = decode_drive_smart(raw, inventory)
    checked = validate_day(load_contract(DATASET), decoded.table, day, lake)
    counts = count_population(checked.table, [signal.name for signal in load_signals()], "drive")
    population = validate_day(load_contract(POPULATIONS), counts, day, lake)
    return DriveDays(
        table=checked.table,
        population=population.table,
        failures=describe_drives(raw, checked.table),
        facts=(
            ("component_days", checked.table.num_rows),
            ("hosts", len(pc.unique(checked.table["host_id"])) - decoded.n_unknown_hosts),
            ("unknown_hosts", decoded.n_unknown_hosts),
            ("glitches", decoded.n_glitches),
            ("quarantined", checked.n_quarantined),
            ("reported_twice", n_doubled),
        ),
    )


def write_drive_days(day: dt.date, drives: DriveDays, lake: Lake) -> None:
    """Write core_model_population and, last, core_drive_days: other steps take it as "this day is built"."""
    lake.write_day(POPULATIONS, day, drives.population)
    row_groups = shard_row_groups(drives.table["component_key"].to_numpy())
    lake.write_day(DATASET, day, drives.table, row_group_rows=row_groups)
