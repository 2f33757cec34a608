"""What the DIMMs of the simulated fleet make the kernel write: EDAC's lines, in its own format.

A degrading DIMM has a fault of one shape (a cell, a row, a column, a bank or a whole device), as Sridharan
and Liberty ("A Study of DRAM Failures in the Field", 2012) found them; its corrected errors get more each day and
spread over that shape. Three failing DIMMs of four have an uncorrected error that the patrol scrubber finds,
up to eleven days before somebody changes them, and one more on that day. Healthy DIMMs are not clean: cosmic
rays, stuck cells, and rows that misbehave for some days.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.fleet_simulation import Ints
from pipelines.simulated_hardware.log_line import LogLine, any_second, burst
from pipelines.simulated_hardware.parts import Parts

_SHAPES = ("cell", "row", "column", "bank", "device")
_SHARE_OF_SHAPES = (0.15, 0.25, 0.15, 0.25, 0.20)
_MAX_LINES_A_DAY = 40
_STUCK_CELLS = 0.02  # share of DIMMs
_FLAKY_ROWS = 0.04  # share of DIMMs that have such a week each ...
_FLAKY_PERIOD_DAYS = 120  # ... so many days
_COSMIC_PER_DAY = 0.0008
_N_ROWS, _N_COLUMNS, _N_GROUPS, _N_BANKS, _N_RANKS = 1 << 17, 1 << 10, 4, 4, 2
_CHANNELS_PER_SOCKET = 4
_MAX_SCRUBBED_DAYS_BEFORE = 11


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """Where the errors of one DIMM are, how its corrected ones grow (``strength``, a day), how it ends."""

    shape: str
    rank: int
    group: int
    bank: int
    row: int
    column: int
    strength: float
    has_uncorrected: bool
    scrubbed_days_before: int


def memory_lines(dimms: Parts, day: int) -> list[LogLine]:
    """Return the day's lines about memory."""
    rng = np.random.default_rng([dimms.seed, 21, day])
    lines: list[LogLine] = []
    for dimm in dimms.degrading_on(day).tolist():
        fault, days_ill = _fault_of(dimms, dimm), day - int(dimms.sign_day[dimm])
        n_lines = min(_MAX_LINES_A_DAY, rng.poisson(fault.strength * (1 + days_ill) / 6))
        for _ in range(n_lines):
            second = any_second(rng)
            if day < dimms.failure_day[dimm] or second < dimms.failure_second[dimm]:
                lines += burst(
                    second, int(dimms.host[dimm]), _corrected(dimms, dimm, fault, rng, 2 + days_ill)
                )
    is_near_its_end = (dimms.failure_day >= day) & (dimms.failure_day <= day + _MAX_SCRUBBED_DAYS_BEFORE)
    for dimm in np.flatnonzero(is_near_its_end & (dimms.first_day < day)).tolist():
        fault, days_left = _fault_of(dimms, dimm), int(dimms.failure_day[dimm]) - day
        if fault.has_uncorrected and days_left in (0, fault.scrubbed_days_before):
            lines += burst(
                float(dimms.failure_second[dimm]), int(dimms.host[dimm]), _uncorrected(dimms, dimm, fault)
            )
    for dimm in _with_stray_errors(dimms, day, rng):
        lines += burst(
            any_second(rng),
            int(dimms.host[dimm]),
            _corrected(dimms, dimm, _fault_of(dimms, dimm), rng, 1),
        )
    for dimm in rng.choice(dimms.in_service(day), rng.poisson(_COSMIC_PER_DAY * len(dimms.in_service(day)))):
        fault = _draw_fault(rng)
        lines += burst(any_second(rng), int(dimms.host[dimm]), _corrected(dimms, int(dimm), fault, rng, 1))
    return lines


def _with_stray_errors(dimms: Parts, day: int, rng: np.random.Generator) -> list[int]:
    """Return healthy DIMMs that have a corrected error, once for each."""
    there = dimms.in_service(day)
    has_stuck_cell = np.random.default_rng([dimms.seed, 22]).random(len(dimms.host)) < _STUCK_CELLS
    stuck = there[has_stuck_cell[there] & (rng.random(len(there)) < 0.2)]
    # The same DIMMs are flaky in all of a period, each in a week of its own.
    period, day_of_period = divmod(day, _FLAKY_PERIOD_DAYS)
    of_period = np.random.default_rng([dimms.seed, 23, period])
    is_flaky = of_period.random(len(dimms.host)) < _FLAKY_ROWS
    begins = of_period.integers(0, _FLAKY_PERIOD_DAYS - 7, len(dimms.host))
    flaky: Ints = there[
        is_flaky[there] & (begins[there] <= day_of_period) & (day_of_period < begins[there] + 7)
    ]
    return [*stuck.tolist(), *np.repeat(flaky, rng.poisson(3, len(flaky))).tolist()]


def _fault_of(dimms: Parts, dimm: int) -> _Fault:
    return _draw_fault(np.random.default_rng([dimms.seed, 24, dimm]))


def _draw_fault(rng: np.random.Generator) -> _Fault:
    return _Fault(
        shape=_SHAPES[rng.choice(len(_SHAPES), p=_SHARE_OF_SHAPES)],
        rank=int(rng.integers(_N_RANKS)),
        group=int(rng.integers(_N_GROUPS)),
        bank=int(rng.integers(_N_BANKS)),
        row=int(rng.integers(_N_ROWS)),
        column=int(rng.integers(_N_COLUMNS)),
        strength=float(rng.gamma(2.0, 2.0)),
        has_uncorrected=bool(rng.random() < 0.75),
        scrubbed_days_before=int(rng.integers(_MAX_SCRUBBED_DAYS_BEFORE + 1)),
    )


def _corrected(dimms: Parts, dimm: int, fault: _Fault, rng: np.random.Generator, spread: int) -> str:
    """Return a line of a corrected error at one of ``spread`` places of the fault's shape."""
    step = int(rng.integers(spread))
    row, column, group, bank = fault.row, fault.column, fault.group, fault.bank
    if fault.shape in ("column", "bank", "device"):
        row = (row + 977 * step) % _N_ROWS
    if fault.shape in ("row", "bank", "device"):
        column = (column + 8 * step) % _N_COLUMNS
    if fault.shape == "device":
        group, bank = (group + step % _N_GROUPS) % _N_GROUPS, (bank + step // _N_GROUPS) % _N_BANKS
    count = 1 + int(rng.poisson(0.3))
    return (
        f"EDAC MC{_socket(dimms, dimm)}: {count} CE memory read error on {_place(dimms, dimm)} "
        + _address(dimms, dimm, fault.rank, group, bank, row, column, syndrome="syndrome:0x0 ")
    )


def _uncorrected(dimms: Parts, dimm: int, fault: _Fault) -> str:
    place = f"EDAC MC{_socket(dimms, dimm)}: 1 UE memory scrubbing error on {_place(dimms, dimm)} "
    return place + _address(dimms, dimm, fault.rank, fault.group, fault.bank, fault.row, fault.column)


def _place(dimms: Parts, dimm: int) -> str:
    return dimms.slots[int(dimms.position[dimm])]


def _socket(dimms: Parts, dimm: int) -> int:
    return int(dimms.position[dimm]) // _CHANNELS_PER_SOCKET


def _address(
    dimms: Parts,
    dimm: int,
    rank: int,
    group: int,
    bank: int,
    row: int,
    column: int,
    *,
    syndrome: str = "",
) -> str:
    """Return the part in brackets, as skx_edac and edac_mc write it."""
    channel = int(dimms.position[dimm]) % _CHANNELS_PER_SOCKET
    page = (row << 7) | (column >> 3)
    return (
        f"(channel:{channel} slot:0 page:{page:#x} offset:{(column & 7) << 3:#x} grain:32 {syndrome}- "
        f"err_code:0x0101:0x009{channel} socket:{_socket(dimms, dimm)} imc:0 rank:{rank} row:{row:#x} "
        f"col:{column:#x} bank_group:{group} bank_address:{bank})"
    )
