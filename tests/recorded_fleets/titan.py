"""GPU lifetimes of the Titan supercomputer, 2013 to 2019 (Ostrouchov et al., SC20, doi as in its repository).

A GPU fails with each double-bit error (DBE) or when it falls off the bus (OTB). It serves while it is
installed; removed without an event, it is censored.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.recorded_fleets.recording import Outage, Recording, Service, make_lives, sort_components
from tests.recorded_fleets.signals import (
    CountSoFar,
    DaysSince,
    DaysSinceStart,
    Events,
    GroupRate,
    LastValue,
)

FILE = Path("titan-gpu-lifetimes") / "gc_full.csv.gz"
# The rework of the machine began in 2016 with GPUs of a new batch.
_REWORK = np.datetime64("2016-01-01", "D").astype(np.int64)


def read_spans(data: Path) -> pd.DataFrame:
    """Return one row per installation or lone event: component, inserted (null: lone), removed, event, place."""
    raw = pd.read_csv(data / FILE, dtype=str)
    place = raw["location"].str.extract(
        r"^c(?P<column>\d+)-(?P<row>\d)c(?P<cage>\d)s(?P<slot>\d)n(?P<node>\d)$"
    )
    return pd.DataFrame(
        {
            "component": raw["SN"],
            "inserted": _day_numbers(raw["insert"]),
            "removed": _day_numbers(raw["remove"]),
            "event": raw["event"],
            **{name: pd.to_numeric(place[name]) for name in ("cage", "slot", "node", "column")},
        }
    )


def read_recording(data: Path) -> Recording:
    """Return all GPUs; the old and the new batch are told apart by when a GPU first came in."""
    rows = read_spans(data)
    spans = rows[rows["inserted"].notna()].astype({"inserted": np.int64})
    first = spans.groupby("component")["inserted"].min()
    rows = rows[rows["component"].isin(first.index)]
    failed = rows[rows["event"].notna()]
    models = {str(name): "old" if day < _REWORK else "new" for name, day in first.items()}
    ids, keys = sort_components(models)
    place = pd.Series(np.arange(len(ids)), index=ids)

    def events(part: pd.DataFrame, day: str, amount: str | None = None) -> Events:
        return Events(
            component_index=place[part["component"]].to_numpy(),
            known_on=part[day].to_numpy(),
            amount=np.ones(len(part)) if amount is None else part[amount].to_numpy(dtype=np.float64),
        )

    failures = events(failed, "removed")
    batches = np.array([models[name] for name in ids])
    return Recording(
        source="Titan GPU lifetimes",
        ids=ids,
        keys=keys,
        models=batches,
        lives=make_lives(
            ids,
            [
                Service(component=name, first_day=start, last_day=end)
                for name, start, end in spans[["component", "inserted", "removed"]].itertuples(index=False)
            ],
            [
                Outage(component=name, day=day, known_on=day, back_on=day)
                for name, day in failed[["component", "removed"]].itertuples(index=False)
            ],
        ),
        signals={
            "failures": CountSoFar(failures),
            "double_bit_errors": CountSoFar(events(failed[failed["event"] == "DBE"], "removed")),
            "bus_losses": CountSoFar(events(failed[failed["event"] == "OTB"], "removed")),
            "days_since_failure": DaysSince(failures),
            "installations": CountSoFar(events(spans, "inserted")),
            "days_installed": DaysSince(events(spans, "inserted")),
            "age_days": DaysSinceStart(first.loc[ids.tolist()].to_numpy()),
            "cage": LastValue(events(spans, "inserted", "cage")),
            "node": LastValue(events(spans, "inserted", "node")),
            "slot": LastValue(events(spans, "inserted", "slot")),
            "batch_failures": GroupRate(failures, np.unique(batches, return_inverse=True)[1]),
        },
        first_day=int(spans["inserted"].min()),
        last_day=int(rows["removed"].max()),
    )


def _day_numbers(texts: "pd.Series[str]") -> "pd.Series[int]":
    times = pd.to_datetime(texts)
    days = (times - pd.Timestamp("1970-01-01")) // pd.Timedelta(days=1)
    return days if days.isna().any() else days.astype(np.int64)
