"""Make the days of component kinds that are declared as data; this step knows none of their names."""

import datetime as dt
import logging

from data_contracts.loader import load_contract
from features.component_kinds import ComponentKind, make_component_days
from pipelines.cube_reading import shard_row_groups
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.raw_parts import first_row_of_each, read_raw_parts
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts
from pipelines.validation import validate_day

log = logging.getLogger(__name__)


def build_kind_day(kind: ComponentKind, day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write the kind's core_ dataset of ``day`` from the raw_ datasets that its signals name.

    A raw_ dataset that no source delivered leaves its signals null; ``MissingInputError`` if there is
    none of them at all.
    """
    raw = {}
    for name in kind.raw_datasets:
        # What two sources deliver alike counts once: the source named first in the settings wins.
        if (table := read_raw_parts(name, day, settings, lake)) is not None:
            raw[name], _ = first_row_of_each(load_contract(name).grain, table)
    if not raw:
        raise MissingInputError(
            f"{kind.dataset} has nothing to be made of: no source delivered {' or '.join(kind.raw_datasets)} of "
            f"{day}. Run: prefail ingest --day {day}",
            dataset=kind.dataset,
            day=day.isoformat(),
        )
    inventory = read_raw_parts("raw_inventory", day, settings, lake)
    if inventory is not None:
        inventory, _ = first_row_of_each(["component_id"], inventory)
    made = make_component_days(kind, raw, inventory)
    checked = validate_day(load_contract(kind.dataset), made.table, day, lake)
    groups = shard_row_groups(checked.table["component_key"].to_numpy())
    lake.write_day(kind.dataset, day, checked.table, row_group_rows=groups)
    facts = StepFacts(
        step=f"built {kind.kind}",
        day=day,
        facts=(
            ("component_days", checked.table.num_rows),
            ("glitches", made.n_glitches),
            ("quarantined", checked.n_quarantined),
            ("datasets", "+".join(raw)),
        ),
    )
    log.info(facts.summary)
    return facts


def has_raw_rows(kind: ComponentKind, day: dt.date, settings: Settings, lake: Lake) -> bool:
    """Return whether any source delivered anything of the day that the kind is made of."""
    return any(
        lake.has_day(dataset, day, part=source.name)
        for dataset in kind.raw_datasets
        for source in settings.sources
    )
