"""A small fleet's day as a Prometheus would have scraped it every five minutes."""

import datetime as dt
import random
from collections.abc import Sequence

from tests.prometheus.prometheus_server import Series

DAY = dt.date(2026, 2, 1)
MIDNIGHT = dt.datetime.combine(DAY, dt.time(), dt.UTC).timestamp()
STEP = 300


def scrapes(first: float = 0.0, last: float = 86_400.0) -> list[float]:
    """Return the times of scrapes in ``[first, last)`` seconds of the day, 17 s past each five minutes."""
    n = range(int(first // STEP), int(last // STEP))
    return [MIDNIGHT + STEP * i + 17 for i in n]


def gauge(name: str, labels: dict[str, str], times: Sequence[float], seed: int = 0) -> Series:
    rng = random.Random(f"{name}{seed}")
    return Series(name=name, labels=labels, samples=[(t, 20 + round(rng.random() * 60, 3)) for t in times])


def counter(name: str, labels: dict[str, str], times: Sequence[float], steps: dict[int, float]) -> Series:
    """Return a counter that grows by ``steps[i]`` at scrape ``i``."""
    total, samples = 0.0, []
    for i, time in enumerate(times):
        total += steps.get(i, 0.0)
        samples.append((time, total))
    return Series(name=name, labels=labels, samples=samples)


def small_fleet() -> list[Series]:
    """Return three hosts: one whole, one that was silent from 06:00 to 18:00, one whose EDAC counts."""
    history = []
    for n in range(3):
        node = {"instance": f"host-{n}:9100", "job": "node"}
        times = scrapes(-1800) if n != 1 else scrapes(-1800, 6 * 3600) + scrapes(18 * 3600)
        history += [
            Series(name="node_boot_time_seconds", labels=node, samples=[(t, 1.7e9) for t in times]),
            gauge("node_load1", node, times, n),
            gauge("node_hwmon_temp_celsius", {**node, "chip": "coretemp_0", "sensor": "temp1"}, times, n),
            gauge("node_hwmon_temp_celsius", {**node, "chip": "coretemp_0", "sensor": "temp2"}, times, n + 9),
            counter("node_network_receive_errs_total", {**node, "device": "eth0"}, times, {}),
            counter("node_network_receive_errs_total", {**node, "device": "docker0"}, times, {9: 1e6}),
            counter(
                "node_edac_channel_correctable_errors_total",
                {**node, "controller": "0", "csrow": "0", "channel": "0", "dimm_label": "DIMM_A1"},
                times,
                {5: 7, 100: 3, 200: 20} if n == 2 else {},
            ),
        ]
    # A GPU whose work, and so whose labels, changed at noon.
    gpu = {
        "instance": "10.0.0.9:9400",
        "Hostname": "host-2",
        "UUID": "GPU-1",
        "gpu": "0",
        "modelName": "A100",
    }
    for pod, first, last in (("one", 0, 43_200), ("two", 43_200, 86_400)):
        times = scrapes(first, last)
        history.append(gauge("DCGM_FI_DEV_GPU_TEMP", {**gpu, "pod": pod}, times))
        history.append(
            Series(
                name="DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
                labels={**gpu, "pod": pod},
                samples=[(t, 4.0 if t >= MIDNIGHT + 43_200 else 1.0) for t in times],
            )
        )
    return history
