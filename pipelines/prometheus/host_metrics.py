"""Turn one catalogue entry's series of a day into rows of raw_host_metrics and of raw_inventory."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.prometheus.catalogue import Catalogue, InventoryEntry, Labels, MetricEntry, fill_template
from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.daily import BASELINE_MS, DaySpan, DaySums, sum_up_day
from pipelines.prometheus.host_names import HostNaming
from pipelines.prometheus.remote_read import SeriesSamples
from pipelines.prometheus.sample_reading import read_samples
from pipelines.sources.raw_columns import complete_columns, repeat
from pipelines.sources.source import LeftOut, LeftOutCounter

_NO_HOST = "no label names its host"
_NO_PART = "no label names its part"
_COLUMNS = {
    "value_min": "min",
    "value_max": "max",
    "value_mean": "mean",
    "value_last": "last",
    "increase": "increase",
}


@dataclass(frozen=True, kw_only=True)
class MetricRows:
    """Rows of raw_host_metrics, without known_at, and the series that gave none."""

    table: pa.Table
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, kw_only=True)
class _Assignment:
    """Which part and sensor each series is of: codes, and the (host, component) behind each part's code."""

    sensors: np.ndarray[tuple[int], np.dtype[np.int64]]
    parts: np.ndarray[tuple[int], np.dtype[np.int64]]
    names: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]


def read_metric_rows(
    client: PrometheusClient,
    catalogue: Catalogue,
    entry: MetricEntry,
    span: DaySpan,
    naming: HostNaming,
    *,
    interval_seconds: float | None = None,
) -> MetricRows:
    """Return one row per part that has a sample of the day, ascending by host and part."""
    first_ms = span.start_ms - (BASELINE_MS if entry.kind == "counter" else 0)
    samples = read_samples(client, entry, first_ms, span.end_ms - 1)
    return sum_up_metric(samples, catalogue, entry, span, naming, interval_seconds=interval_seconds)


def sum_up_metric(
    samples: SeriesSamples,
    catalogue: Catalogue,
    entry: MetricEntry,
    span: DaySpan,
    naming: HostNaming,
    *,
    interval_seconds: float | None = None,
) -> MetricRows:
    """Return the rows that the samples of one metric make."""
    assigned = _assign(samples.labels, catalogue, entry, naming)
    sums = sum_up_day(
        samples,
        assigned.sensors,
        assigned.parts,
        span,
        interval_ms=None if interval_seconds is None else 1000 * interval_seconds,
        sums_last=entry.last_of_several == "sum",
    )
    return MetricRows(table=_table_of(sums, assigned, entry), left_out=assigned.left_out)


def inventory_rows(
    labels: Iterable[Labels], catalogue: Catalogue, entry: InventoryEntry, naming: HostNaming
) -> pa.Table:
    """Return one row per part that the labels name, without known_at; ascending by part and host."""
    found = set()
    for each in labels:
        host = naming.host_of(each, catalogue)
        part = None if host is None else fill_template(entry.component, each, host)
        if host is not None and part is not None:
            slot = each.get(entry.slot) if entry.slot else None
            model = each.get(entry.model) if entry.model else None
            found.add((part, host, slot or "", model or ""))
    rows = sorted(found)
    columns = {
        "component_id": pa.array([part for part, _, _, _ in rows], pa.string()),
        "component_kind": repeat(entry.component_kind, pa.string(), len(rows)),
        "host_id": pa.array([host for _, host, _, _ in rows], pa.string()),
        "slot": pa.array([slot or None for _, _, slot, _ in rows], pa.string()),
        "model": pa.array([model or None for _, _, _, model in rows], pa.string()),
    }
    return complete_columns("raw_inventory", columns, len(rows))


def _assign(
    labels: tuple[Labels, ...], catalogue: Catalogue, entry: MetricEntry, naming: HostNaming
) -> _Assignment:
    left_out = LeftOutCounter()
    keys: list[tuple[str, str, tuple[str, ...]] | None] = []
    for each in labels:
        host = naming.host_of(each, catalogue)
        part = None if host is None else fill_template(entry.component, each, host)
        if host is None or part is None:
            reason = _NO_HOST if host is None else _NO_PART
            left_out.add(f"{entry.metric}: {reason}", _written(each))
            keys.append(None)
        else:
            keys.append((host, part, tuple(each.get(name, "") for name in entry.series)))
    # Sorted by name, so that the rows do not depend on the order in which the server, or pieces of a
    # span, deliver the series.
    sensors = sorted({key for key in keys if key is not None})
    names = sorted({(host, part) for host, part, _ in sensors})
    sensor_codes = {key: code for code, key in enumerate(sensors)}
    part_codes = {name: code for code, name in enumerate(names)}
    return _Assignment(
        sensors=np.array([-1 if key is None else sensor_codes[key] for key in keys], np.int64),
        parts=np.array([part_codes[host, part] for host, part, _ in sensors], np.int64),
        names=tuple(names),
        left_out=left_out.entries(),
    )


def _table_of(sums: DaySums, assigned: _Assignment, entry: MetricEntry) -> pa.Table:
    n_rows = len(sums.part)
    names = [assigned.names[code] for code in sums.part.tolist()]
    columns: dict[str, pa.Array] = {
        "host_id": pa.array([host for host, _ in names], pa.string()),
        "component_kind": repeat(entry.component_kind, pa.string(), n_rows),
        "component_id": pa.array([part for _, part in names], pa.string()),
        "signal": repeat(entry.signal, pa.string(), n_rows),
        "unit": repeat(entry.unit, pa.string(), n_rows),
        "n_samples": pa.array(sums.n_samples, pa.int32()),
        "covered_share": pa.array(sums.covered_share.astype(np.float32)),
        "longest_gap_seconds": pa.array(sums.longest_gap_seconds.astype(np.float32)),
    }
    for column, aggregation in _COLUMNS.items():
        if aggregation in entry.aggregations:
            columns[column] = pa.array(getattr(sums, column), pa.float64())
    return complete_columns("raw_host_metrics", columns, n_rows)


def _written(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))[:150] + "}"
