"""Say in words which source was down, and whom the day's list says nothing about because of it."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.target import load_target
from features.words import count_of, name_kind
from pipelines.lake import Lake
from pipelines.outage_reach import mark_fed
from pipelines.source_outages import SourceOutage

SOURCE_DOWN = "source_down"


def describe_outages(
    day: dt.date, outages: Sequence[SourceOutage], predictions: pa.Table, lake: Lake
) -> tuple[str, ...]:
    """Return a sentence for each source that was down, then for each kind that was not built for other reasons.

    "source ipmi delivered nothing of 2026-02-01 (last: 2026-01-31): 312 DIMMs abstained". A component that
    two of them fed is counted with both.
    """
    down = predictions.filter(pc.equal(predictions["abstention_reason"], SOURCE_DOWN))
    # A component that several targets speak of is one component.
    down = down.group_by(["component_kind", "component_id", "host_id"]).aggregate([])
    of_kinds = {
        kind: down.filter(pc.equal(down["component_kind"], kind))
        for kind in sorted(set(down["component_kind"].to_pylist()))
    }
    sentences = []
    for outage in outages:
        fed = {kind: _count_fed(kind, rows, outage, lake) for kind, rows in of_kinds.items()}
        sentences.append(
            f"source {outage.source} delivered nothing of {day} (last: {outage.last_day}): {_word_counts(fed)}"
        )
    for target in sorted(set(predictions["target"].to_pylist())):
        dataset = load_target(target).dataset
        left = predictions.filter(pc.equal(predictions["target"], target))
        left = left.filter(pc.not_equal(left["abstention_reason"], SOURCE_DOWN))
        if left.num_rows and not lake.has_day(dataset, day):
            counts = Counter(left["component_kind"].to_pylist())
            sentences.append(
                f"{dataset} of {day} was not built (the log of that step says why): {_word_counts(counts)}"
            )
    return tuple(sentences)


def _count_fed(kind: str, components: pa.Table, outage: SourceOutage, lake: Lake) -> int:
    return int(pc.sum(mark_fed(kind, components, [outage], lake)).as_py() or 0)


def _word_counts(by_kind: Mapping[str, int]) -> str:
    counted = [count_of(n, name_kind(kind)) for kind, n in by_kind.items() if n]
    return f"{' and '.join(counted)} abstained" if counted else "no component was left out for it"
