"""A reader of consecutive days gives what a fresh one would, and reads each file as rarely as it says."""

import datetime as dt

import numpy as np
from model_fleet import FIRST_DAY, write_fleet

from pipelines.component_days import ComponentDayReader
from pipelines.lake import Lake
from pipelines.object_store import FolderStore

SIGNALS = ("pending_sectors", "power_on_hours")
LOOKBACK = dt.timedelta(days=9)


class _CountingStore(FolderStore):
    """A folder that counts what is read of it."""

    n_reads = 0

    def read(self, key: str) -> bytes:
        self.n_reads += 1
        return super().read(key)


def test_a_span_is_read_as_fresh_readers_would_and_each_further_day_costs_one_file(lake: Lake) -> None:
    last_day = FIRST_DAY + dt.timedelta(days=16)
    write_fleet(lake, n_drives=40, last_day=last_day)
    lake.delete_day("core_drive_days", FIRST_DAY + dt.timedelta(days=8))
    store = _CountingStore(lake.store.root)
    reader = ComponentDayReader(Lake(store), "core_drive_days", SIGNALS)
    n_reads = []

    for number in range(12, 16):
        day = FIRST_DAY + dt.timedelta(days=number)
        before = store.n_reads
        cube = reader.read_cube(day - LOOKBACK, day)
        n_reads.append(store.n_reads - before)
        fresh = ComponentDayReader(lake, "core_drive_days", SIGNALS).read_cube(day - LOOKBACK, day)
        assert np.array_equal(cube.component_keys, fresh.component_keys)
        assert cube.values.tobytes() == fresh.values.tobytes()
        assert np.array_equal(cube.is_reported, fresh.is_reported)
        assert [cube.models[code] for code in cube.model_codes] == [
            fresh.models[code] for code in fresh.model_codes
        ]

    # The missing day is looked for each time: it might have been written meanwhile.
    assert n_reads == [10, 10, 2, 2]
