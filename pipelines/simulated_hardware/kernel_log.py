"""A day's kernel log of the simulated fleet, as a log server keeps it: one file, each line with its host."""

import datetime as dt

from pipelines.fleet_simulation import Fleet
from pipelines.simulated_hardware.board_log import board_lines
from pipelines.simulated_hardware.drive_log import drive_lines
from pipelines.simulated_hardware.gpu_log import gpu_lines
from pipelines.simulated_hardware.hosts import place_of
from pipelines.simulated_hardware.memory_log import memory_lines
from pipelines.simulated_hardware.noise_log import noise_lines
from pipelines.simulated_hardware.parts import simulate_hardware


def render_kernel_log(fleet: Fleet, number: int, day: dt.date) -> bytes:
    """Return the day's lines in the order of their times, in rsyslog's RSYSLOG_FileFormat."""
    hardware = simulate_hardware(fleet.plan)
    lines = [
        *memory_lines(hardware.dimms, number),
        *drive_lines(fleet, number),
        *gpu_lines(hardware.gpus, number),
        *board_lines(hardware.boards, number),
        *noise_lines(fleet.plan.n_hosts, fleet.plan.seed, number),
    ]
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    names = [place_of(host).host_id for host in range(fleet.plan.n_hosts)]
    return "".join(
        f"{(midnight + dt.timedelta(microseconds=int(line.second * 1e6))).isoformat(timespec='microseconds')} "
        f"{names[line.host]} {line.program}: {line.message}\n"
        for line in sorted(lines)
    ).encode()
