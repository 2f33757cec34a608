"""Which events of a day lie in another day's folder: lines that were shipped late, or by a clock that is ahead."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.event_table import merge_events
from pipelines.sources.log_events import FileEvents, digest_events
from pipelines.sources.raw_columns import end_of_day
from pipelines.sources.source import InputFile

# A clock may be ahead of the collector's by less than a day, which puts lines into the folder before theirs.
DAYS_AHEAD = 1


@dataclass(frozen=True, kw_only=True)
class LateLines:
    """What other folders add to a day, and the files that do."""

    events: pa.RecordBatch
    inputs: tuple[InputFile, ...]


def folders_with_late_lines(day: dt.date, late_days: int) -> list[dt.date]:
    """Return the days in whose folders lines of ``day`` are looked for, besides its own; none where it is 0."""
    if not late_days:
        return []
    before = [day - dt.timedelta(days=n) for n in range(1, DAYS_AHEAD + 1)]
    return [*before, *(day + dt.timedelta(days=n) for n in range(1, late_days + 1))]


def add_late_lines(
    own: pa.RecordBatch, day: dt.date, folders: Sequence[tuple[dt.date, Sequence[FileEvents]]]
) -> LateLines:
    """Return the events of ``day`` with what the files of other folders add, folder by folder.

    The same event in two folders is the same lines copied twice: the larger count counts. Whatever a later
    folder adds is known from the end of that folder's day.
    """
    events, inputs = own, list[InputFile]()
    for folder_day, files in folders:
        of_day = [read.collector.events_of(day) for read in files]
        extra = _beyond(events, merge_events(of_day))
        if not extra.num_rows:
            continue
        known = end_of_day(folder_day).timestamp() if folder_day > day else 0.0
        extra = extra.set_column(
            extra.schema.get_field_index("known_second"),
            "known_second",
            pa.repeat(pa.scalar(known), extra.num_rows),
        )
        events = merge_events([events, extra])
        for read, found in zip(files, of_day, strict=True):
            if read.input_file is not None and pc.any(pc.is_in(found["event_id"], extra["event_id"])).as_py():
                inputs.append(
                    InputFile(
                        name=f"{folder_day}/{read.input_file.name}",
                        size_bytes=read.input_file.size_bytes,
                        sha256=digest_events(found),
                    )
                )
    return LateLines(events=events, inputs=tuple(inputs))


def _beyond(events: pa.RecordBatch, others: pa.RecordBatch) -> pa.RecordBatch:
    """Return the others with how often they happened beyond what ``events`` count, those that did."""
    at = pc.index_in(others["event_id"], value_set=events["event_id"])
    counted = pc.fill_null(events["n_events"].take(at), 0).to_numpy()
    more = others["n_events"].to_numpy() - counted
    beyond = others.set_column(others.schema.get_field_index("n_events"), "n_events", pa.array(more))
    return beyond.filter(pa.array(np.greater(more, 0)))
