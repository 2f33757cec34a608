"""The recorded fleets that are measured: how each is read, what is asked of it, and where it is split."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.target import Target, parse_target
from tests.recorded_fleets import grid5000, infinitehbd, lanl, titan
from tests.recorded_fleets.recording import Recording


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """One recording. Models know what was known on the evening of ``split``; later days are judged.

    ``failure`` says in words what the recording counts as one.
    """

    title: str
    failure: str
    split: dt.date
    read: Callable[[Path], Recording]


FLEETS: Mapping[str, Fleet] = {
    "lanl": Fleet(
        title="LANL: a node's next hardware outage",
        failure="an outage whose root cause is hardware, planned maintenance left out; known when it is fixed",
        split=dt.date(2003, 12, 31),
        read=lanl.read_recording,
    ),
    "titan": Fleet(
        title="Titan: GPU failure",
        failure="a double-bit error, or the GPU falls off the bus; known on its day",
        split=dt.date(2017, 12, 31),
        read=titan.read_recording,
    ),
    "grid5000": Fleet(
        title="Grid5000: a node goes away",
        failure="unavailable for 24 hours or longer, on a day when at most a tenth of its cluster is (no cause is "
        "recorded); known a day after it began",
        split=dt.date(2006, 6, 30),
        read=grid5000.read_recording,
    ),
    "infinitehbd": Fleet(
        title="InfiniteHBD: repeat faults of GPU servers",
        failure="a fault that is not filed under software; known when it ends",
        split=dt.date(2024, 11, 15),
        read=infinitehbd.read_recording,
    ),
}


def load_target_of(name: str) -> Target:
    """Return what is predicted of a fleet: ``targets/<name>.yaml`` beside this file."""
    return parse_target((Path(__file__).parent / "targets" / f"{name}.yaml").read_text("utf-8"))
