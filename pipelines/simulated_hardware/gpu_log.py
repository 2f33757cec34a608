"""What the GPUs of the simulated fleet make the NVIDIA driver write: Xid lines.

A degrading GPU remaps rows and contains memory errors before it fails; jobs make healthy ones write Xids too
(numbers: NVIDIA, "XID Errors").
"""

import numpy as np

from pipelines.simulated_hardware.log_line import LogLine, any_second, burst
from pipelines.simulated_hardware.parts import Parts

_JOB_ERRORS_PER_DAY = 0.02
_JOBS = ("python3", "gmx_mpi", "pt_main_thread", "lmp")


def gpu_lines(gpus: Parts, day: int) -> list[LogLine]:
    """Return the day's lines about GPUs."""
    rng = np.random.default_rng([gpus.seed, 26, day])
    lines: list[LogLine] = []
    for gpu in gpus.degrading_on(day).tolist():
        days_ill = day - int(gpus.sign_day[gpu])
        for _ in range(min(12, rng.poisson(0.3 + days_ill / 15))):
            lines += burst(any_second(rng), int(gpus.host[gpu]), _memory_error(gpus, gpu, rng))
    for gpu in gpus.failing_on(day).tolist():
        lines += _last_words(gpus, gpu, rng)
    there = gpus.in_service(day)
    for gpu in there[rng.random(len(there)) < _JOB_ERRORS_PER_DAY].tolist():
        lines += burst(any_second(rng), int(gpus.host[gpu]), _job_error(gpus, gpu, rng))
    return lines


def _memory_error(gpus: Parts, gpu: int, rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        row = int(rng.integers(1 << 36))
        return _xid(
            gpus,
            gpu,
            63,
            "pid='<unknown>', name=<unknown>, Row Remapper: New row "
            f"({row:#018x}) marked for remapping, reset gpu to activate.",
        )
    if kind < 0.8:
        slices = f"LTC TAG ({int(rng.integers(16)):#x},{int(rng.integers(4)):#x})"
        return _xid(gpus, gpu, 94, f"{_job(rng)}, Contained: {slices}. RST: No, D-RST: No")
    return _xid(gpus, gpu, 48, "pid='<unknown>', name=<unknown>, DBE (double bit error) ECC Error")


def _last_words(gpus: Parts, gpu: int, rng: np.random.Generator) -> list[LogLine]:
    second, host = float(gpus.failure_second[gpu]), int(gpus.host[gpu])
    if rng.random() < 0.5:
        return burst(
            second,
            host,
            _xid(gpus, gpu, 79, "pid='<unknown>', name=<unknown>, GPU has fallen off the bus."),
            f"NVRM: GPU {_address(gpus, gpu)}.0: GPU has fallen off the bus.",
        )
    return burst(
        second,
        host,
        _xid(gpus, gpu, 95, f"{_job(rng)}, Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No"),
        _xid(gpus, gpu, 64, "pid='<unknown>', name=<unknown>, Row Remapper: Error recording row remap."),
    )


def _job_error(gpus: Parts, gpu: int, rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        place = f"(GPC {rng.integers(7)}, TPC {rng.integers(8)}, SM {rng.integers(2)})"
        return _xid(
            gpus, gpu, 13, f"{_job(rng)}, Graphics SM Warp Exception on {place}: Out Of Range Address"
        )
    if kind < 0.8:
        address = f"0x7f{rng.integers(256):02x}_{rng.integers(1 << 32):08x}"
        return _xid(
            gpus,
            gpu,
            31,
            f"{_job(rng)}, Ch 00000008, intr 00000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ "
            f"{address}. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ",
        )
    return _xid(gpus, gpu, 43, f"{_job(rng)}, Ch 00000008")


def _job(rng: np.random.Generator) -> str:
    return f"pid={rng.integers(2_000, 4_000_000)}, name={_JOBS[rng.integers(len(_JOBS))]}"


def _xid(gpus: Parts, gpu: int, number: int, text: str) -> str:
    return f"NVRM: Xid (PCI:{_address(gpus, gpu)}): {number}, {text}"


def _address(gpus: Parts, gpu: int) -> str:
    return gpus.slots[int(gpus.position[gpu])]
