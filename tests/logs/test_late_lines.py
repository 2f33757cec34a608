"""A line belongs to the day of its time, whatever file holds it, and a late file re-opens its lines' days only."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from pipelines.changed_inputs import find_changed_days, reopen_days
from pipelines.cli import main
from pipelines.errors import MissingInputError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings, load_settings
from pipelines.sources import kernel_log
from pipelines.sources.kernel_log import COPIED_DAY, FAR_DAY, OTHER_DAY
from pipelines.sources.source import RawTable
from tests.logs.event_rows import DAY, Row, left_out_of, rows_of, write_log

MESSAGE = "ata3.00: failed command: READ FPDMA QUEUED"


def nth(n: int) -> dt.date:
    return DAY + dt.timedelta(days=n)


def line(day: dt.date, clock: str = "12:00:05", host: str = "db1", message: str = MESSAGE) -> str:
    return f"{day}T{clock}+00:00 {host} kernel: {message}\n"


def read(root: Path, day: dt.date, **options: object) -> list[RawTable]:
    wanted = kernel_log.Options.model_validate({"path": "logs", **options})
    return list(kernel_log.read_day(wanted, day, root))


def counts(rows: list[Row]) -> list[tuple[str, int]]:
    return [(f"{row['happened_at']:%d %H:%M}", int(str(row["n_events"]))) for row in rows]


def test_a_line_in_a_later_folder_counts_on_its_own_day(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY))
    write_log(tmp_path, "db1.log", line(DAY, "23:59:58") + line(nth(1)), nth(1))
    assert counts(rows_of(read(tmp_path, DAY))) == [("01 12:00", 1), ("01 23:59", 1)]
    next_day = read(tmp_path, nth(1))
    assert counts(rows_of(next_day)) == [("02 12:00", 1)]
    left = left_out_of(next_day)[OTHER_DAY]
    assert (left.count, left.example) == (1, "of 2026-02-01")


def test_a_late_event_is_known_from_the_end_of_the_folders_day(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY))
    write_log(tmp_path, "db1.log", line(DAY, "23:59:58"), nth(2))
    on_time, late = rows_of(read(tmp_path, DAY))
    assert on_time["known_at"] == on_time["happened_at"]
    assert late["known_at"] == dt.datetime.combine(nth(2), dt.time.max, dt.UTC)


def test_a_late_line_makes_no_other_row_known_late(tmp_path: Path) -> None:
    other_part, strange = MESSAGE.replace("ata3", "ata4"), "frobnicator 7 lost"
    write_log(tmp_path, "db1.log", line(DAY) + line(DAY, message=other_part) + line(DAY, "12:01:00"))
    write_log(
        tmp_path, "db2.log", line(DAY, message=strange) + line(DAY, "12:02:00", message="widget 7 lost")
    )
    on_time = rows_of(read(tmp_path, DAY))
    late = line(DAY, "12:00:59") + line(DAY, "12:00:05")
    write_log(tmp_path, "db1.log", late, nth(1))
    write_log(
        tmp_path, "db2.log", line(DAY, message=strange) + line(DAY, "23:00:00", message=strange), nth(1)
    )
    rows = rows_of(read(tmp_path, DAY))
    changed_rows = [
        (new["host_id"], new["n_events"]) for old, new in zip(on_time, rows, strict=True) if old != new
    ]
    assert changed_rows == [("db1", 2), ("db2", 2)]
    is_late = [row["known_at"] != row["happened_at"] for row in rows]
    assert is_late == [old != new for old, new in zip(on_time, rows, strict=True)]


def test_a_clock_that_is_ahead_puts_a_line_on_the_day_it_says(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY, "23:59:59") + line(nth(1), "00:00:01"))
    write_log(tmp_path, "db1.log", line(nth(1)), nth(1))
    rows = rows_of(read(tmp_path, nth(1)))
    assert counts(rows) == [("02 00:00", 1), ("02 12:00", 1)]
    assert rows[0]["known_at"] == rows[0]["happened_at"]


def test_lines_too_far_from_their_folder_are_counted_and_named(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(nth(-4)) + line(nth(-3)) + line(nth(1)) + line(nth(2)) + line(DAY))
    left = left_out_of(read(tmp_path, DAY))
    assert (left[FAR_DAY].count, left[FAR_DAY].example) == (2, "of 2026-01-28, 2026-02-03")
    assert (left[OTHER_DAY].count, left[OTHER_DAY].example) == (2, "of 2026-01-29, 2026-02-02")


def test_the_same_lines_copied_again_the_next_day_count_once(tmp_path: Path) -> None:
    old = line(DAY) + line(DAY, "13:00:00", message="frobnicator 7 lost")
    write_log(tmp_path, "db1.log", old)
    once = rows_of(read(tmp_path, DAY))
    write_log(tmp_path, "db1.log", old + line(nth(1)), nth(1))
    assert rows_of(read(tmp_path, DAY)) == once


def test_a_late_copy_that_holds_more_of_an_event_raises_its_count(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY, "12:00:01"))
    write_log(tmp_path, "db1.log", line(DAY, "12:00:01") + line(DAY, "12:00:02"), nth(1))
    assert counts(rows_of(read(tmp_path, DAY))) == [("01 12:00", 2)]


def test_a_ring_buffers_copy_adds_nothing_to_earlier_days(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.dmesg", f"[Sun Feb  1 12:00:05 2026] {MESSAGE}\n")
    later = f"[Sun Feb  1 12:00:04 2026] {MESSAGE}\n[Sun Feb  1 12:01:04 2026] {MESSAGE}\n"
    write_log(tmp_path, "db1.dmesg", later, nth(1))
    assert counts(rows_of(read(tmp_path, DAY))) == [("01 12:00", 1)]
    assert left_out_of(read(tmp_path, nth(1)))[COPIED_DAY].count == 2


def test_a_day_without_a_folder_is_missing_unless_its_lines_came_later(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY) + line(nth(1), "00:00:01"))
    with pytest.raises(MissingInputError):
        read(tmp_path, nth(1))
    write_log(tmp_path, "db1.log", line(nth(1)), nth(2))
    assert counts(rows_of(read(tmp_path, nth(1)))) == [("02 00:00", 1), ("02 12:00", 1)]


def test_with_late_days_of_zero_a_day_is_made_of_its_own_folder(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY, "01:00:00"), nth(-1))
    write_log(tmp_path, "db1.log", line(DAY))
    write_log(tmp_path, "db1.log", line(DAY, "23:59:58") + line(nth(1)), nth(1))
    assert counts(rows_of(read(tmp_path, DAY, late_days=0))) == [("01 12:00", 1)]
    assert left_out_of(read(tmp_path, nth(1), late_days=0))[FAR_DAY].example == "of 2026-02-01"


_SETTINGS = """
[lake]
root = "lake"
[[sources]]
name = "kernel"
kind = "kernel_log"
path = "logs"
layout = "{layout}"
"""


def prepare(root: Path, layout: str) -> Settings:
    (root / "prefail.toml").write_text(_SETTINGS.format(layout=layout))
    return load_settings(root / "prefail.toml", {})


def changed(settings: Settings, lake: Lake) -> list[dt.date]:
    return [change.day for change in find_changed_days(settings, lake).changes]


def test_a_late_file_re_opens_exactly_the_days_whose_lines_it_holds(
    tmp_path: Path, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(4):
        write_log(tmp_path, "db1.log", line(nth(n)), nth(n))
    settings = prepare(tmp_path, "day_folders")
    for n in range(4):
        ingest_day(nth(n), settings, lake)
    assert changed(settings, lake) == []
    write_log(tmp_path, "db2.log", line(DAY, host="db2") + line(nth(2), host="db2"), nth(3))
    # The folder that it lies in is made of another file now as well.
    assert changed(settings, lake) == [DAY, nth(2), nth(3)]
    untouched = lake.digest_day("raw_hw_events", nth(1), part="kernel")
    config = str(tmp_path / "prefail.toml")
    assert main(["--config", config, "ingest", "--changed"]) == 0
    said = capsys.readouterr().out
    assert f"{DAY} kernel: {nth(3)}/db2.log changed since it was ingested" in said
    assert f"{nth(2)} kernel: {nth(3)}/db2.log changed since it was ingested" in said
    assert "re-opened 3 days" in said
    assert lake.read_day("raw_hw_events", DAY, part="kernel")["host_id"].to_pylist() == ["db1", "db2"]
    assert lake.digest_day("raw_hw_events", nth(1), part="kernel") == untouched
    assert changed(settings, lake) == [], "and once only"


def test_a_growing_file_re_opens_only_the_days_of_its_new_lines(tmp_path: Path, lake: Lake) -> None:
    path = tmp_path / "logs" / "db1" / "messages"
    path.parent.mkdir(parents=True)
    path.write_text(line(DAY) + line(nth(1)))
    settings = prepare(tmp_path, "host_folders")
    for n in range(2):
        ingest_day(nth(n), settings, lake)
    assert changed(settings, lake) == []
    path.write_text(path.read_text() + line(nth(2)) + line(nth(1), "13:00:00"))
    assert changed(settings, lake) == [nth(1)]
    (facts,) = reopen_days(find_changed_days(settings, lake).changes, settings, lake)
    assert (facts.day, facts.fact("rows")) == (nth(1), 2)
    assert changed(settings, lake) == []


def test_lines_that_give_no_event_re_open_nothing(tmp_path: Path, lake: Lake) -> None:
    path = tmp_path / "logs" / "db1.log"
    path.parent.mkdir(parents=True)
    path.write_text(line(DAY))
    settings = prepare(tmp_path, "host_folders")
    ingest_day(DAY, settings, lake)
    path.write_text(path.read_text() + f"{DAY}T14:00:00+00:00 db1 sshd[1]: hello\n")
    os.utime(path)
    assert changed(settings, lake) == []


def test_late_journal_entries_count_on_their_own_day(tmp_path: Path) -> None:
    noon = int(dt.datetime.combine(DAY, dt.time(12), dt.UTC).timestamp() * 1e6)
    entry = {"_TRANSPORT": "kernel", "__REALTIME_TIMESTAMP": str(noon), "MESSAGE": MESSAGE}
    write_log(tmp_path, "db1.log", line(DAY, "11:00:00"))
    write_log(tmp_path, "db1.json", json.dumps(entry) + "\n", nth(1))
    assert counts(rows_of(read(tmp_path, DAY))) == [("01 11:00", 1), ("01 12:00", 1)]


def test_list_inputs_names_what_read_day_reads(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.log", line(DAY))
    write_log(tmp_path, "db1.log", line(DAY, "23:59:58") + line(nth(1)), nth(1))
    write_log(tmp_path, "db2.log", line(nth(1)), nth(1))
    options = kernel_log.Options(path="logs")
    for day in (DAY, nth(1)):
        (raw,) = read(tmp_path, day)
        assert kernel_log.list_inputs(options, day, tmp_path) == raw.inputs
    assert [file.name for file in kernel_log.list_inputs(options, DAY, tmp_path)] == [
        "db1.log",
        "2026-02-02/db1.log",
    ]
