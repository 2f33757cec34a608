"""Kernel logs of every layout give the same events, in the right day, once."""

import datetime as dt
import gzip
import json
import os
import struct
from pathlib import Path

import pytest

from data_contracts.loader import load_contract
from pipelines.errors import MissingInputError, SourceError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from pipelines.sources import kernel_log
from pipelines.sources.raw_columns import raw_schema
from pipelines.validation import validate_day
from tests.logs.event_rows import DAY, left_out_of, read_logs, rows_of, signatures_of, write_log

MESSAGE = "ata3.00: failed command: READ FPDMA QUEUED"
AT_NOON = dt.datetime(2026, 2, 1, 12, 0, 5, tzinfo=dt.UTC)
MICROS = int(AT_NOON.timestamp() * 1e6)


def export_entry(**fields: str) -> bytes:
    lines = []
    for name, value in fields.items():
        data = value.encode()
        lines.append(
            name.encode() + b"\n" + struct.pack("<Q", len(data)) + data
            if "\n" in value
            else name.encode() + b"=" + data
        )
    return b"\n".join(lines) + b"\n\n"


JOURNAL = {"_TRANSPORT": "kernel", "__REALTIME_TIMESTAMP": str(MICROS), "PRIORITY": "3", "MESSAGE": MESSAGE}


@pytest.mark.parametrize(
    "data",
    [
        f"Feb  1 12:00:05 db1 kernel: {MESSAGE}\n",
        f"Feb  1 12:00:05 db1 kernel: [12345.678901] {MESSAGE}\n",
        f"<3>Feb  1 12:00:05 db1 kernel: {MESSAGE}\n",
        f"2026-02-01T12:00:05.000000+00:00 db1 kernel: {MESSAGE}\n",
        f"2026-02-01T13:00:05+01:00 db1 kernel: {MESSAGE}\n",
        f"<3>1 2026-02-01T12:00:05Z db1 kernel - - - {MESSAGE}\n",
        f"[Sun Feb  1 12:00:05 2026] {MESSAGE}\n",
        f"kern  :err   : [Sun Feb  1 12:00:05 2026] {MESSAGE}\n",
        f"kern  :err   : 2026-02-01T12:00:05,000000+00:00 {MESSAGE}\n",
        json.dumps(JOURNAL) + "\n",
        json.dumps({**JOURNAL, "MESSAGE": list(MESSAGE.encode())}) + "\n",
        export_entry(__CURSOR="s=1", **JOURNAL),
        export_entry(__CURSOR="s=1", **{**JOURNAL, "MESSAGE": f"{MESSAGE}\nres 41/40"}),
    ],
    ids=lambda data: str(data)[:40],
)
def test_every_layout_gives_the_same_event(data: bytes | str, tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", data)
    (row,) = rows_of(read_logs(tmp_path))
    assert row["host_id"] == "db1"
    assert row["signature"] == "ata_failed_command"
    assert row["component_kind"] == "drive"
    assert row["component_hint"] == "ata3.00"
    assert row["happened_at"] == row["known_at"] == AT_NOON
    assert str(row["message"]).startswith(MESSAGE)


@pytest.mark.parametrize(
    "name", ["db1", "db1.log", "db1.log.1", "db1.syslog.2.gz", "db1/messages", "db1/kern.log.3"]
)
def test_a_host_is_a_file_or_a_folder_of_files(name: str, tmp_path: Path) -> None:
    line = f"Feb  1 12:00:05 other kernel: {MESSAGE}\n".encode()
    write_log(tmp_path, name, gzip.compress(line) if name.endswith(".gz") else line)
    assert [row["host_id"] for row in rows_of(read_logs(tmp_path))] == ["db1"]


def test_a_log_server_names_the_host_in_each_line(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        "central.log",
        f"Feb  1 12:00:05 db1 kernel: {MESSAGE}\nFeb  1 12:00:05 db2 kernel: {MESSAGE}\n"
        "Feb  1 12:00:05 db1 kernel: something new\nFeb  1 12:00:06 db2 kernel: something new\n",
    )
    rows = rows_of(read_logs(tmp_path, host_from="line"))
    assert sorted((row["host_id"], row["signature"]) for row in rows if row["signature"]) == [
        ("db1", "ata_failed_command"),
        ("db2", "ata_failed_command"),
    ]
    assert sorted(str(row["host_id"]) for row in rows if not row["signature"]) == ["db1", "db2"]


def test_only_programs_that_speak_of_hardware_can_report_a_failure(tmp_path: Path) -> None:
    forged = "Invalid user NVRM: Xid (PCI:0000:9b:00): 79, GPU has fallen off the bus"
    write_log(
        tmp_path,
        "db1.log",
        f"Feb  1 12:00:05 db1 sshd[1]: {forged}\n"
        f"Feb  1 12:00:05 db1 sshd[2]: kernel: {forged}\n"
        f"Feb  1 12:00:05 db1 smartd[3]: Device: /dev/sdc [SAT], 8 Currently unreadable (pending) sectors\n",
    )
    raw = read_logs(tmp_path)
    assert signatures_of(raw) == ["smartd_pending"]
    assert left_out_of(raw)["of a program that does not speak of hardware"].count == 2


def test_a_journal_entry_of_a_user_can_not_claim_to_be_the_kernel(tmp_path: Path) -> None:
    entries = [
        {**JOURNAL, "_TRANSPORT": "syslog", "SYSLOG_IDENTIFIER": "kernel", "_COMM": "logger"},
        {**JOURNAL, "_TRANSPORT": "journal", "SYSLOG_IDENTIFIER": "kernel"},
        {**JOURNAL, "_TRANSPORT": "syslog", "_COMM": "smartd", "_UID": "1000"},
    ]
    write_log(tmp_path, "db1.json", "".join(json.dumps(entry) + "\n" for entry in entries))
    assert rows_of(read_logs(tmp_path)) == []


def test_events_of_one_minute_part_and_place_are_one_row(tmp_path: Path) -> None:
    ce = "EDAC MC0: 2 CE memory read error on DIMM_A1 (channel:1 slot:0 socket:1 rank:4 row:{row} col:8)"
    lines = [
        f"Feb  1 12:00:01 db1 kernel: {ce.format(row='0x1a')}",
        f"Feb  1 12:00:01 db1 kernel: {ce.format(row='0x1a')}",
        f"Feb  1 12:00:59 db1 kernel: {ce.format(row='0x1a')}",
        f"Feb  1 12:00:59 db1 kernel: {ce.format(row='0x1b')}",
        f"Feb  1 12:01:00 db1 kernel: {ce.format(row='0x1a')}",
    ]
    write_log(tmp_path, "db1.log", "\n".join(lines) + "\n")
    rows = rows_of(read_logs(tmp_path))
    assert [(row["row"], row["n_events"]) for row in rows] == [(26, 6), (27, 2), (26, 2)]
    assert {(row["socket"], row["channel"], row["dimm"], row["rank"], row["column"]) for row in rows} == {
        (1, 1, 0, 4, 8)
    }
    assert {row["component_hint"] for row in rows} == {"DIMM_A1"}


def test_unknown_lines_are_counted_by_template_and_day(tmp_path: Path) -> None:
    lines = [f"Feb  1 0{i}:00:00 db1 kernel: frobnicator {i} lost {i * 7} packets" for i in range(5)]
    write_log(tmp_path, "db1.log", "\n".join(lines) + "\n")
    (row,) = rows_of(read_logs(tmp_path))
    assert row["event_class"] == "unknown"
    assert row["template"] == "frobnicator # lost # packets"
    assert row["n_events"] == 5
    assert row["message"] == "frobnicator 0 lost 0 packets"


def test_the_order_and_number_of_files_never_matters(tmp_path: Path) -> None:
    lines = [
        f"Feb  1 12:{i:02d}:00 db1 kernel: ata{i % 3}.00: failed command: READ FPDMA QUEUED\n"
        for i in range(40)
    ]
    write_log(tmp_path / "one", "db1.log", "".join(lines))
    write_log(tmp_path / "two", "db1/a.log", "".join(lines[25:]))
    write_log(tmp_path / "two", "db1/b.log", "".join(reversed(lines[:25])))
    one, two = (rows_of(read_logs(tmp_path / name)) for name in ("one", "two"))
    assert one == two
    assert len(one) == 40


def test_the_same_bytes_twice_count_once(tmp_path: Path) -> None:
    line = f"Feb  1 12:00:05 db1 kernel: {MESSAGE}\n"
    write_log(tmp_path, "db1/messages", line)
    write_log(tmp_path, "db1/messages.1", line)
    raw = read_logs(tmp_path)
    assert [row["n_events"] for row in rows_of(raw)] == [1]
    assert left_out_of(raw)["a file with the same bytes as another"].count == 1


def test_a_date_without_a_year_is_the_last_one_before_the_file(tmp_path: Path) -> None:
    day = dt.date(2026, 1, 2)
    path = tmp_path / "logs" / "db1.log"
    path.parent.mkdir()
    path.write_text(f"Dec 31 23:59:59 db1 kernel: {MESSAGE}\nFeb 29 01:00:00 db1 kernel: {MESSAGE}\n")
    moment = dt.datetime.combine(day, dt.time(3), dt.UTC).timestamp()
    os.utime(path, (moment, moment))
    options = kernel_log.Options(path="logs", layout="host_folders")
    assert kernel_log.list_days(options, tmp_path) == [dt.date(2024, 2, 29), dt.date(2025, 12, 31)]


def test_local_times_need_their_zone(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", f"Feb  1 00:30:00 db1 kernel: {MESSAGE}\n")
    raw = read_logs(tmp_path, time_zone="Europe/Berlin")
    assert rows_of(raw) == []
    assert left_out_of(raw)[kernel_log.OTHER_DAY].example == "of 2026-01-31"


def test_uptimes_end_where_the_file_ends(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        "db1.dmesg",
        f"[    0.000000] Linux version 6.1\n[ 3600.500000] {MESSAGE}\n[ 7200.000000] end\n",
    )
    # The file is of 01:00 of the next day, two hours of uptime after the boot at 23:00.
    rows = {row["message"]: row["happened_at"] for row in rows_of(read_logs(tmp_path))}
    assert rows["Linux version 6.1"] == dt.datetime(2026, 2, 1, 23, 0, tzinfo=dt.UTC)
    assert list(rows) == ["Linux version 6.1"]
    raw = read_logs(tmp_path)
    assert left_out_of(raw)[kernel_log.COPIED_DAY].count == 2


def test_a_boot_in_the_middle_of_a_log_begins_after_the_one_before(tmp_path: Path) -> None:
    text = f"[ 9000.000000] {MESSAGE}\n[    1.000000] Linux version 6.1\n[ 7200.000000] end\n"
    path = write_log(tmp_path, "db1.dmesg", text)
    evening = dt.datetime(2026, 2, 1, 23, 0, tzinfo=dt.UTC).timestamp()
    os.utime(path, (evening, evening))
    rows = {row["message"]: row["happened_at"] for row in rows_of(read_logs(tmp_path))}
    assert rows["end"] == dt.datetime(2026, 2, 1, 23, 0, tzinfo=dt.UTC)
    assert rows["Linux version 6.1"] == dt.datetime(2026, 2, 1, 21, 0, 1, tzinfo=dt.UTC)
    assert rows[MESSAGE] == dt.datetime(2026, 2, 1, 21, 0, tzinfo=dt.UTC)


def test_the_severity_of_an_unknown_line_is_the_logs_own(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        "db1.log",
        "<2>Feb  1 12:00:05 db1 kernel: odd\n3,7,5000,-;odder\nkern  :warn  : [    5.1] oddest\n",
    )
    rows = {row["message"]: row["severity"] for row in rows_of(read_logs(tmp_path))}
    assert rows["odd"] == "critical"


def test_a_day_without_a_file_is_missing_and_a_wrong_folder_is_an_error(tmp_path: Path) -> None:
    options = kernel_log.Options(path="logs")
    with pytest.raises(SourceError, match="not a folder"):
        list(kernel_log.read_day(options, DAY, tmp_path))
    (tmp_path / "logs").mkdir()
    with pytest.raises(MissingInputError, match="no kernel log of 2026-02-01"):
        list(kernel_log.read_day(options, DAY, tmp_path))
    assert kernel_log.list_days(options, tmp_path) == []


def test_a_quiet_day_has_no_rows_and_passes_its_contract(tmp_path: Path, lake: Lake) -> None:
    write_log(tmp_path, "db1.log", "Feb  1 12:00:05 db1 CRON[1]: (root) CMD (true)\n")
    (raw,) = read_logs(tmp_path)
    assert raw.table.num_rows == 0
    assert raw.table.schema.equals(raw_schema("raw_hw_events"))
    assert validate_day(load_contract("raw_hw_events"), raw.table, DAY, lake).n_rows == 0


def test_ingest_publishes_events_and_twice_equals_once(tmp_path: Path, lake: Lake) -> None:
    write_log(
        tmp_path, "db1.log", f"Feb  1 12:00:05 db1 kernel: {MESSAGE}\nFeb  1 12:00:05 db1 kernel: odd {7}\n"
    )
    source = {"name": "kernel", "kind": "kernel_log", "path": "logs"}
    settings = Settings(sources=(SourceSettings.model_validate(source),), base_folder=tmp_path)
    ingest_day(DAY, settings, lake)
    once = lake.read_day("raw_hw_events", DAY, part="kernel")
    ingest_day(DAY, settings, lake)
    assert lake.read_day("raw_hw_events", DAY, part="kernel").equals(once)
    assert once.num_rows == 2
    assert set(once["source"].to_pylist()) == {"kernel"}


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        kernel_log.Options(path="logs", time_zone="Mars/Olympus")
