"""Faults of a cluster of 400 GPU servers over 348 days (InfiniteHBD trace, arXiv 2502.03885).

A server counts as failed with each fault that is not filed under software. What it was is known when
it ends. Servers that never had a fault have no name in the trace.
"""

import datetime as dt
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.recorded_fleets.recording import Outage, Recording, Service, make_lives, number_of, sort_components
from tests.recorded_fleets.signals import CountSoFar, DaysSince, Events, GroupRate

FILE = Path("infinitehbd-gpu-cluster-faults") / "fault_trace.json.gz"
N_SERVERS = 400
FIRST_DAY = number_of(dt.date(2024, 3, 30))
N_DAYS = 348
_CLASSES = {
    "gpu_faults": "GPU",
    "unexplained_faults": "Unknown Error",
    "stress_failures": "Stress Test Failure",
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of one server: from ``start`` to ``end`` (day numbers), by level and class."""

    component: str
    start: int
    end: int
    level: str
    fault_class: str


def read_faults(data: Path) -> list[Fault]:
    """Return all faults in order of their start; a server has at most one of a class and text at a time."""
    events = json.loads(gzip.decompress((data / FILE).read_bytes()))
    waiting: dict[tuple[str, str], list[float]] = {}
    faults = []
    for event in sorted(events, key=lambda each: each["event_time"]):
        kind = event["fault_type"]
        key = (event["node_id"], json.dumps(kind, sort_keys=True))
        if event["event_type"] == "fault_start":
            waiting.setdefault(key, []).append(event["event_time"])
        else:
            faults.append(
                Fault(
                    component=event["node_id"],
                    start=FIRST_DAY + int(waiting[key].pop(0)),
                    end=FIRST_DAY + int(event["event_time"]),
                    level=kind["Level"],
                    fault_class=kind["Class"],
                )
            )
    assert not any(waiting.values()), "a fault of the trace never ends"
    return sorted(faults, key=lambda each: (each.start, each.component))


def read_recording(data: Path) -> Recording:
    """Return all 400 servers, in service from the first day."""
    faults = read_faults(data)
    named = sorted({fault.component for fault in faults})
    silent = [f"silent{number:03d}" for number in range(N_SERVERS - len(named))]
    ids, keys = sort_components(dict.fromkeys([*named, *silent], "server"))
    place = {str(name): number for number, name in enumerate(ids)}
    last_day = FIRST_DAY + N_DAYS
    counted = [fault for fault in faults if fault.level != "Software Failure"]

    def events(chosen: list[Fault]) -> Events:
        return Events(
            component_index=np.array([place[fault.component] for fault in chosen], dtype=np.int64),
            known_on=np.array([fault.end for fault in chosen], dtype=np.int64),
            amount=np.ones(len(chosen)),
        )

    return Recording(
        source="InfiniteHBD fault trace",
        ids=ids,
        keys=keys,
        models=np.full(len(ids), "server"),
        lives=make_lives(
            ids,
            [Service(component=str(name), first_day=FIRST_DAY, last_day=last_day) for name in ids],
            [
                Outage(component=fault.component, day=fault.start, known_on=fault.end, back_on=fault.end)
                for fault in counted
            ],
        ),
        signals={
            "faults": CountSoFar(events(counted)),
            "software_faults": CountSoFar(events([f for f in faults if f.level == "Software Failure"])),
            **{
                name: CountSoFar(events([fault for fault in faults if fault.fault_class == wanted]))
                for name, wanted in _CLASSES.items()
            },
            "days_since_fault": DaysSince(events(counted)),
            "fleet_faults": GroupRate(events(counted), np.zeros(len(ids), dtype=np.int64)),
        },
        first_day=FIRST_DAY,
        last_day=last_day,
    )
