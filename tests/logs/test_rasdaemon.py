"""Data bases of rasdaemon, of any schema, in any state."""

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import MissingInputError
from pipelines.sources import rasdaemon
from pipelines.sources.rasdaemon_rows import second_of
from tests.conftest import SHARED
from tests.logs.event_rows import DAY, Row, left_out_of, rows_of

MC_EVENT = (
    "CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, err_count INTEGER, err_type TEXT, "
    "err_msg TEXT, label TEXT, mc INTEGER, top_layer INTEGER, middle_layer INTEGER, lower_layer INTEGER, "
    "driver_detail TEXT)"
)
MCE_RECORD = (
    "CREATE TABLE mce_record (id INTEGER PRIMARY KEY, timestamp TEXT, status INTEGER, cpu INTEGER, "
    "socketid INTEGER, bank INTEGER, error_msg TEXT)"
)
AT = "2026-02-01 00:10:35 +0000"
OPTIONS = rasdaemon.Options(path="ras")


def write_database(root: Path, name: str, *statements: str) -> Path:
    path = root / "ras" / name
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(";".join(statements))
    connection.close()
    return path


def read(root: Path) -> list[Row]:
    return rows_of(rasdaemon.read_day(OPTIONS, DAY, root))


def test_a_corrected_error_keeps_its_place_label_and_count(tmp_path: Path) -> None:
    write_database(
        tmp_path,
        "db1.db",
        MC_EVENT,
        f"INSERT INTO mc_event VALUES (1, '{AT}', 3, 'Corrected', 'memory read error', 'DIMM_A1', 0, 1, 0, -1, "
        "'area:DRAM socket:1 rank:2 bank:3 row:0x1f col:5')",
    )
    (row,) = read(tmp_path)
    assert (row["host_id"], row["signature"], row["component_kind"]) == (
        "db1",
        "rasdaemon_mc_corrected",
        "dimm",
    )
    assert (row["component_hint"], row["n_events"]) == ("DIMM_A1", 3)
    place = [row[name] for name in ("socket", "channel", "dimm", "rank", "bank", "row", "column")]
    assert place == [1, 1, 0, 2, 3, 31, 5]
    assert row["happened_at"] == dt.datetime(2026, 2, 1, 0, 10, 35, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("status", "message", "signature"),
    [
        (-8358680633521667952, "MEMORY CONTROLLER RD_CHANNEL0_ERR", "rasdaemon_mce_memory"),
        (-8358680633521667952, "Instruction CACHE Level-0 Error", "rasdaemon_mce_corrected"),
        (-8358680633521667952 | 1 << 61, "Internal unclassified error", "rasdaemon_mce_uncorrected"),
    ],
)
def test_bit_61_of_the_status_tells_an_uncorrected_machine_check(
    status: int, message: str, signature: str, tmp_path: Path
) -> None:
    write_database(
        tmp_path,
        "db1.db",
        MCE_RECORD,
        f"INSERT INTO mce_record VALUES (1, '{AT}', {status}, 4, 0, 7, '{message}')",
    )
    (row,) = read(tmp_path)
    assert row["signature"] == signature
    assert row["bank"] is None, "a bank of machine checks is none of a memory"


def test_a_label_that_moves_the_cursor_does_not(tmp_path: Path) -> None:
    write_database(
        tmp_path,
        "db1.db",
        MC_EVENT,
        f"INSERT INTO mc_event(timestamp, err_type, label) VALUES ('{AT}', 'Corrected', 'DIMM' || char(27) || '[2J')",
    )
    assert [row["component_hint"] for row in read(tmp_path)] == ["DIMM\\x1b[2J"]


def test_a_table_that_nobody_knows_is_kept_as_unknown(tmp_path: Path) -> None:
    write_database(
        tmp_path,
        "db1.db",
        'CREATE TABLE "cxl poison; --" (id INTEGER PRIMARY KEY, timestamp TEXT, error_type TEXT, extra BLOB)',
        f"INSERT INTO \"cxl poison; --\" VALUES (1, '{AT}', 'poison list', x'ff00')",
    )
    (row,) = read(tmp_path)
    assert row["event_class"] == "unknown"
    assert "poison list" in str(row["message"])


def test_older_schemas_with_fewer_columns_are_read(tmp_path: Path) -> None:
    write_database(
        tmp_path,
        "db1.db",
        "CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, err_type TEXT)",
        f"INSERT INTO mc_event VALUES (1, '{AT}', 'Uncorrected')",
    )
    (row,) = read(tmp_path)
    assert (row["signature"], row["n_events"]) == ("rasdaemon_mc_uncorrected", 1)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def scribble(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


@pytest.mark.parametrize(
    "damage",
    [truncate, scribble, lambda path: path.write_bytes(b"<html>"), lambda path: path.write_bytes(b"")],
)
def test_a_damaged_data_base_costs_only_its_own_host(
    damage: Callable[[Path], object], tmp_path: Path
) -> None:
    insert = f"INSERT INTO mc_event(timestamp, err_type, err_msg) VALUES ('{AT}', 'Corrected', 'x')"
    damage(write_database(tmp_path, "db1.db", MC_EVENT, *[insert] * 300))
    write_database(tmp_path, "db2.db", MC_EVENT, insert)
    raw = list(rasdaemon.read_day(OPTIONS, DAY, tmp_path))
    assert "db2" in {row["host_id"] for row in rows_of(raw)}
    assert any(left.example.startswith("db1.db") for left in left_out_of(raw).values())


@pytest.mark.parametrize("stamp", ["NULL", "''", "'yesterday'", "17", "'1970-01-01 00:00:01 +0000'"])
def test_a_row_without_a_time_is_counted(stamp: str, tmp_path: Path) -> None:
    write_database(
        tmp_path,
        "db1.db",
        MC_EVENT,
        f"INSERT INTO mc_event(timestamp, err_type) VALUES ({stamp}, 'Corrected')",
    )
    raw = list(rasdaemon.read_day(OPTIONS, DAY, tmp_path))
    assert rows_of(raw) == []
    assert left_out_of(raw)["a row without a time"].count == 1


def test_a_data_base_in_use_is_read_with_its_journal_and_never_written(tmp_path: Path) -> None:
    path = write_database(tmp_path, "db1.db", "PRAGMA journal_mode = wal", MC_EVENT)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute(f"INSERT INTO mc_event(timestamp, err_type) VALUES ('{AT}', 'Corrected')")
    writer.commit()
    try:
        before = {
            each.name: each.read_bytes() for each in (tmp_path / "ras").iterdir() if "shm" not in each.name
        }
        assert "db1.db-wal" in before
        assert [row["signature"] for row in read(tmp_path)] == ["rasdaemon_mc_corrected"]
        after = {
            each.name: each.read_bytes() for each in (tmp_path / "ras").iterdir() if "shm" not in each.name
        }
        assert after == before
    finally:
        writer.close()


def test_days_are_those_of_the_events(tmp_path: Path) -> None:
    write_database(
        tmp_path,
        "db1.db",
        MC_EVENT,
        "INSERT INTO mc_event(timestamp) VALUES ('2026-02-01 23:30:00 -0100'), ('2026-01-31 12:00:00 +0000')",
    )
    assert rasdaemon.list_days(OPTIONS, tmp_path) == [dt.date(2026, 1, 31), dt.date(2026, 2, 2)]


def test_a_folder_without_data_bases_is_missing(tmp_path: Path) -> None:
    (tmp_path / "ras").mkdir()
    with pytest.raises(MissingInputError):
        read(tmp_path)


@pytest.mark.parametrize("value", [None, 3, b"\xff", "2026-02-01", ""])
def test_a_time_that_is_none_is_none(value: object) -> None:
    assert second_of(value) is None


@pytest.mark.shared_data
def test_the_schema_of_a_real_rasdaemon_is_read(tmp_path: Path) -> None:
    schema = (SHARED / "services" / "ras_schema.sql").read_text()
    captured = (SHARED / "services" / "captured_smartctl_mce_rasdaemon.txt").read_text()
    inserts = [line for line in captured.splitlines() if line.startswith("INSERT INTO mce_record")]
    write_database(tmp_path, "guest.db", schema, *inserts)
    day = dt.date(2026, 11, 23)
    (row,) = rows_of(rasdaemon.read_day(OPTIONS, day, tmp_path))
    assert row["signature"] == "rasdaemon_mce_memory"
    assert row["component_kind"] == "dimm"
