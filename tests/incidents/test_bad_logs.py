"""Logs as broken hosts and hostile users write them: counted and sampled, never lost, never in the way."""

import gzip
import json
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data_contracts.loader import load_contract
from pipelines.lake import Lake
from pipelines.sources import event_bounds, log_files
from pipelines.sources.hw_events import NOT_HARDWARE
from pipelines.validation import validate_day
from tests.logs.event_rows import DAY, left_out_of, read_logs, rows_of, signatures_of, write_log

GOOD = b"Feb  1 12:00:05 db1 kernel: ata3.00: failed command: READ FPDMA QUEUED\n"
NO_TIME = "no time stamp of a layout that we know"
BAD_TIME = "the time stamp can't be a time"


def test_a_line_without_an_end_costs_no_memory_and_not_the_next_line(tmp_path: Path) -> None:
    path = write_log(tmp_path, "db1.log.gz", b"")
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(b"Feb  1 12:00:04 db1 kernel: Buffer I/O error on dev sdd, ")
        for _ in range(64):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n" + GOOD)
    write_log(tmp_path, "db2.log", GOOD)  # imports and caches are filled by another file
    read_logs(tmp_path)
    path.touch()
    tracemalloc.start()
    raw = read_logs(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert signatures_of(raw) == ["buffer_io_error", "ata_failed_command", "ata_failed_command"]
    assert left_out_of(raw)["longer than 8,192 bytes; the beginning counts"].count == 1
    assert peak < 16 << 20


def test_many_long_lines_in_one_block_are_each_cut(tmp_path: Path) -> None:
    long = b"Feb  1 12:00:04 db1 kernel: odd " + b"y" * 20_000 + b"\n"
    write_log(tmp_path, "db1.log", (long + GOOD) * 7)
    raw = read_logs(tmp_path)
    assert left_out_of(raw)["longer than 8,192 bytes; the beginning counts"].count == 7
    assert sum(int(str(row["n_events"])) for row in rows_of(raw)) == 14
    assert all(len(str(row["message"])) <= 512 for row in rows_of(raw))


def test_bytes_that_are_no_utf8_are_shown_as_such(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", b"Feb  1 12:00:05 db1 kernel: Buffer I/O error on dev sdd, \xff\xfe\xc3\n")
    (row,) = rows_of(read_logs(tmp_path))
    assert row["signature"] == "buffer_io_error"
    assert "\ufffd" in str(row["message"])


def test_nul_bytes_of_a_crash_do_not_hide_the_line_after_them(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", b"\0" * 4000 + GOOD)
    raw = read_logs(tmp_path)
    assert signatures_of(raw) == ["ata_failed_command"]
    assert "NUL bytes in a line; the rest of the line counts" in left_out_of(raw)


@pytest.mark.parametrize(
    "line",
    [
        b"\x1b[32mFeb  1 12:00:05 db1 kernel: \x1b[0mata3.00: failed \x1b[1;31mcommand: READ\x1b[0m\n",
        b"Feb  1 12:00:05 db1 kernel: ata3.00: fai\x1b]0;title\x07led command: READ\n",
    ],
)
def test_terminal_escapes_neither_hide_an_event_nor_reach_a_terminal(line: bytes, tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line)
    (row,) = rows_of(read_logs(tmp_path))
    assert row["signature"] == "ata_failed_command"
    assert "\x1b" not in str(row["message"])


def test_other_control_characters_are_escaped(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", "Feb  1 12:00:05 db1 kernel: odd \x07\x08\u202e text\n")
    (row,) = rows_of(read_logs(tmp_path))
    assert row["message"] == "odd \\x07\\x08\\u202e text"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("févr.  1 12:00:05 db1 kernel: ata3.00: failed command: READ", NO_TIME),
        ("Peb  1 12:00:05 db1 kernel: ata3.00: failed command: READ", BAD_TIME),
        ("2月  1 12:00:05 db1 kernel: ata3.00: failed command: READ", NO_TIME),
        ("Feb 31 12:00:05 db1 kernel: ata3.00: failed command: READ", BAD_TIME),
        ("Feb  1 25:61:05 db1 kernel: ata3.00: failed command: READ", BAD_TIME),
        ("2026-13-01T12:00:05Z db1 kernel: ata3.00: failed command: READ", BAD_TIME),
        ("[   -5.123456] ata3.00: failed command: READ", NO_TIME),
        ("[Sun Feb  1 12:00:05 0000] ata3.00: failed command: READ", BAD_TIME),
        ("ata3.00: failed command: READ", NO_TIME),
        ("{not a journal", "no journal entry, or a truncated one"),
    ],
)
def test_a_line_whose_time_can_not_be_read_is_counted_and_shown(
    line: str, reason: str, tmp_path: Path
) -> None:
    write_log(tmp_path, "db1.log", f"{line}\n")
    raw = read_logs(tmp_path)
    assert rows_of(raw) == []
    left = left_out_of(raw)
    assert list(left) == [reason]
    assert left[reason].count == 1
    assert line[1:12] in left[reason].example


def test_every_line_is_either_in_a_row_or_left_out(tmp_path: Path) -> None:
    lines = [
        GOOD,
        b"\n",
        b"garbage\n",
        b"Feb  1 12:00:05 db1 sshd[1]: x\n",
        b"Feb 30 12:00:05 db1 kernel: x\n",
    ] * 50
    write_log(tmp_path, "db1.log", b"".join(lines))
    raw = read_logs(tmp_path)
    n_rows = sum(int(str(row["n_events"])) for row in rows_of(raw))
    n_left = {reason: left.count for reason, left in left_out_of(raw).items()}
    assert n_rows == 50
    assert n_left == {NO_TIME: 50, BAD_TIME: 50, NOT_HARDWARE: 50}


def test_a_gzip_that_breaks_off_gives_what_is_before_the_break(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(GOOD.replace(b"ata3", b"ata%d" % i) for i in range(2000)))
    write_log(tmp_path, "db1.log.gz", data[: len(data) // 2])
    raw = read_logs(tmp_path)
    assert len(rows_of(raw)) > 100
    assert "the file is damaged or cut short; what is before it counts" in left_out_of(raw)


@pytest.mark.parametrize("data", [b"not gzip at all", b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage"])
def test_a_gzip_that_is_none_costs_only_itself(data: bytes, tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log.gz", data)
    write_log(tmp_path, "db2.log", GOOD)
    assert signatures_of(read_logs(tmp_path)) == ["ata_failed_command"]


def test_a_binary_journal_is_named_as_such(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.journal", b"LPKSHHRH" + bytes(1000))
    raw = read_logs(tmp_path)
    assert list(left_out_of(raw)) == ["a binary journal; export it with journalctl -o json"]


ENTRY = {
    "_TRANSPORT": "kernel",
    "__REALTIME_TIMESTAMP": "1769947205000000",
    "MESSAGE": "ata3.00: failed command: READ FPDMA QUEUED",
}


def test_a_journal_that_breaks_off_gives_the_entries_before(tmp_path: Path) -> None:
    line = json.dumps(ENTRY)
    write_log(tmp_path, "db1.json", f"{line}\n{line}\n{line[:60]}")
    raw = read_logs(tmp_path)
    assert [row["n_events"] for row in rows_of(raw)] == [2]
    assert left_out_of(raw)["no journal entry, or a truncated one"].count == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"__REALTIME_TIMESTAMP": "-5"},
        {"__REALTIME_TIMESTAMP": "soon"},
        {"__REALTIME_TIMESTAMP": "9" * 30},
        {"__REALTIME_TIMESTAMP": None},
        {"__REALTIME_TIMESTAMP": "²"},
    ],
)
def test_a_journal_entry_without_a_real_time_is_counted(fields: dict[str, object], tmp_path: Path) -> None:
    write_log(tmp_path, "db1.json", json.dumps({**ENTRY, **fields}) + "\n")
    raw = read_logs(tmp_path)
    assert left_out_of(raw)["a journal entry without a real-time stamp"].count == 1


@pytest.mark.parametrize(
    "line", ["[]", "3", '"x"', "null", "[" * 5000, '{"MESSAGE": {"a": 1}, "_TRANSPORT": "kernel"}']
)
def test_json_that_is_no_entry_is_counted(line: str, tmp_path: Path) -> None:
    write_log(tmp_path, "db1.json", f"{json.dumps(ENTRY)}\n{line}\n")
    raw = read_logs(tmp_path)
    assert signatures_of(raw) == ["ata_failed_command"]
    assert sum(left.count for left in left_out_of(raw).values()) == 1


def _export(*fields: bytes) -> bytes:
    return b"__CURSOR=s=1\n" + b"\n".join(fields) + b"\n\n"


FIELDS = tuple(f"{name}={value}".encode() for name, value in ENTRY.items())


def test_a_huge_field_of_an_export_does_not_cost_the_next_entry(tmp_path: Path) -> None:
    dump = b"COREDUMP\n" + struct.pack("<Q", 3 << 20) + b"\n=\0" * (1 << 20)
    write_log(tmp_path, "db1.export", _export(dump, *FIELDS) + _export(*FIELDS))
    raw = read_logs(tmp_path)
    assert [row["n_events"] for row in rows_of(raw)] == [2]
    assert any("beyond the bound" in reason for reason in left_out_of(raw))


def test_a_length_beyond_reason_does_not_swallow_the_journal(tmp_path: Path) -> None:
    damaged = b"COREDUMP\n" + struct.pack("<Q", 2**63) + b"\n"
    write_log(tmp_path, "db1.export", _export(damaged) + _export(*FIELDS))
    assert signatures_of(read_logs(tmp_path)) == ["ata_failed_command"]


def test_an_export_entry_without_a_real_time_is_counted(tmp_path: Path) -> None:
    fields = tuple(field for field in FIELDS if b"REALTIME" not in field)
    write_log(tmp_path, "db1.export", _export(*FIELDS) + _export(b"__REALTIME_TIMESTAMP=soon", *fields))
    raw = read_logs(tmp_path)
    assert [row["n_events"] for row in rows_of(raw)] == [1]
    left = left_out_of(raw)["a journal entry without a real-time stamp"]
    assert (left.count, left.example) == (1, "db1.export: soon ata3.00: failed command: READ FPDMA QUEUED")


@pytest.mark.parametrize(
    ("name", "data", "reason", "count"),
    [
        ("db2.log", "févr.  1 12:00:05 db2 kernel: x\n1 févr. 12:00:05 db2 kernel: y\n", NO_TIME, 2),
        (
            "db2.json",
            '{"_TRANSPORT": "kernel", "MESSAGE": "x"}\n',
            "a journal entry without a real-time stamp",
            1,
        ),
        ("db2.journal", "LPKSHHRH", "a binary journal; export it with journalctl -o json", 1),
    ],
)
def test_a_file_in_which_no_time_can_be_read_is_in_each_days_account(
    name: str, data: str, reason: str, count: int, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "db1.log").write_text(f"{DAY}T12:00:05+00:00 db1 kernel: odd\n")
    (tmp_path / "logs" / name).write_text(data)
    raw = read_logs(tmp_path, layout="host_folders")
    assert [row["host_id"] for row in rows_of(raw)] == ["db1"]
    left = left_out_of(raw)[reason]
    assert left.count == count
    assert left.example.startswith(f"{name}: ")


def test_an_export_that_breaks_off_says_so(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.export", _export(*FIELDS) + b"__CURSOR=s=2\nMESS")
    raw = read_logs(tmp_path)
    assert signatures_of(raw) == ["ata_failed_command"]
    assert left_out_of(raw)["no journal entry, or a truncated one"].count == 1


def test_a_host_that_makes_up_templates_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_bounds, "MAX_TEMPLATES_PER_HOST_DAY", 20)
    words = [f"{a}{b}" for a in "ghijklm" for b in "nopqrst"]
    write_log(tmp_path, "db1.log", "".join(f"Feb  1 12:00:05 db1 kernel: word {word}\n" for word in words))
    raw = read_logs(tmp_path)
    assert len(rows_of(raw)) == 21
    assert sum(int(str(row["n_events"])) for row in rows_of(raw)) == 49
    assert left_out_of(raw)["lines of templates beyond the bound for a host and day"].count == 29


def test_a_host_that_floods_events_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_bounds, "MAX_EVENTS_PER_HOST_DAY", 10)
    lines = [
        f"Feb  1 12:00:05 db1 kernel: Buffer I/O error on dev sd{a}{b}, x\n" for a in "abcde" for b in "fghij"
    ]
    write_log(tmp_path, "db1.log", "".join(lines))
    rows = rows_of(read_logs(tmp_path))
    assert len(rows) == 11
    assert sum(int(str(row["n_events"])) for row in rows) == 25


def test_a_file_beyond_the_bound_is_read_up_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MAX_FILE_BYTES", 300_000)
    write_log(tmp_path, "db1.log", GOOD * 10_000)
    raw = read_logs(tmp_path)
    assert [row["signature"] for row in rows_of(raw)] == ["ata_failed_command"]
    assert any("beyond the first" in reason for reason in left_out_of(raw))


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.just(GOOD),
            st.just(b"\n"),
            st.just(b"[    1.5] x\n"),
            st.just(b"\x1b["),
        ),
        max_size=12,
    )
)
def test_no_bytes_whatever_stop_a_day(data: list[bytes], tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", b"".join(data))
    for row in rows_of(read_logs(tmp_path)):
        assert all(ord(char) >= 32 for char in str(row["message"]))


def test_whatever_a_journal_names_passes_the_contract(tmp_path: Path, lake: Lake) -> None:
    names = ["db1\x1b[2J", "db\n1", "", "\ud800", "x" * 3000, "\u202edb1"]
    entries = [{**ENTRY, "_HOSTNAME": name, "MESSAGE": f"{name} odd {name}"} for name in names]
    entries += [{**ENTRY, "_HOSTNAME": name, "MESSAGE": f"I/O error, dev {name}"} for name in names]
    write_log(tmp_path, "all.json", "".join(json.dumps(entry) + "\n" for entry in entries))
    (raw,) = read_logs(tmp_path, host_from="line")
    validated = validate_day(load_contract("raw_hw_events"), raw.table, DAY, lake)
    assert validated.n_quarantined == 0
    assert validated.n_rows == raw.table.num_rows > 6
