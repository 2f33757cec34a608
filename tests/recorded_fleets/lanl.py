"""Node outages of LANL's systems, 1995 to 2005 (LA-UR-05-7318; recorded and provided by Los Alamos).

A record is written when the problem is fixed: its cause counts from the evening of that day. Nodes
that never failed have no row; each system's published size says how many they are.
"""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd

from tests.recorded_fleets.recording import Outage, Recording, Service, make_lives, number_of, sort_components
from tests.recorded_fleets.signals import CountSoFar, DaysSince, DaysSinceStart, Events, Fixed, GroupRate

FILE = Path("lanl-node-failures-1996-2005") / "failures.csv.gz"
# Planned work is no failure, though it is filed under hardware.
PLANNED = "Maintenance"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def read_outages(data: Path) -> pd.DataFrame:
    """Return one row per outage: component, started and fixed (day numbers), hours, hardware (cause or null)."""
    raw = pd.read_csv(data / FILE, dtype=str)
    started, fixed = (
        pd.to_datetime(raw[name], format="%m/%d/%Y %H:%M") for name in ("Prob Started", "Prob Fixed")
    )
    return pd.DataFrame(
        {
            "component": ("system" + raw["System"] + "/node" + raw["nodenumz"]).where(
                raw["nodenumz"].notna()
            ),
            "system": raw["System"],
            "n_nodes": pd.to_numeric(raw["nodes"]),
            "processors": pd.to_numeric(raw["procsinnode"]),
            "installed": raw["node install"],
            "retired": raw["node decom"],
            "started": _day_numbers(started),
            "fixed": _day_numbers(fixed),
            "hours": (fixed - started).dt.total_seconds() / 3600,
            "hardware": raw["Hardware"],
        }
    )


def read_recording(data: Path) -> Recording:
    """Return all nodes, silent ones included; an outage is one with a hardware cause that was not planned."""
    rows = read_outages(data)
    rows = rows[rows["component"].notna()].reset_index(drop=True)
    last_day = int(rows["started"].max())
    services, models, processors = _list_services(rows, last_day)
    ids, keys = sort_components(models)
    is_failure = rows["hardware"].notna() & (rows["hardware"] != PLANNED)
    outages = [
        Outage(component=name, day=day, known_on=fixed, back_on=fixed)
        for name, day, fixed in rows.loc[is_failure, ["component", "started", "fixed"]].itertuples(
            index=False
        )
    ]
    place = pd.Series(np.arange(len(ids)), index=ids)
    systems = np.array([models[name] for name in ids])
    start = {each.component: each.first_day for each in services}

    def events(chosen: "pd.Series[bool]", amount: str | None = None) -> Events:
        part = rows[chosen]
        return Events(
            component_index=place[part["component"]].to_numpy(),
            known_on=part["fixed"].to_numpy(),
            amount=np.ones(len(part)) if amount is None else part[amount].to_numpy(),
        )

    hardware = events(is_failure)
    return Recording(
        source="LANL, LA-UR-05-7318",
        ids=ids,
        keys=keys,
        models=systems,
        lives=make_lives(ids, services, outages),
        signals={
            "hardware_outages": CountSoFar(hardware),
            "other_outages": CountSoFar(events(~is_failure)),
            "cpu_outages": CountSoFar(events(rows["hardware"] == "CPU")),
            "memory_outages": CountSoFar(events(rows["hardware"] == "Memory Dimm")),
            "hours_down": CountSoFar(events(rows["started"] > 0, "hours")),
            "days_since_outage": DaysSince(hardware),
            "age_days": DaysSinceStart(np.array([start[name] for name in ids])),
            "processors": Fixed(np.array([processors[models[name]] for name in ids])),
            "system_outages": GroupRate(hardware, np.unique(systems, return_inverse=True)[1]),
        },
        first_day=int(rows["started"].min()),
        last_day=last_day,
    )


def _list_services(
    rows: pd.DataFrame, last_day: int
) -> tuple[list[Service], dict[str, str], dict[str, float]]:
    """Return when each node served, the system of each, and the processors of a node of each system."""
    services: list[Service] = []
    models: dict[str, str] = {}
    processors: dict[str, float] = {}
    for system, of_system in rows.groupby("system", sort=True):
        name = f"system{system}"
        processors[name] = float(of_system["processors"].median())
        first_failure = int(of_system["started"].min())
        spans = []
        for component, of_node in of_system.groupby("component", sort=True):
            known = [read_month(text) for text in of_node["installed"].unique()]
            first = min((day for day in known if day is not None), default=first_failure)
            last = max(_retired_on(text, last_day) for text in of_node["retired"].unique())
            spans.append((first, min(last_day, last)))
            first = min(first, int(of_node["started"].min()))
            services.append(Service(component=str(component), first_day=first, last_day=spans[-1][1]))
        n_silent = max(0, int(of_system["n_nodes"].max()) - len(spans))
        for number in range(n_silent):
            # They came and went as the others did, or else their age would tell that they never fail.
            first, last = spans[number * len(spans) // n_silent]
            services.append(Service(component=f"{name}/silent{number:04d}", first_day=first, last_day=last))
        models.update((each.component, name) for each in services if each.component.startswith(f"{name}/"))
    return services, models, processors


def _day_numbers(times: "pd.Series[pd.Timestamp]") -> np.ndarray:
    return times.to_numpy().astype("datetime64[D]").astype(np.int64)


def read_month(text: str) -> int | None:
    """Return the first day of a month; a spreadsheet has turned ``03-Aug`` (2003) into ``3-Aug``."""
    if found := re.fullmatch(r"(\d{1,2})-([A-Z][a-z]{2})", text):
        return number_of(dt.date(2000 + int(found[1]), _MONTHS.index(found[2]) + 1, 1))
    if found := re.fullmatch(r"([A-Z][a-z]{2})-(\d{2})", text):
        return number_of(dt.date(1900 + int(found[2]), _MONTHS.index(found[1]) + 1, 1))
    return None


def _retired_on(text: str, last_day: int) -> int:
    month = read_month(text)
    return last_day if month is None else month + 30
