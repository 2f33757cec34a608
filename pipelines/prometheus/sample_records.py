"""Read the samples of many series at once: runs of equal length as NumPy records, all else field by field.

A sample is mostly 18 bytes long, and 9 where its value is 0, which protobuf leaves out. A series is
taken for one run; where that is wrong (a counter that begins to count) it is split into its runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.prometheus.protobuf_fields import BrokenMessageError, read_length, read_varint, skip_field

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

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
_STRIDES = {16: _SAMPLE.itemsize, 7: _ZERO_SAMPLE.itemsize}  # by the length that a sample says of itself
_SAMPLE_TAG, _VALUE_TAG, _TIME_TAG = 0x12, 0x09, 0x10
_SIX_BYTES_LAST = np.uint64(0x8080808080 << 16)  # five bytes go on, the sixth does not
_SIX_BYTES_MASK = np.uint64(0x808080808080 << 16)


@dataclass(frozen=True, slots=True)
class _Run:
    """Bytes ``[start, end)`` of the message, of one series; ``stride`` 0: of any shape."""

    series: int
    start: int
    end: int
    stride: int


@dataclass(frozen=True, slots=True)
class _Part:
    """The samples of a run."""

    run: _Run
    times: Times
    values: Values


def read_samples(
    data: Bytes, spans: Sequence[tuple[int, int]]
) -> tuple[npt.NDArray[np.int64], Times, Values]:
    """Return how many samples each of S series has (S,), and all their times and values (N,), in order.

    ``spans`` say where in the message each series' samples lie, ascending. ``BrokenMessageError`` if
    there is anything else.
    """
    whole = [
        _Run(number, start, end, _guess_stride(data, start, end)) for number, (start, end) in enumerate(spans)
    ]
    parts, unlike = _read_runs(data, whole)
    of_pieces, odd = _read_runs(data, [piece for run in unlike for piece in _split(data, run)])
    parts += of_pieces + [_read_fields(data, run) for run in odd]
    parts.sort(key=lambda part: part.run.start)
    counts = np.zeros(len(spans), np.int64)
    for part in parts:
        counts[part.run.series] += len(part.times)
    return (
        counts,
        np.concatenate([np.zeros(0, np.int64), *(part.times for part in parts)]),
        np.concatenate([np.zeros(0), *(part.values for part in parts)]),
    )


def _guess_stride(data: Bytes, start: int, end: int) -> int:
    stride = _STRIDES.get(int(data[start + 1]), 0) if end - start >= 2 else 0
    return stride if stride and (end - start) % stride == 0 else 0


def _read_runs(data: Bytes, runs: Sequence[_Run]) -> tuple[list[_Part], list[_Run]]:
    """Return the samples of the runs that are what their stride says, and the other runs."""
    parts: list[_Part] = []
    unlike = [run for run in runs if not run.stride]
    for stride in _STRIDES.values():
        own = [run for run in runs if run.stride == stride]
        if not own:
            continue
        ends = np.cumsum([(run.end - run.start) // stride for run in own])
        firsts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        times, values, is_usual = _read_records(np.concatenate([data[r.start : r.end] for r in own]), stride)
        is_alike = np.logical_and.reduceat(is_usual, firsts).tolist()
        for run, first, end, is_right in zip(own, firsts.tolist(), ends.tolist(), is_alike, strict=True):
            if is_right:
                parts.append(_Part(run, times[first:end], values[first:end]))
            else:
                unlike.append(run)
    return parts, unlike


def _read_records(data: Bytes, stride: int) -> tuple[Times, Values, npt.NDArray[np.bool_]]:
    """Return time and value of each record, and whether it has the usual shape: else they mean nothing."""
    if stride == _SAMPLE.itemsize:
        records = data.view(_SAMPLE)
        is_usual = (records["length"] == 16) & (records["value_tag"] == _VALUE_TAG)
        is_usual &= data[11::18] == _TIME_TAG
        values = records["value"].astype(np.float64)
    else:
        records = data.view(_ZERO_SAMPLE)
        is_usual = (records["length"] == 7) & (data[2::9] == _TIME_TAG)
        values = np.zeros(len(records))
    packed = records["time"]
    is_usual &= (records["tag"] == _SAMPLE_TAG) & ((packed & _SIX_BYTES_MASK) == _SIX_BYTES_LAST)
    times = np.zeros(len(records), np.uint64)
    for i in range(6):
        # Byte i of the number lies at bit 16 + 8 i of the word that ends with it and counts from bit 7 i.
        times |= (packed >> np.uint64(16 + i)) & np.uint64(0x7F << 7 * i)
    return times.astype(np.int64), values, is_usual


def _split(data: Bytes, run: _Run) -> list[_Run]:
    """Return the runs of equal length of a series of any shape, and what lies between, in its order."""
    raw = data[run.start : run.end].tobytes()
    pieces = []
    at, end = 0, len(raw)
    while at < end:
        begin = at
        stride = _STRIDES.get(raw[at + 1], 0) if at + 1 < end and raw[at] == _SAMPLE_TAG else 0
        n_samples = _run_length(data[run.start + at : run.end], stride) if stride else 0
        if n_samples:
            at += n_samples * stride
        else:
            stride = 0
            tag, at = read_varint(raw, at, end)
            at = skip_field(raw, tag, at, end)
        pieces.append(_Run(run.series, run.start + begin, run.start + at, stride))
    return pieces


def _run_length(data: Bytes, stride: int) -> int:
    """Return how many samples of ``stride`` bytes follow each other from here."""
    whole = data[: len(data) // stride * stride]
    alike = (whole[0::stride] == _SAMPLE_TAG) & (whole[1::stride] == stride - 2)
    return len(alike) if alike.all() else int(np.argmin(alike))


def _read_fields(data: Bytes, run: _Run) -> _Part:
    """Return the samples of bytes of any shape, one by one."""
    raw = data[run.start : run.end].tobytes()
    samples = []
    at, end = 0, len(raw)
    while at < end:
        tag, at = read_varint(raw, at, end)
        if tag == _SAMPLE_TAG:
            start, at = read_length(raw, at, end)
            samples.append(_read_sample(raw, start, at))
        else:
            at = skip_field(raw, tag, at, end)  # histograms and exemplars
    return _Part(
        run,
        np.array([time for time, _ in samples], np.int64),
        np.array([value for _, value in samples], np.float64),
    )


def _read_sample(data: bytes, at: int, end: int) -> tuple[int, float]:
    time, value = 0, 0.0
    while at < end:
        tag, at = read_varint(data, at, end)
        if tag == _VALUE_TAG:
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
