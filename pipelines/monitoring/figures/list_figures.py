"""Figures of the list: how many were scored, abstained on and why, and listed."""

import datetime as dt
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.at_risk_table import DATASET as LISTED
from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.settings import Settings

SCORED = Metric(
    name="prefail_scored_components", help="Components with a risk of the day.", labels=("target",)
)
ABSTAINED = Metric(
    name="prefail_abstained_components",
    help="Components in service that were not scored, by why.",
    labels=("target", "reason"),
)
ABSTAINED_SHARE = Metric(
    name="prefail_abstained_ratio",
    help="Share of the components in service that were not scored.",
    labels=("target",),
)
LIST_COMPONENTS = Metric(
    name="prefail_listed_components", help="Components on the day's list.", labels=("target",)
)
LIST_HOSTS = Metric(name="prefail_listed_hosts", help="Hosts on the day's list.")
HIGHEST = Metric(
    name="prefail_highest_risk_ratio", help="Highest calibrated risk of the day.", labels=("target",)
)
METRICS = (SCORED, ABSTAINED, ABSTAINED_SHARE, LIST_COMPONENTS, LIST_HOSTS, HIGHEST)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:
    """Return the figures of the day's predictions and list; nothing of what is not there."""
    samples = []
    if lake.has_day("out_predictions", day):
        rows = lake.read_day("out_predictions", day, ("target", "risk", "abstention_reason"))
        for target in sorted(rows["target"].unique().to_pylist()):
            samples += _measure_target(target, rows.filter(pc.equal(rows["target"], target)))
    if lake.has_day(LISTED, day):
        listed = lake.read_day(LISTED, day, ("target", "host_id"))
        counts = Counter(listed["target"].to_pylist())
        # A target with nothing listed is a figure too; without it an empty list looks like no list.
        samples += [LIST_COMPONENTS.sample(counts[target], target) for target in settings.targets]
        samples.append(LIST_HOSTS.sample(len(listed["host_id"].unique())))
    return samples


def _measure_target(target: str, rows: pa.Table) -> list[Sample]:
    abstained = rows.filter(pc.is_null(rows["risk"]))["abstention_reason"].value_counts().to_pylist()
    n_abstained = rows["risk"].null_count
    return [
        SCORED.sample(rows.num_rows - n_abstained, target),
        ABSTAINED_SHARE.sample(n_abstained / rows.num_rows, target),
        HIGHEST.sample(pc.max(rows["risk"]).as_py() or 0.0, target),
        *(
            ABSTAINED.sample(each["counts"], target, each["values"])
            for each in sorted(abstained, key=lambda each: each["values"])
        ),
    ]
