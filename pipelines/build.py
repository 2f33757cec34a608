"""Turn a day's raw readings into component-days, the population they are compared with, and failures."""

import datetime as dt
import logging

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.loader import load_contract
from features.component_kinds import list_component_kinds, load_component_kind
from features.population import count_population
from features.shards import component_keys
from features.signals import load_signals
from features.smart_decoding import decode_drive_smart
from pipelines.build_kinds import build_kind_day, has_raw_rows
from pipelines.cube_reading import shard_row_groups
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake
from pipelines.raw_parts import first_row_of_each, read_raw_parts
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts
from pipelines.validation import validate_day

log = logging.getLogger(__name__)


def build_day(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write core_failures, core_model_population and, last, core_drive_days of ``day`` from its raw_ parts.

    Before them, the days of every component kind of ``features/component_kinds`` of which something was
    delivered. A drive that two sources report counts once: the source named first in the settings wins.
    """
    _build_kinds(day, settings, lake)
    raw = read_raw_parts("raw_drive_smart", day, settings, lake)
    if raw is None:
        raise MissingInputError(
            f"raw_drive_smart has no data of {day}. Run: prefail ingest --day {day}",
            dataset="raw_drive_smart",
            day=day.isoformat(),
        )
    raw, n_doubled = first_row_of_each(["serial_number"], raw)
    inventory = read_raw_parts("raw_inventory", day, settings, lake)
    if inventory is not None:
        inventory, _ = first_row_of_each(["component_id"], inventory)

    decoded = decode_drive_smart(raw, inventory)
    drive_days = validate_day(load_contract("core_drive_days"), decoded.table, day, lake)
    failures = validate_day(load_contract("core_failures"), _failures_of(raw, drive_days.table), day, lake)
    population = validate_day(
        load_contract("core_model_population"),
        count_population(drive_days.table, [signal.name for signal in load_signals()]),
        day,
        lake,
    )

    lake.write_day("core_failures", day, failures.table)
    lake.write_day("core_model_population", day, population.table)
    # Last, because the other steps take its presence as "this day is built".
    row_groups = shard_row_groups(drive_days.table["component_key"].to_numpy())
    lake.write_day("core_drive_days", day, drive_days.table, row_group_rows=row_groups)
    facts = StepFacts(
        step="built",
        day=day,
        facts=(
            ("component_days", drive_days.table.num_rows),
            ("failures", failures.table.num_rows),
            ("hosts", len(pc.unique(drive_days.table["host_id"])) - decoded.n_unknown_hosts),
            ("unknown_hosts", decoded.n_unknown_hosts),
            ("glitches", decoded.n_glitches),
            ("quarantined", drive_days.n_quarantined),
            ("reported_twice", n_doubled),
        ),
    )
    log.info(facts.summary)
    return facts


def _build_kinds(day: dt.date, settings: Settings, lake: Lake) -> None:
    """A kind that can't be built is said and left out: it costs the others nothing."""
    for name in list_component_kinds():
        kind = load_component_kind(name)
        if not has_raw_rows(kind, day, settings, lake):
            continue
        try:
            build_kind_day(kind, day, settings, lake)
        except PermanentError as error:
            log.error(f"{kind.dataset} of {day} was not built: {error}")


def _failures_of(raw: pa.Table, drive_days: pa.Table) -> pa.Table:
    """Return one row per drive whose source says that it failed on this day."""
    failed = raw.filter(raw["is_failed"]).select(["serial_number", "source", "known_at"])
    where = pc.index_in(failed["serial_number"], value_set=drive_days["component_id"].combine_chunks())
    found = pc.is_valid(where)
    failed, where = failed.filter(found), where.filter(found)
    known = drive_days.select(["component_id", "model", "host_id"]).take(where)
    n = failed.num_rows
    return pa.table(
        {
            "component_id": known["component_id"],
            "component_key": pa.array(component_keys(known["component_id"]), pa.uint64()),
            "component_kind": pa.array(["drive"] * n, pa.string()),
            "model": known["model"],
            "host_id": known["host_id"],
            "failure_source": failed["source"],
            "is_confirmed": pa.array([True] * n, pa.bool_()),
            "known_at": failed["known_at"],
        }
    )
