"""A 300,000-row Drive Stats CSV day to Parquet, against the parse of its needed columns."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from data_contracts.loader import load_contract
from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.settings import Settings, SourceSettings
from pipelines.sources import drive_stats
from pipelines.sources.drive_stats_csv import needed_columns
from pipelines.sources.source import RawTable
from pipelines.validation import validate_day
from tests.benchmarks.drive_stats_day import DAY, list_header, render_drive_stats_day
from tests.benchmarks.rows import Row
from tests.benchmarks.timing import N_THREADS, Side, say, time_in_turn

N_ROWS = 300_000
_SOURCE = "drives"
_TEXTS = ("serial_number", "model", "datacenter")
_N_RUNS = 5


def run(scale: float) -> list[Row]:
    """Measure on a file of ``scale`` × 300,000 rows."""
    pa.set_cpu_count(N_THREADS)
    with tempfile.TemporaryDirectory(prefix="prefail-bench-") as folder:
        say("writing the CSV")
        data = render_drive_stats_day(max(200, round(N_ROWS * scale)))
        path = Path(folder) / f"{DAY}.csv"
        path.write_bytes(data)
        lake = Lake(FolderStore(Path(folder) / "lake"))
        settings = Settings(
            sources=(SourceSettings.model_validate({"name": _SOURCE, "kind": "drive_stats", "path": "."}),),
            base_folder=Path(folder),
        )
        delivered = _read(Path(folder))
        parse, to_parquet = time_in_turn(
            Side(what="pyarrow.csv, needed columns", work=lambda: _parse(path)),
            Side(what="read, decode and write Parquet", work=lambda: _write(_read(Path(folder)), lake)),
            n_runs=_N_RUNS,
        )
        validation, whole_step, build = time_in_turn(
            Side(what="validation alone", work=lambda: _validate(delivered, lake)),
            Side(what="prefail ingest", work=lambda: ingest_day(DAY, settings, lake)),
            Side(what="prefail build", work=lambda: build_day(DAY, settings, lake)),
            n_runs=3,
        )
    n_rows = delivered[0].table.num_rows
    note = f"{n_rows:,} rows, {len(list_header())} columns, {len(data) / 1e6:.0f} MB of CSV"
    return [
        Row(name="CSV day to Parquet", subject=to_parquet, reference=parse, ratio_at_most=2.5, note=note),
        Row(
            name="its validation",
            subject=validation,
            reference=parse,
            note="Great Expectations, raw_drive_smart and raw_inventory; not part of the limit",
        ),
        Row(name="prefail ingest, all of it", subject=whole_step, reference=parse),
        Row(name="prefail build, all of it", subject=build, reference=parse, note="decode, validate, write"),
    ]


def _parse(path: Path) -> pa.Table:
    """Parse with every type given: the fastest that pyarrow has."""
    columns = [name for name in needed_columns() if name in list_header()]
    types = {name: pa.string() if name in _TEXTS else pa.int64() for name in columns}
    types["date"] = pa.date32()
    options = pa_csv.ConvertOptions(include_columns=columns, column_types=types)
    return pa_csv.read_csv(path, convert_options=options)


def _read(folder: Path) -> list[RawTable]:
    return list(drive_stats.read_day(drive_stats.Options(path="."), DAY, folder))


def _write(delivered: list[RawTable], lake: Lake) -> None:
    for raw in delivered:
        lake.write_day(raw.dataset, DAY, raw.table, part=_SOURCE)


def _validate(delivered: list[RawTable], lake: Lake) -> None:
    for raw in delivered:
        validate_day(load_contract(raw.dataset), raw.table, DAY, lake, part=_SOURCE)
