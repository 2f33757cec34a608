"""The wire format of Prometheus' remote read: which bytes ask for series, and which samples bytes hold.

Messages ``ReadRequest`` and ``ReadResponse`` of prometheus/prompb/remote.proto, in snappy's block
format. The samples of its series: ``sample_records``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.prometheus.catalogue import Labels
from pipelines.prometheus.errors import TooMuchError
from pipelines.prometheus.protobuf_fields import (
    BrokenMessageError,
    encode_field,
    list_messages,
    read_length,
    read_varint,
)
from pipelines.prometheus.sample_records import Times, Values, read_samples

# Far above any day of one metric; guards against a length field that is a lie.
MAX_MESSAGE_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """What a label must be: equal to ``value``, or a full match of it as a regular expression (RE2)."""

    name: str
    value: str
    is_pattern: bool = False


@dataclass(frozen=True, kw_only=True)
class SeriesSamples:
    """Samples of S series, one after the other, each in the order of time.

    ``counts`` (S,) says how many of the N samples belong to each; ``times_ms`` (N,) are milliseconds
    since 1970 UTC.
    """

    labels: tuple[Labels, ...]
    counts: npt.NDArray[np.int64]
    times_ms: Times
    values: Values


def concat_samples(parts: Sequence[SeriesSamples]) -> SeriesSamples:
    """Return the series of all parts; one that lies in two parts is there twice."""
    if len(parts) == 1:
        return parts[0]
    return SeriesSamples(
        labels=tuple(labels for part in parts for labels in part.labels),
        counts=np.concatenate([part.counts for part in parts] or [np.zeros(0, np.int64)]),
        times_ms=np.concatenate([part.times_ms for part in parts] or [np.zeros(0, np.int64)]),
        values=np.concatenate([part.values for part in parts] or [np.zeros(0)]),
    )


def encode_read_request(matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> bytes:
    """Return the body that asks for all samples in ``[first_ms, last_ms]`` of the series that match."""
    query = encode_field(1, first_ms) + encode_field(2, last_ms)
    for matcher in matchers:
        kind = encode_field(1, 2) if matcher.is_pattern else b""
        name, value = matcher.name.encode(), matcher.value.encode()
        query += encode_field(3, kind + encode_field(2, name) + encode_field(3, value))
    compressed: bytes = pa.Codec("snappy").compress(encode_field(1, query), asbytes=True)
    return compressed


def decode_read_response(data: bytes) -> SeriesSamples:
    """Return the series of a reply; ``BrokenMessageError`` if it is none or was cut short."""
    message = _decompress(data)
    labels: list[Labels] = []
    spans: list[tuple[int, int]] = []
    known: dict[bytes, tuple[str, str]] = {}
    for result, result_end in list_messages(message, 0, len(message), number=1):
        for start, end in list_messages(message, result, result_end, number=1):
            of_series, samples_at = _read_labels(message, start, end, known)
            labels.append(of_series)
            spans.append((samples_at, end))
    counts, times, values = read_samples(np.frombuffer(message, np.uint8), spans)
    return SeriesSamples(labels=tuple(labels), counts=counts, times_ms=times, values=values)


def _decompress(data: bytes) -> bytes:
    if not data:
        return b""
    size, _ = read_varint(data, 0, len(data))
    if size > MAX_MESSAGE_BYTES:
        raise TooMuchError(f"a reply of {size:,} bytes")
    try:
        message: bytes = pa.Codec("snappy").decompress(data, decompressed_size=size, asbytes=True)
    except (pa.ArrowInvalid, OSError) as broken:
        raise BrokenMessageError("not snappy's block format") from broken
    return message


def _read_labels(data: bytes, at: int, end: int, known: dict[bytes, tuple[str, str]]) -> tuple[Labels, int]:
    """Return the labels at the head of a series and where its samples begin.

    ``known`` remembers labels by their bytes: the series of one metric share most of them.
    """
    labels: dict[str, str] = {}
    while at < end and data[at] == 0x0A:
        start, at = read_length(data, at + 1, end)
        label = data[start:at]
        pair = known.get(label)
        if pair is None:
            pair = known[label] = _read_label(label)
        labels[pair[0]] = pair[1]
    return labels, at


def _read_label(data: bytes) -> tuple[str, str]:
    name = value = ""
    at = 0
    while at < len(data):
        tag = data[at]
        start, at = read_length(data, at + 1, len(data))
        text = data[start:at].decode("utf-8", "replace")
        if tag == 0x0A:
            name = text
        elif tag == 0x12:
            value = text
    return name, value
