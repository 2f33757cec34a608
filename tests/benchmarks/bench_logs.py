"""Kernel logs of 20 hosts to hardware events, in lines per second, against a plain scan of the same bytes."""

import datetime as dt
import json
import os
import random
import tempfile
from pathlib import Path

from pipelines.sources import kernel_log
from tests.benchmarks.rows import Row, Timing
from tests.benchmarks.timing import Side, say, time_in_turn

DAY = dt.date(2026, 2, 1)
N_LINES = 1_000_000
N_HOSTS = 20
# Lines that the issue asks for in a second, on two cores; a limit on a time would bind to a machine.
LINES_PER_SECOND_WANTED = 200_000
_N_RUNS = 3
_BLOCK_BYTES = 256 << 10

_QUIET = (
    "kernel: [{up}] usb 1-{n}: new high-speed USB device number {n} using xhci_hcd",
    "kernel: [{up}] IPv6: ADDRCONF(NETDEV_CHANGE): cali{hex}: link becomes ready",
    'kernel: [{up}] audit: type=1400 audit({up}:{n}): apparmor="ALLOWED" pid={n} comm="ps"',
    "kernel: [{up}] docker0: port {n}(veth{hex}) entered blocking state",
    "kernel: [{up}] perf: interrupt took too long ({n} > {n}), lowering kernel.perf_event_max_sample_rate to {n}",
    "kernel: [{up}] TCP: request_sock_TCP: Possible SYN flooding on port {n}. Sending cookies.",
    "kernel: [{up}] nfs: server 10.0.{n}.{n} not responding, still trying",
    "sshd[{n}]: Accepted publickey for deploy from 10.1.{n}.{n} port {n} ssh2: ED25519 SHA256:{hex}",
    "systemd[1]: Started Session {n} of user deploy.",
    "CRON[{n}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)",
)
_LOUD = (
    "kernel: [{up}] EDAC MC0: 1 CE memory read error on DIMM_A1 (channel:1 slot:0 socket:0 rank:1 row:0x{n} col:0x{n})",
    "kernel: [{up}] blk_update_request: I/O error, dev sdb, sector {n} op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0",
    "kernel: [{up}] pcieport 0000:00:1c.0: AER: Corrected error received: 0000:03:00.0",
)


def run(scale: float) -> list[Row]:
    """Measure on ``scale`` × 1,000,000 lines, a hundredth of which speak of hardware; then on a storm."""
    n_lines = max(1_000, round(N_LINES * scale))
    with tempfile.TemporaryDirectory(prefix="prefail-bench-") as name:
        folder = Path(name)
        say("writing the logs")
        _write_syslog(folder / "syslog", n_lines, loud_share=0.01)
        _write_syslog(folder / "storm", n_lines // 5, loud_share=1.0)
        _write_journal(folder / "journal", n_lines // 10)
        scan, syslog = time_in_turn(
            Side(what="read and count line ends", work=lambda: _scan(folder / "syslog")),
            Side(what="syslog to raw_hw_events", work=lambda: _read(folder, "syslog")),
            n_runs=_N_RUNS,
        )
        storm_scan, storm, journal_scan, journal = time_in_turn(
            Side(what="read and count line ends", work=lambda: _scan(folder / "storm")),
            Side(what="storm to raw_hw_events", work=lambda: _read(folder, "storm")),
            Side(what="read and count line ends", work=lambda: _scan(folder / "journal")),
            Side(what="journal (JSON) to raw_hw_events", work=lambda: _read(folder, "journal")),
            n_runs=_N_RUNS,
        )
    return [
        Row(name="kernel syslog", subject=syslog, reference=scan, note=_note(syslog, n_lines)),
        Row(name="a storm of errors", subject=storm, reference=storm_scan, note=_note(storm, n_lines // 5)),
        Row(
            name="journald JSON, all entries of the kernel",
            subject=journal,
            reference=journal_scan,
            note=_note(journal, n_lines // 10),
        ),
    ]


def _note(timing: Timing, n_lines: int) -> str:
    return (
        f"{n_lines:,} lines; {n_lines / timing.wall_seconds:,.0f} lines/s, "
        f"{n_lines / timing.cpu_seconds:,.0f} a second of processor time; wanted {LINES_PER_SECOND_WANTED:,}"
    )


def _scan(root: Path) -> int:
    n = 0
    for path in sorted(root.rglob("*.log")):
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                n += block.count(b"\n")
    return n


def _read(folder: Path, name: str) -> int:
    # What was read is remembered by the file's time; another time makes it a new file.
    for path in (folder / name).rglob("*.log"):
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000))
    return sum(raw.table.num_rows for raw in kernel_log.read_day(kernel_log.Options(path=name), DAY, folder))


def _write_syslog(root: Path, n_lines: int, loud_share: float) -> None:
    (root / DAY.isoformat()).mkdir(parents=True)
    rng = random.Random(7)
    per_host = max(1, n_lines // N_HOSTS)
    for host in range(N_HOSTS):
        lines = []
        for at in range(per_host):
            texts = _LOUD if rng.random() < loud_share else _QUIET
            lines.append(f"{_clock(at, per_host)} host-{host:03d} {_fill(rng.choice(texts), rng, at)}\n")
        (root / DAY.isoformat() / f"host-{host:03d}.log").write_text("".join(lines), "utf-8")


def _write_journal(root: Path, n_lines: int) -> None:
    (root / DAY.isoformat()).mkdir(parents=True)
    rng = random.Random(7)
    start = int(dt.datetime.combine(DAY, dt.time(), dt.UTC).timestamp() * 1e6)
    per_host = max(1, n_lines // N_HOSTS)
    for host in range(N_HOSTS):
        lines = []
        for at in range(per_host):
            message = _fill(rng.choice(_QUIET[:7] + _LOUD), rng, at).split("] ", 1)[-1]
            entry = {
                "__CURSOR": f"s=0123456789abcdef0123456789abcdef;i={at:x};b=fedcba9876543210fedcba9876543210",
                "__REALTIME_TIMESTAMP": str(start + at * 86_400_000_000 // per_host),
                "_BOOT_ID": "fedcba9876543210fedcba9876543210",
                "_MACHINE_ID": "0123456789abcdef0123456789abcdef",
                "_HOSTNAME": f"host-{host:03d}",
                "_TRANSPORT": "kernel",
                "PRIORITY": "6",
                "SYSLOG_FACILITY": "0",
                "SYSLOG_IDENTIFIER": "kernel",
                "MESSAGE": message,
            }
            lines.append(json.dumps(entry) + "\n")
        (root / DAY.isoformat() / f"host-{host:03d}.log").write_text("".join(lines), "utf-8")


def _clock(at: int, n: int) -> str:
    second = at * 86_400 // n
    return f"Feb  1 {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def _fill(text: str, rng: random.Random, at: int) -> str:
    return text.format(
        up=f"{at}.{rng.randrange(10**6):06d}", n=rng.randrange(1, 60_000), hex=f"{rng.getrandbits(44):011x}"
    )
