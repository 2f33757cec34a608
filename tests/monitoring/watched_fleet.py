"""Days of the simulated drives as core_drive_days, for tests that change what some of them report."""

import datetime as dt
import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.population import count_population
from features.signals import load_signals
from features.smart_decoding import decode_drive_smart
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.sources import simulated
from pipelines.store_views import ScratchStore

FIRST_DAY = dt.date(2025, 1, 1)
N_DAYS = 56
CHANGE = FIRST_DAY + dt.timedelta(days=45)
"""The day on which tests let something change; before it are enough days to compare with."""

OLD, OTHER = "ST12000NM0008", "ST8000NM0055"
SIGNALS = [signal.name for signal in load_signals()]

Change = Callable[[dt.date, pa.Table], pa.Table]


@functools.cache
def drive_days() -> dict[dt.date, pa.Table]:
    """Return core_drive_days of each day of a fleet of 80 hosts with 12 drives each."""
    options = simulated.Options(n_hosts=80, drives_per_host=12, n_days=N_DAYS, seed=11, first_day=FIRST_DAY)
    with tempfile.TemporaryDirectory() as folder:
        return {
            day: decode_drive_smart(next(simulated.read_day(options, day, Path(folder))).table).table
            for day in simulated.list_days(options, Path(folder))
        }


def days_from(first: dt.date, n: int) -> list[dt.date]:
    """Return ``n`` days from ``first`` on."""
    return [first + dt.timedelta(days=each) for each in range(n)]


@functools.cache
def _quiet_lake() -> Lake:
    """Return a lake with all days as they are; written once, in memory."""
    lake = Lake(ScratchStore(FolderStore(tempfile.gettempdir() + "/no-such-lake")))
    for day, table in drive_days().items():
        _write(lake, day, table)
    return lake


def make_lake(change: Change | None = None, until: dt.date | None = None, since: dt.date = CHANGE) -> Lake:
    """Return a lake of all days up to ``until``, each as ``change`` makes it from ``since`` on."""
    lake = Lake(ScratchStore(_quiet_lake().store))
    for day, table in drive_days().items():
        if until is not None and day > until:
            lake.delete_day("core_drive_days", day)
            lake.delete_day("core_model_population", day)
        elif change is not None and day >= since:
            _write(lake, day, change(day, table))
    return lake


def _write(lake: Lake, day: dt.date, table: pa.Table) -> None:
    lake.write_day("core_drive_days", day, table)
    lake.write_day("core_model_population", day, count_population(table, SIGNALS, "drive"))


def scale(signal: str, model: str, factor: float) -> Change:
    """Return a change after which the drives of a model count a signal in another unit."""

    def change(_: dt.date, table: pa.Table) -> pa.Table:
        values = pc.cast(pc.multiply(pc.cast(table[signal], pa.float64()), factor), pa.float64())
        return _replace(table, signal, model, pc.round(values))

    return change


def freeze(signal: str, model: str) -> Change:
    """Return a change after which the drives of a model repeat the value of the day before it."""
    last = drive_days()[CHANGE - dt.timedelta(days=1)]

    def change(_: dt.date, table: pa.Table) -> pa.Table:
        at = pc.index_in(table["component_key"], value_set=last["component_key"].combine_chunks())
        return _replace(table, signal, model, last[signal].take(at))

    return change


def count_events(signal: str, model: str, days: Sequence[dt.date]) -> Change:
    """Return a change after which a counter of a model's drives grows on these days and on no other."""

    def change(day: dt.date, table: pa.Table) -> pa.Table:
        n_events = sum(of <= day for of in days)
        return _replace(table, signal, model, pa.chunked_array([[float(7 + n_events)] * table.num_rows]))

    return change


def drop(signal: str, model: str) -> Change:
    """Return a change after which the drives of a model no longer report a signal."""

    def change(_: dt.date, table: pa.Table) -> pa.Table:
        return _replace(table, signal, model, pa.nulls(table.num_rows, pa.float64()))

    return change


def rename(model: str, new: str, share: float) -> Change:
    """Return a change after which a share of a model's drives are of a new one."""

    def change(_: dt.date, table: pa.Table) -> pa.Table:
        is_chosen = pa.array(table["component_key"].to_numpy() % np.uint64(1000) < 1000 * share)
        is_new = pc.and_(pc.equal(table["model"], model), is_chosen)
        names = pc.if_else(is_new, pa.scalar(new), pc.cast(table["model"], pa.string()))
        return table.set_column(table.schema.get_field_index("model"), "model", names)

    return change


def _replace(table: pa.Table, signal: str, model: str, values: pa.ChunkedArray) -> pa.Table:
    kind = table.schema.field(signal).type
    chosen = pc.if_else(pc.equal(table["model"], model), pc.cast(values, kind, safe=False), table[signal])
    return table.set_column(table.schema.get_field_index(signal), signal, chosen)
