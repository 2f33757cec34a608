"""Read the time that a log line begins with, as seconds of the Unix epoch.

What the line leaves out is completed by the file: the year of plain syslog, the moment of boot of dmesg.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from pipelines.sources.log_shapes import Clock

Positions = NDArray[np.int64]
Seconds = NDArray[np.float64]

_MONTHS = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)
}
_START = rb"(?:<[0-9]{1,3}>)?"
_SYSLOG = re.compile(
    _START + rb"([A-Z][a-z]{2}) +([0-9]{1,2}) (?:([0-9]{4}) )?([0-9]{2}):([0-9]{2}):([0-9]{2})"
)
_ISO = re.compile(
    _START + rb"(?:[0-9]{1,2} )?(?:[a-z]+[0-9]? *:[a-z]+ *: *)?([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]"
    rb"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))? ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}\b)?"
)
_CTIME = re.compile(
    _START + rb"(?:[a-z]+[0-9]? *:[a-z]+ *: *)?\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) "
    rb"([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})\]"
)
_UPTIME = re.compile(_START + rb"(?:[a-z]+[0-9]? *:[a-z]+ *: *)?\[ *([0-9]{1,10})\.([0-9]{1,9})\]")
_KMSG = re.compile(rb"[0-9]{1,10},[0-9]{1,20},([0-9]{1,16}),")
_ANY_UPTIME = re.compile(
    rb"(?m)^(?:(?:<[0-9]{1,3}>)?(?:[a-z]+[0-9]? *:[a-z]+ *: *)?\[ *([0-9]{1,10})\.[0-9]{1,9}\]|"
    rb"[0-9]{1,10},[0-9]{1,20},([0-9]{1,16}),)"
)
_SECONDS_A_DAY = 86_400
# A clock may run ahead of the collector's by this, no more: beyond it a date without a year is last year's.
_AHEAD = dt.timedelta(days=1)
# Lines of several processors may be out of order by less than this; a larger step back is a new boot.
_REBOOT_STEP_SECONDS = 5.0


def split_boots(chunks: Iterable[bytes]) -> list[float]:
    """Return the last uptime, in seconds, of each boot that a log of uptimes holds, oldest first."""
    last_of_boot: list[float] = []
    highest = -1.0
    for chunk in chunks:
        for seconds, micros in _ANY_UPTIME.findall(chunk):
            uptime = float(seconds) if seconds else int(micros) / 1e6
            if uptime < highest - _REBOOT_STEP_SECONDS:
                last_of_boot.append(highest)
                highest = uptime
            highest = max(highest, uptime)
    return [*last_of_boot, highest] if highest >= 0 else last_of_boot


_NEW = float("-inf")


class LineTimes:
    """Reads the times of one file's lines, in the file's order.

    ``written_by`` (UTC) is when the file's last line had been written at the latest. Without a year, a date
    is the last such date before it. The last boot's last line is taken to be as old as the file; an earlier
    boot is taken to end where the next begins, so its times are bounds, not readings.
    """

    def __init__(self, written_by: dt.datetime, zone: ZoneInfo, last_uptimes: list[float]) -> None:
        self._written_by = written_by
        self._zone = zone
        self._cache: dict[bytes | tuple[bytes | None, ...], float | None] = {}
        self._boots: list[float] = []
        begin = written_by.timestamp()
        for last in reversed(last_uptimes):
            begin -= last
            self._boots.insert(0, begin)
        self._boot = 0
        self._highest = -1.0
        self.readers: dict[Clock, Callable[[bytes, int], float | None]] = {
            Clock.SYSLOG: self._read_syslog,
            Clock.ISO: self._read_iso,
            Clock.DMESG_ISO: self._read_iso,
            Clock.CTIME: self._read_ctime,
            Clock.UPTIME: self._read_uptime,
            Clock.KMSG: self._read_kmsg,
        }

    def read(self, clock: Clock, text: bytes, starts: Positions) -> Seconds:
        """Return the times of the lines that begin at ``starts`` (N,), NaN where one can't be a time."""
        if clock is Clock.SYSLOG and len(starts) and starts[-1] + 15 <= len(text):
            return self._read_syslogs(text, starts)
        read = self.readers[clock]
        return np.array([read(text, at) for at in starts.tolist()], np.float64)  # None becomes NaN

    def _read_syslogs(self, text: bytes, starts: Positions) -> Seconds:
        """Read a day once for all lines in a row that begin with it, where its hours are as long as others."""
        stamps = np.frombuffer(text, np.uint8)[starts[:, None] + np.arange(15)]
        is_new = np.ones(len(starts), np.bool_)
        is_new[1:] = (stamps[1:, :7] != stamps[:-1, :7]).any(axis=1)
        days = [self._midnight(text[at : at + 7]) for at in starts[is_new].tolist()]
        seconds: npt.NDArray[np.float64] = np.array(days, np.float64)[np.cumsum(is_new) - 1]
        tens = stamps[:, 7::3].astype(np.int32) - ord("0")
        ones = stamps[:, 8::3].astype(np.int32) - ord("0")
        clock = tens * 10 + ones
        is_plain = ((tens >= 0) & (tens <= 9) & (ones >= 0) & (ones <= 9)).all(axis=1)
        is_plain &= (clock < (24, 60, 60)).all(axis=1) & (stamps[:, 9:13:3] == ord(":")).all(axis=1)
        seconds += clock @ np.array((3600, 60, 1))
        for at in np.flatnonzero(~is_plain | np.isnan(seconds)).tolist():
            second = self._read_syslog(text, int(starts[at]))
            seconds[at] = np.nan if second is None else second
        return seconds

    def _midnight(self, key: bytes) -> float | None:
        """Return when the day of ``Feb 16 `` begins; None where its times can't be counted from there."""
        if key in self._cache:
            return self._cache[key]
        found = _SYSLOG.match(key + b"00:00:00")
        first = self._local(found[1], found[2], (b"0", b"0", b"0"), None) if found else None
        last = self._local(found[1], found[2], (b"23", b"59", b"59"), None) if found else None
        is_even = first is not None and last is not None and last - first == _SECONDS_A_DAY - 1
        return self._remember(key, first if is_even else None)

    def _read_syslog(self, text: bytes, at: int) -> float | None:
        # "Feb 16 13:44:16": all lines of a minute share its first twelve bytes.
        key = text[at : at + 12]
        seconds = text[at + 12 : at + 15]
        if seconds[:1] == b":" and seconds[1:].isdigit() and key[9:10] == b":":
            base = self._cache.get(key, _NEW)
            if base == _NEW:
                found = _SYSLOG.match(text, at)
                base = self._remember(
                    key, self._local(found[1], found[2], (found[4], found[5], b"0"), None) if found else None
                )
            return None if base is None else base + min(int(seconds[1:]), 60)
        found = _SYSLOG.match(text, at)
        return self._local(found[1], found[2], (found[4], found[5], found[6]), found[3]) if found else None

    def _read_ctime(self, text: bytes, at: int) -> float | None:
        found = _CTIME.match(text, at)
        if found is None:
            return None
        key = found.groups()
        if key in self._cache:
            return self._cache[key]
        return self._remember(key, self._local(found[1], found[2], (found[3], found[4], found[5]), found[6]))

    def _read_iso(self, text: bytes, at: int) -> float | None:
        found = _ISO.match(text, at)
        if found is None:
            return None
        day, hour, minute, second, fraction, offset = found.groups()
        key = (day, hour, minute, offset)
        base = self._cache[key] if key in self._cache else self._remember(key, self._minute(*key))
        if base is None or second > b"60":
            return None
        return base + int(second) + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)

    def _minute(self, day: bytes, hour: bytes, minute: bytes, offset: bytes | None) -> float | None:
        text = f"{day.decode()}T{hour.decode()}:{minute.decode()}:00"
        try:
            if offset in (b"Z", b"UTC"):
                return dt.datetime.fromisoformat(text + "+00:00").timestamp()
            if offset:
                return dt.datetime.fromisoformat(text + offset.decode()).timestamp()
            return dt.datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp()
        except (ValueError, OverflowError):
            return None

    def _local(
        self, month: bytes, day: bytes, clock: tuple[bytes, bytes, bytes], year: bytes | None
    ) -> float | None:
        if month not in _MONTHS:
            return None
        hour, minute, second = (int(part) for part in clock)
        latest = self._written_by + _AHEAD
        # 29 February may lie up to 8 years back.
        years = [int(year)] if year else range(latest.year, latest.year - 9, -1)
        for each in years:
            try:
                moment = dt.datetime(
                    each, _MONTHS[month], int(day), hour, minute, min(second, 59), tzinfo=self._zone
                )
            except ValueError:
                continue
            if year or moment <= latest:
                return moment.timestamp()
        return None

    def _read_uptime(self, text: bytes, at: int) -> float | None:
        found = _UPTIME.match(text, at)
        return self._since_boot(float(b"%b.%b" % found.groups())) if found else None

    def _read_kmsg(self, text: bytes, at: int) -> float | None:
        found = _KMSG.match(text, at)
        return self._since_boot(int(found[1]) / 1e6) if found else None

    def _since_boot(self, uptime: float) -> float | None:
        if uptime < self._highest - _REBOOT_STEP_SECONDS:
            self._boot += 1
            self._highest = uptime
        self._highest = max(self._highest, uptime)
        return self._boots[self._boot] + uptime if self._boot < len(self._boots) else None

    def _remember(self, key: bytes | tuple[bytes | None, ...], second: float | None) -> float | None:
        if len(self._cache) > 100_000:
            self._cache.clear()
        self._cache[key] = second
        return second
