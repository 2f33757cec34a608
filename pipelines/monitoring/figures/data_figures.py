"""Figures of what was delivered and built: rows, verdicts, freshness, sources that are down."""

import datetime as dt

from data_contracts.loader import list_contracts
from pipelines.deliveries import has_delivered
from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, Sample, end_of_day_seconds
from pipelines.settings import Settings
from pipelines.source_outages import find_outages
from pipelines.verdicts import VerdictWord, read_day_verdicts

_PART = ("dataset", "part")
DAY = Metric(
    name="prefail_day_end_timestamp_seconds", help="End of the UTC day that all other figures are of."
)
ROWS = Metric(
    name="prefail_dataset_rows",
    help="Rows delivered to a part of a dataset, of the day, before quarantine.",
    labels=_PART,
)
QUARANTINED = Metric(
    name="prefail_dataset_quarantined_rows", help="Rows set aside of a part of a dataset.", labels=_PART
)
VERDICT = Metric(
    name="prefail_dataset_verdict",
    help="1 for what the contract said of a part of the day, 0 for what it did not say.",
    labels=(*_PART, "verdict"),
)
LAST_DAY = Metric(
    name="prefail_dataset_last_day_end_timestamp_seconds",
    help="End of the newest day, up to the day, that a dataset has.",
    labels=("dataset",),
)
SOURCE_LAST_DAY = Metric(
    name="prefail_source_last_day_end_timestamp_seconds",
    help="End of the newest day of the last week that a source of the settings delivered.",
    labels=("source",),
)
METRICS = (DAY, ROWS, QUARANTINED, VERDICT, LAST_DAY, SOURCE_LAST_DAY)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:
    """Return the figures of the day's verdicts, parts and sources."""
    samples = [DAY.sample(end_of_day_seconds(day))]
    for verdict in read_day_verdicts(lake, day, list_contracts()):
        part = (verdict.dataset, verdict.part)
        samples.append(ROWS.sample(verdict.n_rows, *part))
        samples.append(QUARANTINED.sample(verdict.n_quarantined, *part))
        samples += [VERDICT.sample(verdict.verdict is word, *part, word.value) for word in VerdictWord]
    for dataset in list_contracts():
        days = [at for at in lake.list_days(dataset) if at <= day]
        if days:
            samples.append(LAST_DAY.sample(end_of_day_seconds(days[-1]), dataset))
    down = {each.source: each.last_day for each in find_outages(day, settings, lake)}
    for source in settings.sources:
        last_day = day if has_delivered(source.name, day, lake) else down.get(source.name)
        if last_day is not None:
            samples.append(SOURCE_LAST_DAY.sample(end_of_day_seconds(last_day), source.name))
    return samples
