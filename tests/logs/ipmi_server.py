"""Start a real management controller for tests: ``ipmi_sim`` of OpenIPMI, with a log of back-dated events."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

USER, PASSWORD = "ADMIN", "secret12"
_READY_SECONDS = 20
# mc_enable comes right after sel_enable: with a line between that it refuses, the port silently never opens.
_EMULATION = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
_LAN = """name "bmc0"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  user 1 true  ""       ""        user  10 none md2 md5 straight
  user 2 true  "{user}" "{password}" admin 10 none md2 md5 straight
"""


@contextlib.contextmanager
def running_controller(folder: Path) -> Iterator[int]:
    """Yield the port of a controller on loopback that answers; it ends with the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    (folder / "lan.conf").write_text(_LAN.format(port=port, user=USER, password=PASSWORD))
    (folder / "bmc.emu").write_text(_EMULATION)
    command = ["ipmi_sim", "-c", "lan.conf", "-f", "bmc.emu", "-s", str(folder / "state"), "-n"]
    with (folder / "sim.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        end = time.monotonic() + _READY_SECONDS
        while ask(port, "mc", "info", check=False) is None:
            assert server.poll() is None, (folder / "sim.log").read_text()
            assert time.monotonic() < end, "the controller never answered"
            time.sleep(0.2)
        yield port
    finally:
        server.kill()
        server.wait()


def ask(port: int, *words: str, check: bool = True) -> str | None:
    """Return what ipmitool prints; None where it failed and may."""
    command = [
        "ipmitool",
        "-I",
        "lanplus",
        "-C",
        "3",
        "-N",
        "1",
        "-R",
        "2",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    command += ["-U", USER, "-P", PASSWORD, *words]
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout if done.returncode == 0 else None


def write_events(port: int, folder: Path, moment: str, *events: str) -> None:
    """Add events to the log, as ``ipmitool sel add`` reads them, at ``moment`` (``11/20/26 03:15:00``, UTC)."""
    (folder / "events.txt").write_text("".join(f"{event}\n" for event in events))
    ask(port, "sel", "time", "set", moment)
    ask(port, "sel", "add", str(folder / "events.txt"))
