"""Hardware events as columns: which of them are one row of raw_hw_events, and what that row says.

*Readings* have one row per line that was read, in the order of arrival. *Events* have one row per ``event_id``, in
the order in which they came first.
"""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.log_templates import MAX_MESSAGE_CHARS, escape_text, template_id
from features.signature_reading import are_plain
from pipelines.sources.memory_places import PLACES
from pipelines.sources.raw_columns import complete_columns

DATASET = "raw_hw_events"
MINUTES_A_DAY = 1440
_MAX_EVENTS_OF_A_ROW = 1_000_000_000
_ID_BYTES = 12

# minute and second are of the Unix epoch; for lines that no signature speaks of, the minute is the day's first.
# A place of -1 is not known, an empty signature or component_hint is none.
READINGS = pa.schema(
    [
        *(("host_id", pa.string()), ("minute", pa.int64()), ("signature", pa.string())),
        *(
            ("template", pa.string()),
            ("component_hint", pa.string()),
            *((name, pa.int64()) for name in PLACES),
        ),
        *(("component_kind", pa.string()), ("event_class", pa.string()), ("severity", pa.string())),
        *(
            ("message", pa.string()),
            ("second", pa.float64()),
            ("n_events", pa.int64()),
            ("n_lines", pa.int64()),
        ),
    ]
)
# known_second is 0 where an event was known when it happened, else when its last line reached us.
EVENTS = READINGS.append(pa.field("event_id", pa.string())).append(pa.field("known_second", pa.float64()))
_PLAIN_MESSAGE = f"^[ -~]{{1,{MAX_MESSAGE_CHARS}}}$"


def group_readings(readings: pa.RecordBatch) -> pa.RecordBatch:
    """Return the events: readings of one host, minute, signature, template, part and place are one."""
    found = _identities(readings).dictionary_encode()
    grouped = _group(readings, found.indices).append_column("event_id", _digests(found.dictionary))
    return grouped.append_column("known_second", pa.repeat(pa.scalar(0.0), grouped.num_rows))


def merge_events(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the events of all batches, each once."""
    filled = [batch for batch in batches if batch.num_rows]
    if not filled:
        return pa.RecordBatch.from_pylist([], EVENTS)
    together = pa.concat_batches(filled)
    if _have_own_hosts(filled, together):
        return together
    ids = together["event_id"].dictionary_encode()
    return together if len(ids.dictionary) == len(ids) else _group(together, ids.indices)


def _have_own_hosts(batches: Sequence[pa.RecordBatch], together: pa.RecordBatch) -> bool:
    """Return whether no host is in two batches: then no event is either."""
    n_hosts = sum(len(pc.unique(batch["host_id"])) for batch in batches)
    return n_hosts == len(pc.unique(together["host_id"]))


def _group(rows: pa.RecordBatch, groups: pa.Int32Array) -> pa.RecordBatch:
    """Return one row per group, in the groups' order, with the sum of the counts.

    The earliest line speaks for the row, between equal times the smaller text: order must not matter.
    """
    if not rows.num_rows:
        return rows
    keys = [(name, "ascending") for name in ("group", "second", "message")]
    sortable = pa.record_batch({"group": groups, "second": rows["second"], "message": rows["message"]})
    order = pc.sort_indices(sortable, sort_keys=keys)
    in_order = groups.take(order).to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    grouped = rows.take(order.take(pa.array(starts)))
    for name, sum_up in (("n_events", np.add), ("n_lines", np.add), ("known_second", np.maximum)):
        if name in rows.schema.names:
            values = sum_up.reduceat(rows[name].to_numpy()[order.to_numpy()], starts)
            grouped = grouped.set_column(grouped.schema.get_field_index(name), name, pa.array(values))
    return grouped


def day_numbers_of(events: pa.RecordBatch) -> NDArray[np.int64]:
    """Return the day of each row, counted from 1970-01-01."""
    days: NDArray[np.int64] = events["minute"].to_numpy() // MINUTES_A_DAY
    return days


def raw_rows(events: pa.RecordBatch, source: str) -> pa.Table:
    """Return raw_hw_events, sorted by time."""
    names = ("second", "host_id", "signature", "template", "event_id")
    events = events.take(pc.sort_indices(events, sort_keys=[(name, "ascending") for name in names]))
    n_rows = events.num_rows
    happened = events["second"].to_numpy()
    columns: dict[str, pa.Array] = {
        **{
            name: events[name]
            for name in ("event_id", "host_id", "component_kind", "event_class", "template")
        },
        **{
            name: _null_where(events[name], pc.equal(events[name], ""))
            for name in ("component_hint", "signature")
        },
        "template_id": _map_distinct(events["template"], template_id, pa.uint64()),
        "message": _printable(events["message"]),
        "severity": events["severity"],
        "n_events": pc.min_element_wise(events["n_events"], _MAX_EVENTS_OF_A_ROW).cast(pa.int32()),
        "happened_at": _timestamps(happened),
        "source": pa.repeat(pa.scalar(source), n_rows),
        "known_at": _timestamps(np.maximum(happened, events["known_second"].to_numpy())),
        **{name: _null_where(events[name], pc.less(events[name], 0)).cast(pa.int32()) for name in PLACES},
    }
    return complete_columns(DATASET, columns, n_rows)


def _timestamps(seconds: NDArray[np.float64]) -> pa.TimestampArray:
    return pa.array(np.rint(seconds * 1e6).astype(np.int64)).cast(pa.timestamp("us", tz="UTC"))


def _identities(readings: pa.RecordBatch) -> pa.StringArray:
    """Return what makes a reading's event, as text; stored ids are digests of it, so it never changes."""
    texts = {
        name: _map_distinct(readings[name], repr, pa.string())
        for name in ("host_id", "signature", "template", "component_hint")
    }
    minute = readings["minute"].cast(pa.string())
    place = [
        pc.if_else(pc.less(readings[name], 0), "None", readings[name].cast(pa.string())) for name in PLACES
    ]
    places = pc.binary_join_element_wise(*place, ", ")
    joined: pa.StringArray = pc.binary_join_element_wise(
        *("(", texts["host_id"], ", ", minute, ", ", texts["signature"], ", ", texts["template"], ", "),
        *(texts["component_hint"], ", (", places, "))", ""),
    )
    return joined


def _digests(identities: pa.StringArray) -> pa.StringArray:
    digests = [
        hashlib.blake2b(identity, digest_size=_ID_BYTES).digest()
        for identity in identities.cast(pa.binary()).to_pylist()
    ]
    offsets = np.arange(len(digests) + 1, dtype=np.int32) * (2 * _ID_BYTES)
    texts = b"".join(digests).hex().encode()
    return pa.StringArray.from_buffers(len(digests), pa.py_buffer(offsets), pa.py_buffer(texts))


def _map_distinct(texts: pa.StringArray, change: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    encoded = texts.dictionary_encode()
    return pa.array([change(text) for text in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def _null_where(values: pa.Array, is_none: pa.BooleanArray) -> pa.Array:
    return pc.if_else(is_none, pa.scalar(None, values.type), values)


def _printable(messages: pa.StringArray) -> pa.StringArray:
    """Return the messages fit for a report; nearly all are."""
    bounds = pc.min_max(pc.binary_length(messages)).as_py()
    if are_plain(messages) and bounds["min"] and bounds["max"] <= MAX_MESSAGE_CHARS:
        return messages
    is_odd = pc.invert(pc.match_substring_regex(messages, _PLAIN_MESSAGE))
    odd = [escape_text(text) or "(empty)" for text in messages.filter(is_odd).to_pylist()]
    return pc.replace_with_mask(messages, is_odd, pa.array(odd, pa.string())) if odd else messages
