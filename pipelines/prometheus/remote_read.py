"""The wire format of Prometheus' remote read: which bytes ask for series, and which samples bytes hold.

Messages ``ReadRequest`` and ``ReadResponse`` of prometheus/prompb/remote.proto, in snappy's block
format. A sample is mostly 18 bytes long (9 where its value is 0, which protobuf leaves out), so whole
series are read as NumPy records; whatever has another shape is read field by field.
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
    skip_field,
)

# Far above any day of one metric; guards against a length field that is a lie.
MAX_MESSAGE_BYTES = 2 << 30

_SAMPLE = np.dtype(
    {
        "names": ["tag", "length", "value_tag", "value", "time"],
        "formats": ["u1", "u1", "u1", "<f8", "<u8"],
        "offsets": [0, 1, 2, 3, 10],
        "itemsize": 18,
    }
)
_ZERO_SAMPLE = np.dtype(
    {"names": ["tag", "length", "time"], "formats": ["u1", "u1", "<u8"], "offsets": [0, 1, 1], "itemsize": 9}
)
_TIME_TAG = 0x10
_SIX_BYTES_LAST = np.uint64(0x8080808080 << 16)  # five bytes go on, the sixth does not
_SIX_BYTES_MASK = np.uint64(0x808080808080 << 16)

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]


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
    counts, times, values = _read_samples(np.frombuffer(message, np.uint8), spans)
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


def _read_samples(
    data: _Bytes, spans: Sequence[tuple[int, int]]
) -> tuple[npt.NDArray[np.int64], Times, Values]:
    times: list[Times] = [np.zeros(0, np.int64)]
    values: list[Values] = [np.zeros(0)]
    counts = np.zeros(len(spans), np.int64)
    batch: list[_Bytes] = []
    stride = 0
    for number, (start, end) in enumerate(spans):
        size = end - start
        own = 0 if size < 2 else _SAMPLE.itemsize if data[start + 1] == 16 else _ZERO_SAMPLE.itemsize
        if own == 0 or size % own:
            own = 0
        if batch and own != stride:
            _flush(batch, stride, counts[number - len(batch) : number], times, values)
        stride = own
        batch.append(data[start:end])
    if batch:
        _flush(batch, stride, counts[len(spans) - len(batch) :], times, values)
    return counts, np.concatenate(times), np.concatenate(values)


def _flush(
    batch: list[_Bytes], stride: int, counts: npt.NDArray[np.int64], times: list[Times], values: list[Values]
) -> None:
    """Decode the series of ``batch`` in one go if all their samples have ``stride`` bytes, else one by one."""
    if stride:
        joined = np.concatenate(batch)
        if (decoded := _read_records(joined, stride)) is not None:
            times.append(decoded[0])
            values.append(decoded[1])
            counts[:] = [len(each) // stride for each in batch]
            batch.clear()
            return
    for number, each in enumerate(batch):
        own_times, own_values = _read_mixed(each)
        times.append(own_times)
        values.append(own_values)
        counts[number] = len(own_times)
    batch.clear()


def _read_records(data: _Bytes, stride: int) -> tuple[Times, Values] | None:
    """Return the samples if all have the usual shape; ``stride`` is 18, or 9 for values that are 0."""
    if stride == _SAMPLE.itemsize:
        records = data.view(_SAMPLE)
        heads = (records["tag"] == 0x12) & (records["length"] == 16) & (records["value_tag"] == 0x09)
        heads &= data[11::18] == _TIME_TAG
        packed = records["time"]
        values = records["value"].astype(np.float64)
    else:
        records = data.view(_ZERO_SAMPLE)
        heads = (records["tag"] == 0x12) & (records["length"] == 7) & (data[2::9] == _TIME_TAG)
        packed = records["time"]
        values = np.zeros(len(records))
    if not heads.all() or not ((packed & _SIX_BYTES_MASK) == _SIX_BYTES_LAST).all():
        return None
    times = np.zeros(len(records), np.uint64)
    for i in range(6):
        # Byte i of the number lies at bit 16 + 8 i of the word that ends with it and counts from bit 7 i.
        times |= (packed >> np.uint64(16 + i)) & np.uint64(0x7F << 7 * i)
    return times.astype(np.int64), values


def _read_mixed(data: _Bytes) -> tuple[Times, Values]:
    """Return the samples of one series of any shape: runs of equal length, and single ones between."""
    times: list[Times] = [np.zeros(0, np.int64)]
    values: list[Values] = [np.zeros(0)]
    raw = data.tobytes()
    at, end = 0, len(raw)
    while at < end:
        stride = {16: 18, 7: 9}.get(raw[at + 1] if at + 1 < end else 0, 0)
        if stride and (run := _run_length(data[at:], stride)):
            decoded = _read_records(data[at : at + run * stride], stride)
            if decoded is not None:
                times.append(decoded[0])
                values.append(decoded[1])
                at += run * stride
                continue
        tag, at = read_varint(raw, at, end)
        if tag != 0x12:
            at = skip_field(raw, tag, at, end)  # histograms and exemplars
            continue
        start, at = read_length(raw, at, end)
        time, value = _read_sample(raw, start, at)
        times.append(np.array([time], np.int64))
        values.append(np.array([value]))
    return np.concatenate(times), np.concatenate(values)


def _run_length(data: _Bytes, stride: int) -> int:
    """Return how many samples of ``stride`` bytes follow each other from here."""
    whole = data[: len(data) // stride * stride]
    alike = (whole[0::stride] == 0x12) & (whole[1::stride] == stride - 2)
    return len(alike) if alike.all() else int(np.argmin(alike))


def _read_sample(data: bytes, at: int, end: int) -> tuple[int, float]:
    time, value = 0, 0.0
    while at < end:
        tag, at = read_varint(data, at, end)
        if tag == 0x09:
            if at + 8 > end:
                raise BrokenMessageError("a value cut short")
            value = float(np.frombuffer(data, "<f8", 1, at)[0])
            at += 8
        elif tag == _TIME_TAG:
            time, at = read_varint(data, at, end)
            time -= (time >> 63) << 64
        else:
            at = skip_field(data, tag, at, end)
    return time, value
