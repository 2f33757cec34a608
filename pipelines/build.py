"""Turn a day's raw readings into component-days, the populations they are compared with, and failures."""

import datetime as dt
import logging
from dataclasses import dataclass

import pyarrow as pa

from data_contracts.loader import load_contract
from features.component_kinds import list_component_kinds, load_component_kind
from pipelines.build_drives import DriveDays, make_drive_days, write_drive_days
from pipelines.build_kinds import build_kind_day, has_raw_rows
from pipelines.day_failures import DATASET as FAILURES
from pipelines.day_failures import find_failures
from pipelines.errors import MissingInputError, PermanentError
from pipelines.inventory import read_inventory
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.source_outages import find_outages
from pipelines.step_facts import StepFacts
from pipelines.unknown_hosts import describe_unknown_hosts, find_unknown_hosts
from pipelines.validation import validate_day

log = logging.getLogger(__name__)


def build_day(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write the days of each component kind, core_failures and, last, core_drive_days of ``day``.

    A kind that can't be built, or of which nothing was delivered, costs the others nothing: its day is not
    written, and said so. Only where none can be built an error is raised: that of the drives, or else the last.
    """
    inventory = read_inventory(day, settings, lake)
    kinds = _build_kinds(day, settings, lake, inventory)
    drives, errors = None, list(kinds.errors)
    try:
        drives = make_drive_days(day, settings, lake, inventory=inventory)
    except PermanentError as error:
        log.error(f"core_drive_days of {day} was not built: {error}")
        errors.append(("drive", error))
    if drives is None and not kinds.built:
        raise errors[-1][1] if errors else _nothing_delivered(day)
    failures = validate_day(
        load_contract(FAILURES),
        find_failures(
            day,
            settings,
            lake,
            inventory=inventory,
            drives=None if drives is None else drives.failures,
            drive_days=None if drives is None else drives.table,
        ),
        day,
        lake,
    )
    lake.write_day(FAILURES, day, failures.table)
    if drives is not None:
        write_drive_days(day, drives, lake)
    unknown = find_unknown_hosts(day, settings, lake)
    facts = StepFacts(
        step="built",
        day=day,
        facts=(
            *_facts_of(drives, failures.table.num_rows, kinds.built, errors),
            *([("hosts_in_no_inventory", len(unknown))] if unknown else []),
        ),
    )
    log.info(facts.summary)
    if unknown:
        log.warning(describe_unknown_hosts(day, unknown))
    return facts


@dataclass(frozen=True, kw_only=True)
class _BuiltKinds:
    """Which kinds have a day with components now, and which could not be built and why."""

    built: tuple[str, ...]
    errors: tuple[tuple[str, PermanentError], ...]


def _build_kinds(day: dt.date, settings: Settings, lake: Lake, inventory: pa.Table | None) -> _BuiltKinds:
    """Build the kinds that are data; a kind that can't be built is said and left out."""
    built, errors = [], []
    outages = find_outages(day, settings, lake)
    for name in list_component_kinds():
        kind = load_component_kind(name)
        if not has_raw_rows(kind, day, settings, lake):
            continue
        try:
            facts = build_kind_day(kind, day, settings, lake, inventory=inventory, outages=outages)
        except PermanentError as error:
            log.error(f"{kind.dataset} of {day} was not built: {error}")
            errors.append((name, error))
        else:
            if facts.fact("component_days"):
                built.append(name)
    return _BuiltKinds(built=tuple(built), errors=tuple(errors))


def _facts_of(
    drives: DriveDays | None,
    n_failures: int,
    kinds: tuple[str, ...],
    errors: list[tuple[str, PermanentError]],
) -> tuple[tuple[str, object], ...]:
    of_drives = (("component_days", 0),) if drives is None else drives.facts
    facts: list[tuple[str, object]] = [of_drives[0], ("failures", n_failures), *of_drives[1:]]
    if kinds:
        facts.append(("kinds", "+".join(kinds)))
    if errors:
        facts.append(("not_built", "+".join(name for name, _ in errors)))
    return tuple(facts)


def _nothing_delivered(day: dt.date) -> MissingInputError:
    return MissingInputError(
        f"raw_drive_smart has no data of {day}, and no other kind of component was delivered. Nothing was "
        f"written. Run: prefail ingest --day {day}",
        dataset="raw_drive_smart",
        day=day.isoformat(),
    )
