"""Find the signals that a silent source used to feed, on hosts that other sources still speak of."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import ComponentKind, KindSignal
from features.unheard import NOTHING_UNHEARD, UnheardSignals
from pipelines.cube_reading import end_of_day
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.source_outages import SourceOutage, week_before

_NO_HOSTS = pa.array([], pa.string())


def find_unheard_signals(
    kind: ComponentKind,
    day: dt.date,
    delivered: Collection[str],
    outages: Sequence[SourceOutage],
    settings: Settings,
    lake: Lake,
) -> UnheardSignals:
    """Return which zeros of ``day`` can't be stated, by what sources said in ``[day - 7, day - 1]``.

    A signal is unheard on a host of which a silent source spoke of it and no other source did; one that only
    silent sources spoke of at all, on every host that they spoke of. ``delivered``: the raw_ datasets of the
    day; of one that nobody delivered all signals are null anyway. Nothing is read where no source is silent.
    """
    silent = {outage.source for outage in outages}
    hosts: dict[str, pa.Array] = {}
    spoken_of: set[str] = set()
    signals = [signal for signal in kind.signals if signal.absent == 0]
    for dataset in {signal.source.dataset: None for signal in signals}:
        if dataset not in delivered or not any(dataset in outage.datasets for outage in outages):
            continue
        said_by_silent, said_by_others = (
            list(_read_week(kind, dataset, day, names, lake))
            for names in (
                [source.name for source in settings.sources if source.name in silent],
                [source.name for source in settings.sources if source.name not in silent],
            )
        )
        fed = _hosts_of(said_by_silent)
        for signal in (each for each in signals if each.source.dataset == dataset):
            by_silent, by_others = (
                _hosts_of([_of_signal(signal, kind, rows) for rows in tables])
                for tables in (said_by_silent, said_by_others)
            )
            if len(by_silent) or len(by_others):
                spoken_of.add(signal.name)
            if len(by_silent):
                is_alone = pc.invert(pc.is_in(by_silent, value_set=by_others))
                hosts[signal.name] = by_silent.filter(is_alone) if len(by_others) else fed
    return UnheardSignals(hosts=hosts, spoken_of=frozenset(spoken_of)) if hosts else NOTHING_UNHEARD


def _read_week(
    kind: ComponentKind, dataset: str, day: dt.date, sources: Sequence[str], lake: Lake
) -> Iterator[pa.Table]:
    """Yield what the sources delivered of the week before, as known by the end of ``day``."""
    wanted = kind.columns_of(dataset) | {"component_kind"}
    for at in reversed(week_before(day)):
        for source in sources:
            if lake.has_day(dataset, at, part=source):
                stored = lake.open_day(dataset, at, part=source, by_range=True)
                rows = stored.read(columns=[name for name in stored.schema_arrow.names if name in wanted])
                yield rows.filter(pc.less(rows["known_at"], end_of_day(day)))


def _of_signal(signal: KindSignal, kind: ComponentKind, rows: pa.Table) -> pa.Table:
    where = dict(signal.source.where)
    if kind.identity == "component_id":
        where["component_kind"] = (kind.kind,)
    for column, values in where.items():
        rows = rows.filter(pc.is_in(rows[column], value_set=pa.array(values, pa.string())))
    return rows


def _hosts_of(tables: Sequence[pa.Table]) -> pa.Array:
    chunks = [chunk for rows in tables for chunk in rows["host_id"].chunks]
    return pc.unique(pa.chunked_array([_NO_HOSTS, *chunks]))
