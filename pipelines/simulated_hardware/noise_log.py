"""What hosts write that has nothing to do with failing hardware: most of every log.

Lines of the kernel that no signature knows, whose templates are counted and mostly old; some are new to the
fleet after a kernel update, which goes through the vaults one after the other. smartd's daily word, so that
every host is heard. And lines of other programs.
"""

import numpy as np

from pipelines.simulated_hardware.hosts import PODS_PER_VAULT
from pipelines.simulated_hardware.log_line import LogLine, any_second

_LINES_PER_HOST_DAY = 5
_UPDATE_EVERY_DAYS = 90
_DAYS_PER_VAULT = 3

_KERNEL = (
    "perf: interrupt took too long ({n} > 2500), lowering kernel.perf_event_max_sample_rate to {m}",
    "TCP: request_sock_TCP: Possible SYN flooding on port 8443. Sending cookies.",
    "XFS (sda1): Ending clean mount",
    "device eth0 entered promiscuous mode",
    "hrtimer: interrupt took {n} ns",
    "clocksource: timekeeping watchdog on CPU{c}: hpet wd-wd read-back delay of {n}us",
    "ixgbe 0000:03:00.0: VF {c} is not allowed to do this",
    "usb 1-3: new high-speed USB device number {c} using xhci_hcd",
    "nfs: server store{c} not responding, still trying",
    "nfs: server store{c} OK",
    "python3[{n}]: segfault at {m} ip 00007f21c5a1 sp 00007ffd1e70 error 4 in libc.so.6[7f21c5a0000+195000]",
    "workqueue: blk_mq_run_work_fn hogged CPU for >10000us {c} times, consider switching to WQ_UNBOUND",
)
_OF_NEW_KERNELS = (
    "sched: DL replenish lagged too much",
    "x86/split lock detection: #AC: qemu-kvm/{n} took a split_lock trap at address: {m}",
    "cgroup: fork rejected by pids controller in /system.slice/app{c}.service",
    "iommu: DMAR: DRHD: handling fault status reg {c}",
)
_OTHERS = (
    ("sshd[{n}]", "Accepted publickey for deploy from 10.0.{c}.7 port {n} ssh2"),
    ("systemd[1]", "Started Session {n} of user deploy."),
    ("CRON[{n}]", "(root) CMD (/usr/local/bin/rotate-logs)"),
    ("slurmd[{n}]", "Launching batch job {m} for UID {n}"),
)


def noise_lines(n_hosts: int, seed: int, day: int) -> list[LogLine]:
    """Return the day's lines that mean nothing."""
    rng = np.random.default_rng([seed, 29, day])
    hosts = np.repeat(np.arange(n_hosts), rng.poisson(_LINES_PER_HOST_DAY, n_hosts))
    lines = [_smartd_line(host, rng) for host in range(n_hosts)]
    for host, draw in zip(hosts.tolist(), rng.random(len(hosts)).tolist(), strict=True):
        n, m, c = (int(x) for x in rng.integers((100, 10_000, 0), (30_000, 90_000, 64)))
        program, text = _choose(draw, _n_updates(host, day))
        lines.append(LogLine(any_second(rng), host, text.format(n=n, m=m, c=c), program.format(n=n)))
    return lines


def _smartd_line(host: int, rng: np.random.Generator) -> LogLine:
    grade = 120 - int(rng.integers(26, 38))
    change = f"194 Temperature_Celsius changed from {grade} to {grade + 1}"
    text = f"Device: /dev/sda [SAT], SMART Usage Attribute: {change}"
    return LogLine(any_second(rng), host, text, "smartd[812]")


def _choose(draw: float, n_updates: int) -> tuple[str, str]:
    """Return program and text; old lines are common in the order of the list, new ones rare."""
    if draw < 0.4:
        return _OTHERS[int(draw / 0.4 * len(_OTHERS))]
    known = [*_KERNEL, *_OF_NEW_KERNELS[:n_updates]]
    return "kernel", known[int(((draw - 0.4) / 0.6) ** 2 * len(known))]


def _n_updates(host: int, day: int) -> int:
    """Return how many kernel updates a host has had: its vault's turn comes some days after the first's."""
    turn = host // PODS_PER_VAULT * _DAYS_PER_VAULT
    return max(0, (day - turn) // _UPDATE_EVERY_DAYS + 1) if day >= turn + _UPDATE_EVERY_DAYS // 3 else 0
