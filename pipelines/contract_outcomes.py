"""Say in a line each what the contracts said of the data that a day's list was made of."""

import datetime as dt
from collections.abc import Sequence

from features.target import Target
from pipelines.kind_inputs import list_raw_datasets
from pipelines.lake import ONLY_PART, Lake
from pipelines.populations import DATASET as POPULATIONS
from pipelines.populations import population_part
from pipelines.report.content import ContractOutcome
from pipelines.settings import Settings
from pipelines.verdicts import Verdict, read_verdict

_OF_ALL_KINDS = ("core_failures", "out_predictions")
# Reports lie three folders below the root of the lake.
_TO_ROOT = "../../../"
DATA_DOCS_LINK = f"{_TO_ROOT}data_docs/index.html"


def read_outcomes(
    day: dt.date, targets: Sequence[Target], settings: Settings, lake: Lake
) -> tuple[ContractOutcome, ...]:
    """Return the verdicts of the rows that flowed into the predictions of ``targets``, source by source.

    An attempt that was blocked changed nothing and is not among them; a dataset of which there is
    nothing is left out.
    """
    raw = [dataset for target in targets for dataset in list_raw_datasets(target.component_kind)]
    parts = [
        (dataset, source.name)
        for dataset in (*dict.fromkeys(raw), "raw_inventory")
        for source in settings.sources
    ]
    parts += [(dataset, ONLY_PART) for dataset in dict.fromkeys(target.dataset for target in targets)]
    kinds = dict.fromkeys(target.component_kind for target in targets)
    parts += [(POPULATIONS, population_part(kind)) for kind in kinds]
    parts += [(dataset, ONLY_PART) for dataset in _OF_ALL_KINDS]
    verdicts = (read_verdict(lake, dataset, day, part) for dataset, part in parts)
    return tuple(_describe(verdict) for verdict in verdicts if verdict is not None)


def _describe(verdict: Verdict) -> ContractOutcome:
    of_source = "" if verdict.part == ONLY_PART else f" from {verdict.part}"
    details = [f"{verdict.n_rows:,} rows"]
    if verdict.n_quarantined:
        details.append(f"{verdict.n_quarantined:,} set aside")
    details += [f"{rule.claim}: {rule.n_rows_at_fault:,} rows" for rule in verdict.broken_rules]
    return ContractOutcome(
        dataset=f"{verdict.dataset}{of_source}",
        verdict=verdict.verdict.value,
        detail="; ".join(details),
        link=f"{_TO_ROOT}verdicts/{verdict.dataset}/day={verdict.day.isoformat()}/part-{verdict.part}.json",
    )
