"""Read the lookback of a few components: one small cube, whatever the size of the fleet."""

import datetime as dt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.cube import Cube, CubeBuilder
from features.shards import shard_of
from pipelines.cube_reading import read_shards
from pipelines.errors import MissingInputError
from pipelines.lake import Lake


def read_listed_cube(
    lake: Lake,
    dataset: str,
    signals: tuple[str, ...],
    keys: npt.NDArray[np.uint64],
    *,
    first_day: dt.date,
    last_day: dt.date,
) -> Cube:
    """Return the cube of the components ``keys`` on ``[first_day, last_day]``, as known by the end of it.

    Only the row groups of their shards are decoded. A day without a file is a missing day. A component
    that no day reports is not in the cube.
    """
    shards = sorted(set(shard_of(keys).tolist()))
    wanted = pa.array(keys, pa.uint64())
    builder = CubeBuilder(signals, first_day, last_day)
    for offset in range((last_day - first_day).days + 1):
        day = first_day + dt.timedelta(days=offset)
        try:
            if not shards:
                # Nothing to decode, but whoever records what was read shall name it.
                lake.open_day(dataset, day)
                continue
            rows = read_shards(lake, dataset, day, signals, shards, known_by=last_day)
        except MissingInputError:
            continue
        builder.add_day(day, rows.filter(pc.is_in(rows["component_key"], value_set=wanted)))
    return builder.build()
