"""Make the days of component kinds that are declared as data; this step knows none of their names."""

import datetime as dt
import logging
from collections.abc import Sequence

import pyarrow as pa

from data_contracts.loader import load_contract
from features.component_kinds import ComponentKind
from features.kind_days import make_component_days
from features.population import count_population
from pipelines.cube_reading import shard_row_groups
from pipelines.earlier_values import read_earlier_values
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.populations import DATASET as POPULATIONS
from pipelines.populations import population_part
from pipelines.raw_parts import first_row_of_each, read_raw_parts
from pipelines.settings import Settings
from pipelines.silent_signals import find_unheard_signals
from pipelines.source_outages import SourceOutage
from pipelines.step_facts import StepFacts
from pipelines.validation import validate_day

log = logging.getLogger(__name__)


def build_kind_day(
    kind: ComponentKind,
    day: dt.date,
    settings: Settings,
    lake: Lake,
    *,
    inventory: pa.Table | None,
    outages: Sequence[SourceOutage],
) -> StepFacts:
    """Write the kind's part of core_model_population and, last, its core_ dataset of ``day``.

    A raw_ dataset that no source delivered leaves its signals null; ``MissingInputError`` if there is
    none of them at all. Where nothing speaks of a component of the kind, its day is removed. What only a
    source that is down used to say of a host is null, though others still speak of the host. ``inventory`` is the
    day's raw_inventory, ``outages`` are those of the day.
    """
    raw = {}
    for name in kind.raw_datasets:
        grain = load_contract(name).grain
        columns = kind.columns_of(name) | set(grain)
        # What two sources deliver alike counts once: the source named first in the settings wins.
        if (table := read_raw_parts(name, day, settings, lake, columns=columns)) is not None:
            raw[name], _ = first_row_of_each(grain, table)
    if not raw:
        raise MissingInputError(
            f"{kind.dataset} has nothing to be made of: no source delivered {' or '.join(kind.raw_datasets)} of "
            f"{day}. Run: prefail ingest --day {day}",
            dataset=kind.dataset,
            day=day.isoformat(),
        )
    earlier = read_earlier_values(kind, day, raw, settings, lake)
    unheard = find_unheard_signals(kind, day, raw, outages, settings, lake)
    made = make_component_days(kind, raw, inventory, earlier, unheard)
    part = population_part(kind.kind)
    if made.table.num_rows == 0:
        lake.delete_day(POPULATIONS, day, part=part)
        lake.delete_day(kind.dataset, day)
        n_rows = n_quarantined = 0
    else:
        checked = validate_day(load_contract(kind.dataset), made.table, day, lake)
        n_rows, n_quarantined = checked.table.num_rows, checked.n_quarantined
        counts = count_population(checked.table, [signal.name for signal in kind.signals], kind.kind)
        population = validate_day(load_contract(POPULATIONS), counts, day, lake, part=part)
        lake.write_day(POPULATIONS, day, population.table, part=part)
        groups = shard_row_groups(checked.table["component_key"].to_numpy())
        lake.write_day(kind.dataset, day, checked.table, row_group_rows=groups)
    facts = StepFacts(
        step=f"built {kind.kind}",
        day=day,
        facts=(
            ("component_days", n_rows),
            ("unplaced_rows", made.n_unplaced),
            ("unknown_parts", made.n_unknown),
            ("glitches", made.n_glitches),
            ("quarantined", n_quarantined),
            ("datasets", "+".join(raw)),
            *([("unheard_signals", len(unheard.hosts))] if unheard.hosts else []),
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
