"""Write small Drive Stats files of the kinds that are published, and of the kinds that go wrong."""

import datetime as dt
import gzip
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipelines.sources import drive_stats
from pipelines.sources.source import RawTable

DAY = dt.date(2024, 1, 2)
HEADER_2013 = ("date", "serial_number", "model", "capacity_bytes", "failure", "smart_5_raw", "smart_9_raw")
LOCATION = ("datacenter", "cluster_id", "vault_id", "pod_id", "pod_slot_num")


def csv_text(
    rows: Sequence[Mapping[str, object]], header: Sequence[str] = HEADER_2013, line_end: str = "\n"
) -> str:
    """Return a CSV; a column that a row does not name is filled with a plausible value."""
    usual: dict[str, object] = {
        "date": DAY,
        "model": "ST4000DM000",
        "capacity_bytes": 4_000_787_030_016,
        "failure": 0,
        "smart_5_raw": 0,
        "smart_9_raw": 1000,
    }
    lines = [",".join(header)]
    for number, row in enumerate(rows):
        cells = {**usual, "serial_number": f"S{number}", **row}
        lines.append(",".join(str(cells.get(column, "")) for column in header))
    return line_end.join(lines) + line_end


def write_plain(folder: Path, text: str | bytes, name: str = f"{DAY}.csv") -> Path:
    """Write one uncompressed file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_gzip(folder: Path, text: str, name: str = f"{DAY}.csv.gz") -> Path:
    """Write one gzip'd file."""
    return write_plain(folder, gzip.compress(text.encode()), name)


def write_zip(folder: Path, members: Mapping[str, str | bytes], name: str = "data_Q1_2024.zip") -> Path:
    """Write one archive as the quarterly ones are."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path


def read_tables(folder: Path, day: dt.date = DAY, **options: str) -> dict[str, RawTable]:
    """Return what the source delivers for ``day``, by dataset."""
    wanted = drive_stats.Options.model_validate({"path": str(folder), **options})
    return {raw.dataset: raw for raw in drive_stats.read_day(wanted, day, folder)}


def read_smart(folder: Path, day: dt.date = DAY, **options: str) -> pa.Table:
    """Return raw_drive_smart of ``day``."""
    return read_tables(folder, day, **options)["raw_drive_smart"].table
