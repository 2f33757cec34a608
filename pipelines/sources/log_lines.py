"""Turn the lines of one text log into hardware events, in bulk: what is the same for many lines is done once."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.log_templates import mask_lines
from features.signatures import Signature
from pipelines.sources.hw_events import EventCollector, printable_host
from pipelines.sources.known_lines import KnownLines
from pipelines.sources.log_files import Findings
from pipelines.sources.log_headers import hosts_of_lines, messages_of_lines, split_line
from pipelines.sources.log_shapes import Clock, LineShape, ShapeTable, severity_of_priority
from pipelines.sources.log_times import LineTimes

NO_TIME = "no time stamp of a layout that we know"
BAD_TIME = "the time stamp can't be a time"
_CLOCKS = tuple(Clock)
_SECONDS_A_DAY = 86_400
# Reading many at once costs as much for one line as for some hundreds.
_KNOWN_AT_A_TIME = 8_192
# Beyond the year 2200 no clock is right, and before 1980 none was set.
_FIRST_SECOND, _LAST_SECOND = 315_532_800, 7_258_118_400


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Lines of one chunk that have a signature, not read yet."""

    lines: pa.StringArray
    seconds: NDArray[np.float64]
    templates: pa.StringArray
    signature_codes: NDArray[np.int64]


@dataclass(kw_only=True)
class TextLog:
    """Reads one file. ``host_id`` is None where each line names its host."""

    host_id: str | None
    times: LineTimes
    table: ShapeTable
    collector: EventCollector
    findings: Findings
    day_numbers: set[int] = field(default_factory=set)
    clocks: set[Clock] = field(default_factory=set)
    _known: list[_Known] = field(default_factory=list)
    _signatures: list[Signature] = field(default_factory=list)
    _signature_numbers: dict[str, int] = field(default_factory=dict)

    def read(self, chunks: Iterable[bytes]) -> None:
        """Count all lines of the file."""
        for chunk in chunks:
            self._read_chunk(chunk)
        self._read_known()

    def _read_chunk(self, chunk: bytes) -> None:
        lines = mask_lines(chunk)
        shapes = self.table.look_up(lines.masked)
        codes = lines.codes
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        clocks = np.array([-1 if s is None else _CLOCKS.index(s.clock) for s in shapes], np.int8)[codes]
        seconds = self._read_times(chunk, starts, clocks)
        is_read = np.isfinite(seconds)
        self.clocks.update(_CLOCKS[number] for number in np.unique(clocks[is_read]).tolist())
        self._count_unread(chunk, starts, ends, clocks, is_read)
        day_numbers = np.where(is_read, seconds // _SECONDS_A_DAY, -1).astype(np.int64)
        self.day_numbers.update(set(np.unique(day_numbers[is_read]).tolist()))

        kinds = np.where(is_read, np.array([_kind(shape) for shape in shapes], np.int8)[codes], _OTHER)
        self._count_known(chunk, np.flatnonzero(kinds == _KNOWN), ends, seconds, codes, shapes)
        self._count_unknown(
            chunk, np.flatnonzero(kinds == _UNKNOWN), starts, ends, seconds, day_numbers, codes, shapes
        )
        others, counts = np.unique(day_numbers[is_read & (kinds == _OTHER)], return_counts=True)
        self.collector.n_not_hardware.update(dict(zip(others.tolist(), counts.tolist(), strict=True)))

    def _read_times(
        self, chunk: bytes, starts: NDArray[np.int64], clocks: NDArray[np.int8]
    ) -> NDArray[np.float64]:
        seconds = np.full(len(starts), np.nan)
        for number, clock in enumerate(_CLOCKS):
            chosen = np.flatnonzero(clocks == number)
            if len(chosen):
                seconds[chosen] = self.times.read(clock, chunk, starts[chosen])
        with np.errstate(invalid="ignore"):
            seconds[(seconds < _FIRST_SECOND) | (seconds >= _LAST_SECOND)] = np.nan
        return seconds

    def _count_unread(
        self,
        chunk: bytes,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        clocks: NDArray[np.int8],
        is_read: NDArray[np.bool_],
    ) -> None:
        for reason, chosen in ((NO_TIME, clocks < 0), (BAD_TIME, (clocks >= 0) & ~is_read)):
            at = [i for i in np.flatnonzero(chosen).tolist() if chunk[starts[i] : ends[i]].strip()]
            if at:
                self.findings.add(reason, chunk[starts[at[0]] : ends[at[0]]], len(at))

    def _count_known(
        self,
        chunk: bytes,
        chosen: NDArray[np.int64],
        ends: NDArray[np.int64],
        seconds: NDArray[np.float64],
        codes: NDArray[np.int32],
        shapes: list[LineShape | None],
    ) -> None:
        if not len(chosen):
            return
        templates = pa.array(["" if shape is None else shape.template for shape in shapes], pa.string())
        numbers = np.array(
            [self._number_of(shape.signature if shape else None) for shape in shapes], np.int64
        )
        self._known.append(
            _Known(
                lines=_texts_at(chunk, ends, chosen),
                seconds=seconds[chosen],
                templates=templates.take(pa.array(codes[chosen])),
                signature_codes=numbers[codes[chosen]],
            )
        )
        if sum(len(known.lines) for known in self._known) >= _KNOWN_AT_A_TIME:
            self._read_known()

    def _number_of(self, signature: Signature | None) -> int:
        if signature is None:
            return -1
        if signature.key not in self._signature_numbers:
            self._signature_numbers[signature.key] = len(self._signatures)
            self._signatures.append(signature)
        return self._signature_numbers[signature.key]

    def _read_known(self) -> None:
        if not self._known:
            return
        lines = pa.concat_arrays([known.lines for known in self._known])
        self.collector.add_known_lines(
            KnownLines(
                host_ids=hosts_of_lines(lines)
                if self.host_id is None
                else pa.repeat(pa.scalar(printable_host(self.host_id)), len(lines)),
                seconds=np.concatenate([known.seconds for known in self._known]),
                signatures=tuple(self._signatures),
                signature_codes=np.concatenate([known.signature_codes for known in self._known]),
                templates=pa.concat_arrays([known.templates for known in self._known]),
                messages=messages_of_lines(lines),
            )
        )
        self._known = []

    def _count_unknown(
        self,
        chunk: bytes,
        chosen: NDArray[np.int64],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        seconds: NDArray[np.float64],
        day_numbers: NDArray[np.int64],
        codes: NDArray[np.int32],
        shapes: list[LineShape | None],
    ) -> None:
        if not len(chosen):
            return
        groups = codes[chosen].astype(np.int64) * 200_000 + day_numbers[chosen]
        if self.host_id is None:
            hosts: dict[str, int] = {}
            named = [split_line(chunk[starts[at] : ends[at]])[0] for at in chosen.tolist()]
            numbers = [hosts.setdefault(host, len(hosts)) for host in named]
            groups = groups * len(hosts) + np.array(numbers, np.int64)
        _, first, counts = np.unique(groups, return_index=True, return_counts=True)
        for at, n in zip(chosen[first].tolist(), counts.tolist(), strict=True):
            shape = shapes[codes[at]]
            host, message, priority = split_line(chunk[starts[at] : ends[at]])
            self.collector.add_unknown(
                host_id=self.host_id or host,
                second=float(seconds[at]),
                template=shape.template if shape else "",
                message=message,
                severity=(shape.severity if shape else None) or severity_of_priority(priority),
                n_lines=n,
            )


_KNOWN, _UNKNOWN, _OTHER = 0, 1, 2


def _kind(shape: LineShape | None) -> int:
    if shape is None or not shape.is_hardware:
        return _OTHER
    return _UNKNOWN if shape.signature is None else _KNOWN


def _texts_at(chunk: bytes, ends: NDArray[np.int64], chosen: NDArray[np.int64]) -> pa.StringArray:
    """Return some lines without what a line end leaves, also another system's; what is no UTF-8 is replaced."""
    offsets = np.concatenate([np.zeros(1, np.int64), ends + 1]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(chunk)]
    lines = pa.BinaryArray.from_buffers(pa.binary(), len(ends), buffers).take(pa.array(chosen))
    try:
        texts = lines.cast(pa.string())
    except pa.ArrowInvalid:
        texts = pa.array([line.decode("utf-8", "replace") for line in lines.to_pylist()], pa.string())
    return pc.ascii_rtrim(texts, "\r\n")
