"""The same window features the obvious way: pandas ``groupby(...).rolling(...)``."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.cube import Cube
from features.feature_names import MAX_GAP_DAYS

# What groupby.rolling can say directly. The kernel's other aggregates (level, differences of two days,
# slope, days since a change) need other machinery in pandas, and are left out in its favour.
AGGREGATES = (
    *("mean_30d", "min_30d", "max_30d", "std_30d"),
    *("increase_7d", "increase_30d", "increase_90d", "changes_7d", "changes_30d", "maxstep_30d"),
)


def frame_of(cube: Cube) -> pd.DataFrame:
    """Return the cube as a dense frame: one row per component and day, in this order, NaN where not reported.

    On such a grid a window of rows is a window of calendar days, and pandas rolls several times faster
    than over dates: again in its favour.
    """
    n_signals = len(cube.signals)
    values = cube.values.transpose(2, 1, 0).reshape(-1, n_signals).astype(np.float64)
    frame = pd.DataFrame(values, columns=list(cube.signals))
    frame.insert(0, "component", np.repeat(np.arange(cube.n_components), cube.n_days))
    return frame


def roll_windows(
    frame: pd.DataFrame, signals: Sequence[str]
) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Yield each feature's name and values (rows of ``frame``), signal by signal, in order of ``AGGREGATES``."""
    components = frame["component"]
    for signal in signals:
        values = frame[signal]
        carried = values.groupby(components).ffill(limit=MAX_GAP_DAYS - 1)
        step = values - carried.groupby(components).shift(1)
        increase = step.clip(lower=0)
        changed = step.ne(0).where(step.notna()).astype(np.float64)
        of_aggregate = {"increase": increase, "changes": changed, "maxstep": increase}
        for aggregate in AGGREGATES:
            name, _, window = aggregate.partition("_")
            series = of_aggregate.get(name, values)
            rolling = series.groupby(components, sort=False).rolling(int(window[:-1]), min_periods=1)
            match name:
                case "mean":
                    rolled = rolling.mean()
                case "min":
                    rolled = rolling.min()
                case "max" | "maxstep":
                    rolled = rolling.max()
                case "std":
                    rolled = rolling.std(ddof=0)
                case _:
                    rolled = rolling.sum()
            yield f"{signal}_{aggregate}", rolled.to_numpy()
