"""What boards, fans and network cards of the simulated hosts make the kernel write.

A degrading board has machine checks and corrected PCI Express errors; a failing one ends in a panic, or
without a word. Warm hosts throttle and links reset on healthy hosts too.
"""

import numpy as np

from pipelines.simulated_hardware.log_line import LogLine, any_second, burst
from pipelines.simulated_hardware.parts import Parts

_WARM_HOSTS = 0.03
_LINK_RESETS_PER_DAY = 0.004
_STRAY_PCIE_ERRORS_PER_DAY = 0.01


def board_lines(boards: Parts, day: int) -> list[LogLine]:
    """Return the day's lines about boards."""
    rng = np.random.default_rng([boards.seed, 27, day])
    lines: list[LogLine] = []
    for board in boards.degrading_on(day).tolist():
        days_ill = day - int(boards.sign_day[board])
        host = int(boards.host[board])
        for _ in range(min(20, rng.poisson(0.5 + days_ill / 8))):
            lines += _machine_check(host, rng) if rng.random() < 0.7 else _pcie_error(host, rng)
    for board in boards.failing_on(day).tolist():
        if rng.random() < 0.7:
            lines += _panic(int(boards.host[board]), float(boards.failure_second[board]), rng)
    n_hosts = len(np.unique(boards.host))
    is_warm = np.random.default_rng([boards.seed, 28]).random(n_hosts) < _WARM_HOSTS
    for host in np.flatnonzero(is_warm & (rng.random(n_hosts) < 0.2)).tolist():
        lines += _throttling(host, rng)
    for host in np.flatnonzero(rng.random(n_hosts) < _STRAY_PCIE_ERRORS_PER_DAY).tolist():
        lines += _pcie_error(host, rng)
    for host in np.flatnonzero(rng.random(n_hosts) < _LINK_RESETS_PER_DAY).tolist():
        lines += _link_reset(host, rng)
    return lines


def _machine_check(host: int, rng: np.random.Generator) -> list[LogLine]:
    cpu, bank = int(rng.integers(64)), int(rng.integers(4, 12))
    return burst(
        any_second(rng),
        host,
        "mce: [Hardware Error]: Machine check events logged",
        f"mce: [Hardware Error]: CPU {cpu}: Machine Check: 0 Bank {bank}: 8c0000400001{rng.integers(1 << 16):04x}",
    )


def _panic(host: int, second: float, rng: np.random.Generator) -> list[LogLine]:
    cpu = int(rng.integers(64))
    return burst(
        second,
        host,
        f"mce: [Hardware Error]: CPU {cpu}: Machine Check Exception: 5 Bank 3: be00000000800400",
        "Kernel panic - not syncing: Fatal machine check",
    )


def _pcie_error(host: int, rng: np.random.Generator) -> list[LogLine]:
    return burst(
        any_second(rng),
        host,
        "pcieport 0000:64:02.0: AER: Corrected error received: 0000:65:00.0",
        "nvme 0000:65:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)",
    )


def _throttling(host: int, rng: np.random.Generator) -> list[LogLine]:
    cpu, total = int(rng.integers(64)), int(rng.integers(1, 5_000))
    second = any_second(rng)
    return burst(
        second,
        host,
        f"mce: CPU{cpu}: Core temperature above threshold, cpu clock throttled (total events = {total})",
    ) + burst(second + 2, host, f"mce: CPU{cpu}: Core temperature/speed normal")


def _link_reset(host: int, rng: np.random.Generator) -> list[LogLine]:
    queue = int(rng.integers(32))
    second = any_second(rng)
    return burst(
        second,
        host,
        f"NETDEV WATCHDOG: eth0 (ixgbe): transmit queue {queue} timed out",
        "ixgbe 0000:03:00.0 eth0: Reset adapter",
        "ixgbe 0000:03:00.0 eth0: NIC Link is Down",
    ) + burst(second + 4, host, "ixgbe 0000:03:00.0 eth0: NIC Link is Up 10 Gbps, Flow Control: RX/TX")
