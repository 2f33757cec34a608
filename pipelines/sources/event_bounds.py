"""Bound what one host may say in one day: what is beyond is counted, in one row."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.sources.event_table import (
    MINUTES_A_DAY,
    READINGS,
    day_numbers_of,
    group_readings,
    merge_events,
)
from pipelines.sources.memory_places import PLACES

# A host that writes more distinct events than this a day is broken in a way that the rest won't tell better.
MAX_EVENTS_PER_HOST_DAY = 50_000
MAX_TEMPLATES_PER_HOST_DAY = 5_000
_OVERFLOW = "(lines of further templates)"
_MANY_EVENTS = "known events beyond the bound for a host and day"
_MANY_TEMPLATES = "lines of templates beyond the bound for a host and day"
_MAX_DAYS = 200_000


def bound_events(events: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    """Return the events that came first, up to the bounds, and how many lines are in the rows of the rest."""
    is_known = pc.not_equal(events["signature"], "").to_numpy(zero_copy_only=False)
    is_counted = pc.not_equal(events["template"], _OVERFLOW).to_numpy(zero_copy_only=False)
    hosts = events["host_id"].dictionary_encode().indices.to_numpy().astype(np.int64)
    owners = (hosts * _MAX_DAYS + day_numbers_of(events)) * 2 + is_known
    bounds = np.where(is_known, MAX_EVENTS_PER_HOST_DAY, MAX_TEMPLATES_PER_HOST_DAY)
    is_beyond = is_counted & (_places_in_line(np.where(is_counted, owners, -1)) >= bounds)
    n_lines: Counter[str] = Counter()
    if not is_beyond.any():
        return events, n_lines
    for reason, chosen in ((_MANY_EVENTS, is_known), (_MANY_TEMPLATES, ~is_known)):
        n_lines[reason] = int(events["n_lines"].to_numpy()[is_beyond & chosen].sum())
    beyond = group_readings(_without_details(events.filter(pa.array(is_beyond))))
    return merge_events([events.filter(pa.array(~is_beyond)), beyond]), +n_lines


def _places_in_line(owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of the same owner come before each."""
    order = np.argsort(owners, kind="stable")
    in_order = owners[order]
    is_first = np.concatenate([np.ones(min(1, len(owners)), np.bool_), in_order[1:] != in_order[:-1]])
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(owners)), 0))
    places = np.empty(len(owners), np.int64)
    places[order] = np.arange(len(owners)) - first
    return places


def _without_details(events: pa.RecordBatch) -> pa.RecordBatch:
    n_rows = events.num_rows
    changed = {
        "minute": pa.array(day_numbers_of(events) * MINUTES_A_DAY),
        "template": pa.repeat(pa.scalar(_OVERFLOW), n_rows),
        "component_hint": pa.repeat(pa.scalar(""), n_rows),
        **{name: pa.repeat(pa.scalar(-1, pa.int64()), n_rows) for name in PLACES},
    }
    return pa.record_batch([changed.get(name, events[name]) for name in READINGS.names], schema=READINGS)
