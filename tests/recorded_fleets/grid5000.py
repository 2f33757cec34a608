"""Node availability of Grid5000, 2005 to 2006 (Failure Trace Archive; credit: the Grid5000 team).

No cause is recorded. A node counts as failed when it goes away for a day or longer by itself: not on a
day when more than a tenth of its cluster goes away for a day or longer, which is maintenance.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.recorded_fleets.recording import Outage, Recording, Service, make_lives, sort_components
from tests.recorded_fleets.signals import CountSoFar, DaysSince, DaysSinceStart, Events, GroupRate

FILE = Path("grid5000-node-availability") / "event_trace.parquet"
LONG_HOURS = 24
MASS_SHARE = 0.1
_SECONDS_PER_DAY = 86_400


def read_spans(data: Path) -> pd.DataFrame:
    """Return one row per span: component, cluster, is_up, start and end (seconds from 1970-01-01)."""
    raw = pd.read_parquet(data / FILE)
    return pd.DataFrame(
        {
            "component": raw["node_name"],
            "cluster": raw["node_name"].str.rsplit("/", n=1).str[0],
            "is_up": raw["event_type"] == 1,
            "start": raw["event_start_time"],
            "end": raw["event_stop_time"],
        }
    )


def find_long_outages(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the outages of a day or longer: component, cluster, day, back_on, is_alone."""
    down = spans[~spans["is_up"]]
    down = down[down["end"] - down["start"] >= LONG_HOURS * 3600]
    found = pd.DataFrame(
        {
            "component": down["component"],
            "cluster": down["cluster"],
            "day": (down["start"] // _SECONDS_PER_DAY).astype(np.int64),
            "back_on": (down["end"] // _SECONDS_PER_DAY).astype(np.int64),
        }
    )
    size = spans.groupby("cluster")["component"].nunique()
    n_away = found.groupby(["cluster", "day"])["component"].transform("nunique")
    found["is_alone"] = n_away <= np.maximum(1, MASS_SHARE * found["cluster"].map(size))
    return found


def read_recording(data: Path) -> Recording:
    """Return all nodes. That an outage is long, or one of many, is known a day after it began."""
    spans = read_spans(data)
    long = find_long_outages(spans)
    alone = long[long["is_alone"]]
    first_day = int(spans["start"].min() // _SECONDS_PER_DAY)
    last_day = int(spans["end"].max() // _SECONDS_PER_DAY)
    born = (spans.groupby("component")["start"].min() // _SECONDS_PER_DAY).astype(np.int64)
    models = dict(zip(spans["component"], spans["cluster"], strict=True))
    ids, keys = sort_components(models)
    place = pd.Series(np.arange(len(ids)), index=ids)
    down = spans[~spans["is_up"]]

    def events(part: pd.DataFrame, known_on: "pd.Series[int]") -> Events:
        return Events(
            component_index=place[part["component"]].to_numpy(),
            known_on=known_on.to_numpy(dtype=np.int64),
            amount=np.ones(len(part)),
        )

    ended = (down["end"] // _SECONDS_PER_DAY).astype(np.int64)
    hours = events(down, ended)
    failures = events(alone, alone["day"] + 1)
    clusters = np.array([models[name] for name in ids])
    return Recording(
        source="Grid5000 availability trace",
        ids=ids,
        keys=keys,
        models=clusters,
        lives=make_lives(
            ids,
            [
                Service(component=str(name), first_day=int(day), last_day=last_day)
                for name, day in born.items()
            ],
            [
                Outage(component=name, day=day, known_on=day + 1, back_on=max(back, day + 1))
                for name, day, back in alone[["component", "day", "back_on"]].itertuples(index=False)
            ],
        ),
        signals={
            "long_outages": CountSoFar(failures),
            "shared_outages": CountSoFar(events(long[~long["is_alone"]], long["day"][~long["is_alone"]] + 1)),
            "outages": CountSoFar(hours),
            "hours_down": CountSoFar(
                Events(
                    component_index=hours.component_index,
                    known_on=hours.known_on,
                    amount=((down["end"] - down["start"]) / 3600).to_numpy(),
                )
            ),
            "days_since_long_outage": DaysSince(failures),
            "age_days": DaysSinceStart(born.loc[ids.tolist()].to_numpy(dtype=np.int64)),
            "cluster_outages": GroupRate(failures, np.unique(clusters, return_inverse=True)[1]),
        },
        first_day=first_day,
        last_day=last_day,
    )
