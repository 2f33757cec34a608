"""What the drives of the simulated fleet make the kernel write: libata, the block layer, XFS.

Only what SMART counted on the day shows up, and not all of it: a kernel that never reads a bad sector has
nothing to say about it.
"""

import numpy as np

from pipelines.fleet_simulation import COUNTERS, Fleet, Ints
from pipelines.simulated_hardware.log_line import LogLine, any_second, burst

_SHARE_SEEN = 0.5


def drive_lines(fleet: Fleet, day: int) -> list[LogLine]:
    """Return the day's lines about drives."""
    rng = np.random.default_rng([fleet.plan.seed, 25, day])
    lines: list[LogLine] = []
    for drive in _counted(fleet, day, "uncorrectable").tolist():
        if rng.random() < _SHARE_SEEN:
            for _ in range(int(rng.integers(1, 4))):
                lines += _unreadable_sector(fleet, drive, rng)
    for drive in _counted(fleet, day, "crc").tolist():
        if rng.random() < _SHARE_SEEN:
            port = _port(fleet, drive)
            lines += burst(
                any_second(rng),
                _host(fleet, drive),
                f"{port}.00: exception Emask 0x10 SAct 0x0 SErr 0x280100 action 0x6 frozen",
                f"{port}.00: failed command: WRITE FPDMA QUEUED",
                f"{port}.00: error: {{ ICRC ABRT }}",
                f"{port}: hard resetting link",
            )
    for drive in np.flatnonzero(fleet.failure_day == day).tolist():
        if rng.random() < _SHARE_SEEN:
            lines += _last_words(fleet, drive, rng)
    return lines


def _counted(fleet: Fleet, day: int, counter: str) -> Ints:
    """Return the drives whose counter grew on the day."""
    grew = (fleet.event_day == day) & (fleet.event_counter == COUNTERS.index(counter))
    return np.unique(fleet.event_drive[grew & (fleet.event_increment > 0)])


def _unreadable_sector(fleet: Fleet, drive: int, rng: np.random.Generator) -> list[LogLine]:
    port, device = _port(fleet, drive), _device(fleet, drive)
    sector = int(rng.integers(1 << 20, 1 << 34))
    return burst(
        any_second(rng),
        _host(fleet, drive),
        f"{port}.00: exception Emask 0x0 SAct 0x10000 SErr 0x0 action 0x0",
        f"{port}.00: failed command: READ FPDMA QUEUED",
        f"{port}.00: error: {{ UNC }}",
        f"blk_update_request: I/O error, dev {device}, sector {sector} op 0x0:(READ) flags 0x80700 "
        "phys_seg 1 prio class 0",
    )


def _last_words(fleet: Fleet, drive: int, rng: np.random.Generator) -> list[LogLine]:
    port, device = _port(fleet, drive), _device(fleet, drive)
    return burst(
        any_second(rng),
        _host(fleet, drive),
        f"{port}: COMRESET failed (errno=-16)",
        f"{port}.00: disabled",
        f'XFS ({device}1): metadata I/O error in "xfs_da_read_buf+0xd9/0x130 [xfs]" at daddr '
        f"{int(rng.integers(1 << 30)):#x} len 8 error 5",
        f"XFS ({device}1): log I/O error -5",
        f"XFS ({device}1): Please unmount the filesystem and rectify the problem(s)",
    )


def _host(fleet: Fleet, drive: int) -> int:
    return int(fleet.slot[drive]) // fleet.plan.drives_per_host


def _bay(fleet: Fleet, drive: int) -> int:
    return int(fleet.slot[drive]) % fleet.plan.drives_per_host


def _port(fleet: Fleet, drive: int) -> str:
    return f"ata{_bay(fleet, drive) + 1}"


def _device(fleet: Fleet, drive: int) -> str:
    """Return the kernel's name: sda to sdz, then sdaa."""
    more, last = divmod(_bay(fleet, drive), 26)
    return "sd" + (chr(ord("a") + more - 1) if more else "") + chr(ord("a") + last)
