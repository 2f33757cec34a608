"""Turn the lines of one text log into hardware events, in bulk: what is the same for many lines is done once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.log_templates import mask_lines
from pipelines.sources.hw_events import EventCollector
from pipelines.sources.log_files import Findings
from pipelines.sources.log_shapes import Clock, LineShape, ShapeTable, severity_of_priority
from pipelines.sources.log_times import LineTimes

NO_TIME = "no time stamp of a layout that we know"
BAD_TIME = "the time stamp can't be a time"
_CLOCKS = tuple(Clock)
_SECONDS_A_DAY = 86_400
# Beyond the year 2200 no clock is right, and before 1980 none was set.
_FIRST_SECOND, _LAST_SECOND = 315_532_800, 7_258_118_400

_PRIORITY = re.compile(r"<([0-9]{1,3})>|([0-9]{1,3}),[0-9]+,[0-9]+,")
_HEADER = re.compile(
    r"(?:<[0-9]{1,3}>)?(?:"
    r"[0-9]+,[0-9]+,[0-9]+,[^;]{1,40};"
    r"|(?:[a-z]+[0-9]? *:[a-z]+ *: *)?\[[^\]]{1,40}\](?:\[ *[TC][0-9]+\])? ?"
    r"|[a-z]+[0-9]? *:[a-z]+ *: *\S+ "
    r"|(?:[0-9] )?(?:[A-Z][a-z]{2} +[0-9]{1,2} (?:[0-9]{4} )?[0-9:]{8}|[0-9]{4}-[0-9-]{5}[T ][0-9:.,]{8,18} ?\S*?)"
    r" (?P<host>\S{1,255}) (?:[^\s\[:]{1,64}(?:\[[^\]]{0,32}\])?: ?)?(?:\[ *[0-9]+\.[0-9]+\] ?)?)"
)
_RFC5424 = re.compile(
    r"<[0-9]{1,3}>[0-9] [0-9T:.Z+-]{16,40} (?P<host>\S{1,255}) \S{1,48} \S{1,128} \S{1,32} (?:-|\[[^\]]*\]) ?"
)


@dataclass(kw_only=True)
class TextLog:
    """Reads one file. ``host_id`` is None where each line names its host."""

    host_id: str | None
    times: LineTimes
    table: ShapeTable
    collector: EventCollector
    findings: Findings
    day_numbers: set[int] = field(default_factory=set)

    def read(self, chunks: Iterable[bytes]) -> None:
        """Count all lines of the file."""
        for chunk in chunks:
            self._read_chunk(chunk)

    def _read_chunk(self, chunk: bytes) -> None:
        lines = mask_lines(chunk)
        shapes = self.table.look_up(lines.masked)
        codes = lines.codes
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        clocks = np.array([-1 if s is None else _CLOCKS.index(s.clock) for s in shapes], np.int8)[codes]
        seconds = self._read_times(chunk, starts, clocks)
        is_read = np.isfinite(seconds)
        self._count_unread(chunk, starts, ends, clocks, is_read)
        day_numbers = np.where(is_read, seconds // _SECONDS_A_DAY, -1).astype(np.int64)
        self.day_numbers.update(set(np.unique(day_numbers[is_read]).tolist()))

        kinds = np.where(is_read, np.array([_kind(shape) for shape in shapes], np.int8)[codes], _OTHER)
        self._count_known(chunk, np.flatnonzero(kinds == _KNOWN), starts, ends, seconds, codes, shapes)
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
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        seconds: NDArray[np.float64],
        codes: NDArray[np.int32],
        shapes: list[LineShape | None],
    ) -> None:
        # A storm repeats a line many times a second; equal lines are read once.
        repeats: dict[tuple[bytes, int], tuple[float, int]] = {}
        for at in chosen.tolist():
            key = (chunk[starts[at] : ends[at]], int(codes[at]))
            second, n = repeats.get(key, (float(seconds[at]), 0))
            repeats[key] = (min(second, float(seconds[at])), n + 1)
        for (line, code), (second, n) in repeats.items():
            shape = shapes[code]
            if shape is None or shape.signature is None:
                raise AssertionError("a known line has a signature")
            host, message, _ = _split(line)
            self.collector.add_known(
                host_id=self.host_id or host,
                second=second,
                signature=shape.signature,
                template=shape.template,
                message=message,
                n_lines=n,
            )

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
            named = [_split(chunk[starts[at] : ends[at]])[0] for at in chosen.tolist()]
            numbers = [hosts.setdefault(host, len(hosts)) for host in named]
            groups = groups * len(hosts) + np.array(numbers, np.int64)
        _, first, counts = np.unique(groups, return_index=True, return_counts=True)
        for at, n in zip(chosen[first].tolist(), counts.tolist(), strict=True):
            shape = shapes[codes[at]]
            host, message, priority = _split(chunk[starts[at] : ends[at]])
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


def _split(line: bytes) -> tuple[str, str, str]:
    """Return host, message and priority of a raw line; the host is ``unknown`` where the line names none."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    found = _RFC5424.match(text) or _HEADER.match(text)
    priority = _PRIORITY.match(text)
    level = str(int(priority[1] or priority[2]) % 8) if priority else ""
    if found is None:
        return "unknown", text, level
    return found["host"] or "unknown", text[found.end() :].strip() or text, level
