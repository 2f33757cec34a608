"""Tell from a masked log line how it is laid out: where its time is, who wrote it, what it says.

This is done once for each distinct masked line, not for each line, so it may use plain regular expressions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from features.log_templates import refine_template
from features.signatures import Catalogue, Signature


class Clock(StrEnum):
    """How a line writes its time."""

    SYSLOG = "syslog"  # Feb 16 13:44:16, without a year
    ISO = "iso"  # 2025-01-21T04:41:44.285060+00:00
    CTIME = "ctime"  # [Sun Feb 23 16:24:18 2025], of `dmesg -T`
    UPTIME = "uptime"  # [  121.251683], seconds since boot
    DMESG_ISO = "dmesg_iso"  # kern  :err   : 2025-01-21T04:41:44,285060+00:00
    KMSG = "kmsg"  # 6,3964,206764307,-; microseconds since boot


SYSLOG_CLOCKS = frozenset({Clock.SYSLOG, Clock.ISO})
# Of a kernel's ring buffer: each copy of it goes back to the boot, and counts the time from there.
RING_BUFFER_CLOCKS = frozenset({Clock.DMESG_ISO, Clock.CTIME, Clock.UPTIME, Clock.KMSG})
DMESG_CLOCKS = RING_BUFFER_CLOCKS | {Clock.ISO}

# Only these speak of hardware. Whoever may make sshd log a user name must not be able to forge a machine check.
HARDWARE_PROGRAMS = frozenset(
    (
        *("kernel", "mcelog", "rasdaemon", "edac-util", "smartd", "mdadm", "multipathd", "zed", "thermald"),
        *("nvidia-persistenced", "nvidia-fabricmanager", "nv-fabricmanager", "ipmievd", "hpasmd"),
    )
)
# Shapes of a fleet are some thousands; more are lines that somebody makes up.
_MAX_SHAPES = 50_000
_SEVERITIES = ("critical", "critical", "critical", "error", "warning", "info", "info", "info")
_LEVEL_NAMES = {
    **dict.fromkeys(("emerg", "alert", "crit"), "critical"),
    "err": "error",
    "warn": "warning",
    "notice": "info",
    "info": "info",
    "debug": "info",
}

# The word 01T12 is masked as one.
_ISO = r"#-#-#(?: #)?:#:#(?:[.,]#)? ?(?:Z|[+-]#(?::#)?|UTC)?"
_SYSLOG = re.compile(
    rf"(?:<#>)?(?:(?P<rfc5424># )?(?P<iso>{_ISO})|(?P<plain>[A-Z][a-z]{{2}} #(?: #)? #:#:#)) "
    r"(?P<host>\S+) (?P<rest>.*)"
)
_PROGRAM = re.compile(r"(?P<program>[^\s\[:]{1,64})(?:\[[^\]]{0,32}\])?:(?: (?P<message>.*)|$)")
_RFC5424 = re.compile(r"(?P<program>\S+) \S+ \S+ (?:-|\[.*?\]) ?(?P<message>.*)")
_DMESG = re.compile(
    r"(?:<#>)?(?:(?P<facility>[a-z]{3,9}[0-9]?) ?:(?P<level>[a-z]{3,6}) ?: ?)?"
    rf"(?:(?P<uptime>\[ ?#\.#\])|(?P<ctime>\[[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} # #:#:# #\])|(?P<iso>{_ISO}))"
    r"(?:\[ ?[TC]#\])? ?(?P<message>.*)"
)
_KMSG = re.compile(r"#,#,#,[^;]{1,40};(?P<message>.*)")
_UPTIME_INSIDE = re.compile(r"\[ ?#\.#\] ?")


@dataclass(frozen=True, kw_only=True)
class LineShape:
    """What all lines of one masked form have in common. ``signature`` is None for lines that none speaks of."""

    clock: Clock
    is_hardware: bool
    template: str
    program: str
    severity: str | None
    signature: Signature | None


@dataclass(frozen=True, kw_only=True)
class _Layout:
    clock: Clock
    program: str
    severity: str | None
    message: str


class ShapeTable:
    """Remembers the shapes of masked lines across files, because the hosts of a fleet say the same."""

    def __init__(self, clocks: frozenset[Clock], catalogue: Catalogue) -> None:
        self._clocks = clocks
        self._catalogue = catalogue
        self._known: dict[bytes, LineShape | None] = {}

    def look_up(self, masked: Sequence[bytes]) -> list[LineShape | None]:
        """Return the shapes of masked lines; None where no layout with one of the clocks fits."""
        known = self._known
        if len(known) > _MAX_SHAPES:
            # Another thread may hold the old one; it is never changed under its hands.
            known = self._known = {}
        new = [line for line in masked if line not in known]
        known.update(zip(new, read_shapes(new, self._clocks, self._catalogue), strict=True))
        return [known[line] for line in masked]


def read_shapes(
    masked: Sequence[bytes], clocks: frozenset[Clock], catalogue: Catalogue
) -> list[LineShape | None]:
    """Return the shape of each masked line; None where no layout with one of ``clocks`` fits."""
    if not masked:
        return []
    layouts = [_layout_of(line.decode("utf-8", "replace"), clocks) for line in masked]
    speaks = [layout is not None and is_hardware_program(layout.program) for layout in layouts]
    templates = [
        refine_template(layout.message) if layout and is_hardware else ""
        for layout, is_hardware in zip(layouts, speaks, strict=True)
    ]
    signatures = catalogue.match(templates)
    return [
        None
        if layout is None
        else LineShape(
            clock=layout.clock,
            is_hardware=is_hardware,
            template=template or "(empty)",
            program=layout.program,
            severity=layout.severity,
            signature=signature,
        )
        for layout, is_hardware, template, signature in zip(
            layouts, speaks, templates, signatures, strict=True
        )
    ]


def is_hardware_program(program: str) -> bool:
    """Return whether what a program logs may be about hardware."""
    return program.rsplit("/", 1)[-1] in HARDWARE_PROGRAMS


def severity_of_priority(priority: str) -> str | None:
    """Return our severity for a syslog priority, 0 to 7 (RFC 5424, table 2)."""
    return _SEVERITIES[int(priority)] if priority in tuple("01234567") else None


def _layout_of(line: str, clocks: frozenset[Clock]) -> _Layout | None:
    for read in (_read_kmsg, _read_dmesg, _read_syslog):
        layout = read(line)
        if layout is not None and layout.clock in clocks:
            return layout
    return None


def _read_kmsg(line: str) -> _Layout | None:
    found = _KMSG.fullmatch(line)
    return (
        _Layout(clock=Clock.KMSG, program="kernel", severity=None, message=found["message"])
        if found
        else None
    )


def _read_dmesg(line: str) -> _Layout | None:
    found = _DMESG.fullmatch(line)
    if not found or (found["iso"] and not found["facility"]):
        return None
    clock = Clock.UPTIME if found["uptime"] else Clock.CTIME if found["ctime"] else Clock.DMESG_ISO
    is_kernel = found["facility"] in (None, "kern")
    return _Layout(
        clock=clock,
        program="kernel" if is_kernel else found["facility"],
        severity=_LEVEL_NAMES.get(found["level"] or ""),
        message=found["message"],
    )


def _read_syslog(line: str) -> _Layout | None:
    found = _SYSLOG.fullmatch(line)
    if not found:
        return None
    inner = (_RFC5424 if found["rfc5424"] else _PROGRAM).fullmatch(found["rest"])
    clock = Clock.ISO if found["iso"] else Clock.SYSLOG
    if inner is None:
        return _Layout(clock=clock, program="", severity=None, message=found["rest"])
    message = _UPTIME_INSIDE.sub("", inner["message"] or "", count=1)
    return _Layout(clock=clock, program=inner["program"], severity=None, message=message)
