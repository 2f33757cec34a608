"""Host metrics, and drives, from a Prometheus: the exporters whose catalogues the source names.

Each catalogue entry is one question for a day's raw samples; questions run side by side.
"""

import datetime as dt
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
from pydantic import Field, field_validator

from pipelines.errors import MissingInputError
from pipelines.prometheus.access import Access
from pipelines.prometheus.catalogue import Catalogue, list_catalogues, load_catalogue, read_catalogue
from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.daily import DAY_MS, DaySpan
from pipelines.prometheus.drive_series import read_drive_rows
from pipelines.prometheus.errors import BrokenReplyError, PrometheusUnreachableError, TooMuchError
from pipelines.prometheus.host_metrics import MetricRows, inventory_rows, read_metric_rows
from pipelines.prometheus.host_names import HostNaming
from pipelines.prometheus.sample_reading import read_last_values
from pipelines.sources.raw_columns import KNOWN_AT, end_of_day, repeat
from pipelines.sources.source import RawTable

log = logging.getLogger(__name__)

_DAYS_LOOKED_FOR = 400
# query_range answers at most 11,000 points a series; one point is one day here.
_MOST_DAYS = 10_000


class Options(Access):
    """Which server, which exporters, and how hosts are named."""

    exporters: tuple[str, ...] = Field(
        default=("node_exporter", "smartctl_exporter", "ipmi_exporter", "dcgm_exporter"),
        description="Catalogues of pipelines/sources/metric_catalogue to read.",
    )
    catalogue_files: tuple[str, ...] = Field(
        default=(), description="Catalogues of your own, YAML; relative to the config file."
    )
    host_labels: tuple[str, ...] = Field(
        default=(), description="Labels that name the host, first one first, in place of the catalogues'."
    )
    strip_domain: bool = Field(default=False, description="Whether host.example.com is called host.")
    scrape_interval_seconds: float | None = Field(
        default=None, gt=0, description="Time between scrapes; the fleet's median of each metric if unset."
    )
    concurrent_requests: int = Field(default=2, ge=1, le=8, description="Questions asked side by side.")
    first_day: dt.date | None = Field(
        default=None, description="First day to look for when days are listed; 400 days back if unset."
    )

    @field_validator("exporters")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - set(list_catalogues())):
            raise ValueError(
                f"no catalogue of {', '.join(unknown)}; there are {', '.join(list_catalogues())}"
            )
        return value


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the UTC days, over by the server's clock, on which at least one of the exporters answered."""
    client = PrometheusClient(options, base_folder)
    today = _server_day(client)
    first = max(
        options.first_day or today - dt.timedelta(days=_DAYS_LOOKED_FOR),
        today - dt.timedelta(days=_MOST_DAYS),
    )
    if first >= today:
        return []
    names = "|".join(catalogue.presence_metric for catalogue in _catalogues(options, base_folder))
    data = _ask(
        client,
        "/api/v1/query_range",
        query=f"count(last_over_time({{__name__=~{json.dumps(names)}}}[{DAY_MS - 1}ms]))",
        # Asked at the last instant of each day, so that the window is the day.
        start=f"{DaySpan.of(first).end_ms / 1000 - 0.001:.3f}",
        end=f"{DaySpan.of(today).start_ms / 1000 - 0.001:.3f}",
        step="86400",
    )
    return [dt.datetime.fromtimestamp(seconds, dt.UTC).date() for seconds in _times_of(client, data)]


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_host_metrics of ``day`` and, where exporters name them, raw_drive_smart and raw_inventory."""
    client = PrometheusClient(options, base_folder)
    if day >= _server_day(client):
        raise MissingInputError(
            f"{day} is not over by the clock of {options.url}. Nothing was read. Re-run that day tomorrow.",
            day=day.isoformat(),
            url=options.url,
        )
    span = DaySpan.of(day)
    naming = HostNaming(labels=options.host_labels, strip_domain=options.strip_domain)
    catalogues = _catalogues(options, base_folder)
    metrics = _read_metrics(client, catalogues, span, naming, options)
    drives = [
        read_drive_rows(client, catalogue, span, naming, "prometheus")
        for catalogue in catalogues
        if catalogue.drive is not None
    ]
    tables = {
        "raw_host_metrics": _known_by(pa.concat_tables([rows.table for rows in metrics]), day)
        if metrics
        else None,
        "raw_drive_smart": pa.concat_tables([rows.smart for rows in drives]) if drives else None,
        "raw_inventory": pa.concat_tables(
            [_known_by(table, day) for table in _read_inventories(client, catalogues, span, naming)]
            + [rows.inventory for rows in drives]
        )
        if drives or any(catalogue.inventory for catalogue in catalogues)
        else None,
    }
    filled = {dataset: table for dataset, table in tables.items() if table is not None and table.num_rows}
    if not filled:
        names = ", ".join(catalogue.exporter for catalogue in catalogues)
        raise MissingInputError(
            f"{options.url} has no sample of {day} from {names}. Nothing was written. "
            "See which days it has: prefail ingest --list-days",
            day=day.isoformat(),
            url=options.url,
        )
    left_out = tuple(left for rows in metrics for left in rows.left_out)
    left_out += tuple(left for rows in drives for left in rows.left_out)
    if left_out:
        listed = "; ".join(f"{entry.count} × {entry.reason} ({entry.example})" for entry in left_out[:10])
        log.warning(f"series of {day} without a row: {listed}")
    for dataset, table in filled.items():
        yield RawTable(dataset=dataset, table=table, left_out=left_out)


def _catalogues(options: Options, base_folder: Path) -> list[Catalogue]:
    shipped = [load_catalogue(exporter) for exporter in options.exporters]
    return shipped + [read_catalogue(base_folder / path) for path in options.catalogue_files]


def _read_metrics(
    client: PrometheusClient, catalogues: list[Catalogue], span: DaySpan, naming: HostNaming, options: Options
) -> list[MetricRows]:
    with ThreadPoolExecutor(options.concurrent_requests) as pool:
        futures = [
            pool.submit(
                read_metric_rows,
                client,
                catalogue,
                entry,
                span,
                naming,
                interval_seconds=options.scrape_interval_seconds,
            )
            for catalogue in catalogues
            for entry in catalogue.metrics
        ]
        try:
            return [future.result() for future in futures]
        except BaseException:
            # The other questions would only fail the same way, one patience after the other.
            pool.shutdown(cancel_futures=True)
            raise


def _read_inventories(
    client: PrometheusClient, catalogues: list[Catalogue], span: DaySpan, naming: HostNaming
) -> list[pa.Table]:
    return [
        inventory_rows(
            # One value a series is enough: only its labels count.
            [v.labels for v in read_last_values(client, catalogue.inventory, span.start_ms, span.end_ms - 1)],
            catalogue,
            catalogue.inventory,
            naming,
        )
        for catalogue in catalogues
        if catalogue.inventory is not None
    ]


def _known_by(table: pa.Table, day: dt.date) -> pa.Table:
    """A day's sum is known when the day is over, not when its last sample was taken."""
    n_rows = table.num_rows
    for name, values in (
        ("source", repeat("prometheus", pa.string(), n_rows)),
        ("known_at", repeat(end_of_day(day), KNOWN_AT, n_rows)),
    ):
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    return table


def _server_day(client: PrometheusClient) -> dt.date:
    """The server's clock stamped the samples, so it says which days are over."""
    data = _ask(client, "/api/v1/query", query="time()")
    result = data.get("result") if isinstance(data, dict) else None
    try:
        assert isinstance(result, list)
        return dt.datetime.fromtimestamp(float(result[1]), dt.UTC).date()
    except (AssertionError, IndexError, TypeError, ValueError) as broken:
        raise _broken(client) from broken


def _ask(client: PrometheusClient, path: str, **parameters: str) -> object:
    """Ask for something that can't be asked for in pieces."""
    try:
        return client.ask_json(path, **parameters)
    except TooMuchError as too_much:
        raise PrometheusUnreachableError(
            f"{client.access.url} does not answer {parameters['query']} ({too_much}). Nothing was read. "
            "Raise timeout_seconds of the source, or set its first_day.",
            url=client.access.url,
        ) from too_much


def _times_of(client: PrometheusClient, data: object) -> list[float]:
    result = data.get("result") if isinstance(data, dict) else None
    try:
        assert isinstance(result, list)
        return [float(time) for series in result for time, _ in series["values"]]
    except (AssertionError, KeyError, TypeError, ValueError) as broken:
        raise _broken(client) from broken


def _broken(client: PrometheusClient) -> BrokenReplyError:
    return BrokenReplyError(
        f"{client.access.url} sent a result of an unknown shape. Nothing was read. Re-run that day.",
        url=client.access.url,
    )
