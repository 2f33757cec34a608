"""Read lines that have a signature, many at once: the part they speak of, where in it, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.log_templates import MAX_MESSAGE_CHARS
from features.signature_reading import Messages, read_lines
from features.signatures import Signature
from pipelines.sources.event_table import READINGS
from pipelines.sources.memory_places import PLACES, read_places


@dataclass(frozen=True, kw_only=True)
class KnownLines:
    """(N,) lines; ``signatures[signature_codes]`` are theirs. ``seconds`` are of the Unix epoch."""

    host_ids: pa.StringArray
    seconds: NDArray[np.float64]
    signatures: Sequence[Signature]
    signature_codes: NDArray[np.int64]
    templates: pa.StringArray
    messages: pa.StringArray


def read_known_lines(lines: KnownLines) -> pa.RecordBatch:
    """Return the readings of the lines, in their order; host ids are printable."""
    n_lines, n_told = len(lines.seconds), 0
    parts: list[pa.RecordBatch] = []
    codes = np.zeros(n_lines, np.int64)
    for code, signature in enumerate(lines.signatures):
        at = np.flatnonzero(lines.signature_codes == code)
        if len(at):
            # A storm says the same again and again.
            encoded = lines.messages.take(pa.array(at)).dictionary_encode()
            codes[at] = encoded.indices.to_numpy() + n_told
            parts.append(_read_messages(signature, Messages.of(encoded.dictionary)))
            n_told += parts[-1].num_rows
    if not parts:
        return pa.RecordBatch.from_pylist([], READINGS)
    told = pa.concat_batches(parts).take(pa.array(codes))
    columns = {
        **{name: told[name] for name in told.schema.names},
        "host_id": lines.host_ids,
        "template": lines.templates,
        "minute": pa.array((lines.seconds // 60).astype(np.int64)),
        "second": pa.array(lines.seconds),
        "n_lines": pa.repeat(pa.scalar(1, pa.int64()), n_lines),
    }
    return pa.record_batch([columns[name] for name in READINGS.names], schema=READINGS)


def _read_messages(signature: Signature, messages: Messages) -> pa.RecordBatch:
    """Return what messages of one signature say of part, place and count."""
    read = read_lines(signature, messages)
    places = np.full((len(messages.texts), len(PLACES)), -1, np.int64)
    in_memory = pc.match_substring(read.event_classes, "memory")
    if pc.any(in_memory).as_py():
        places[in_memory.to_numpy(zero_copy_only=False)] = read_places(messages.filter(in_memory))
    return pa.record_batch(
        {
            "signature": read.keys,
            "component_hint": read.component_hints,
            **{name: pa.array(places[:, at]) for at, name in enumerate(PLACES)},
            "component_kind": pa.repeat(pa.scalar(signature.component_kind), len(messages.texts)),
            "event_class": read.event_classes,
            "severity": read.severities,
            # What no row shows need not be kept; one character more says that there was more.
            "message": pc.utf8_slice_codeunits(messages.texts, 0, MAX_MESSAGE_CHARS + 1),
            "n_events": pa.array(read.n_events),
        }
    )
