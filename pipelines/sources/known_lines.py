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
    parts: list[pa.RecordBatch] = []
    chosen: list[NDArray[np.int64]] = []
    for code, signature in enumerate(lines.signatures):
        at = np.flatnonzero(lines.signature_codes == code)
        if len(at):
            chosen.append(at)
            parts.append(_read_of_signature(signature, lines, at))
    if not parts:
        return pa.RecordBatch.from_pylist([], READINGS)
    return pa.concat_batches(parts).take(pa.array(np.argsort(np.concatenate(chosen))))


def _read_of_signature(signature: Signature, lines: KnownLines, at: NDArray[np.int64]) -> pa.RecordBatch:
    chosen = pa.array(at)
    seconds = lines.seconds[at]
    # A storm says the same again and again.
    encoded = lines.messages.take(chosen).dictionary_encode()
    distinct, codes = Messages.of(encoded.dictionary), encoded.indices
    read = read_lines(signature, distinct)
    places = np.full((len(distinct.texts), len(PLACES)), -1, np.int64)
    in_memory = pc.match_substring(read.event_classes, "memory")
    if pc.any(in_memory).as_py():
        places[in_memory.to_numpy(zero_copy_only=False)] = read_places(distinct.filter(in_memory))
    n_lines = len(at)
    columns = {
        "host_id": lines.host_ids.take(chosen),
        "template": lines.templates.take(chosen),
        "minute": pa.array((seconds // 60).astype(np.int64)),
        "signature": read.keys.take(codes),
        "component_hint": read.component_hints.take(codes),
        **{name: pa.array(places[:, at]).take(codes) for at, name in enumerate(PLACES)},
        "component_kind": pa.repeat(pa.scalar(signature.component_kind), n_lines),
        "event_class": read.event_classes.take(codes),
        "severity": read.severities.take(codes),
        # What no row shows need not be kept; one character more says that there was more.
        "message": pc.utf8_slice_codeunits(distinct.texts, 0, MAX_MESSAGE_CHARS + 1).take(codes),
        "second": pa.array(seconds),
        "n_events": pa.array(read.n_events).take(codes),
        "n_lines": pa.repeat(pa.scalar(1, pa.int64()), n_lines),
    }
    return pa.record_batch([columns[name] for name in READINGS.names], schema=READINGS)
