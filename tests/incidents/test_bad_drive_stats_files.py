"""Every kind of bad Drive Stats file seen or feared: each is refused with what, where and what to do."""

import datetime as dt
import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from drive_stats_files import DAY, HEADER_2013, csv_text, read_smart, write_gzip, write_plain, write_zip

from pipelines.errors import SourceError, TransientError
from pipelines.sources import archives, drive_stats

ONE_ROW = csv_text([{}])


def refusal(folder: Path, day: dt.date = DAY, **options: str) -> SourceError:
    """Return the error that reading the day ends with; it always says that nothing was written."""
    with pytest.raises(SourceError) as caught:
        read_smart(folder, day, **options)
    assert "Nothing" in caught.value.message
    assert "re-run that day" in caught.value.message
    return caught.value


def test_a_missing_column_is_named_with_the_file_and_what_it_has(tmp_path: Path) -> None:
    header = tuple(column for column in HEADER_2013 if column not in ("failure", "model"))
    write_plain(tmp_path, csv_text([{}], header))
    error = refusal(tmp_path)
    assert f"{DAY}.csv lacks columns model, failure; it has: date, serial_number" in error.message
    assert error.facts["missing"] == ("model", "failure")


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{}], (*HEADER_2013, "smart_5_raw")))
    assert "column smart_5_raw twice" in refusal(tmp_path).message


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("smart_5_raw", "many", "is 'many', not a whole number"),
        ("smart_5_raw", "1.5", "is '1.5', not a whole number"),
        ("smart_5_raw", "inf", "is 'inf', not a whole number"),
        ("smart_5_raw", "9" * 30, f"is '{'9' * 30}', not a whole number"),
        ("capacity_bytes", "4TB", "is '4TB', not a whole number"),
        ("failure", "2", "is '2', neither 0 nor 1"),
        ("date", "", "is empty, not a date as YYYY-MM-DD"),
        ("date", "2024-02-30", "is '2024-02-30', no day of the calendar"),
    ],
)
def test_a_cell_of_the_wrong_type_is_named_by_column_row_and_value(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    write_plain(tmp_path, csv_text([{}, {}, {column: value}, {}]))
    error = refusal(tmp_path)
    assert f"{column}: data row 3 {reason}" in error.message
    assert "(1 of 4 rows)" in error.message
    assert error.facts["rows"] == (3,)


def test_a_long_value_is_quoted_in_part_only(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{"smart_5_raw": "x" * 100_000}]))
    assert len(refusal(tmp_path).message) < 1000


def test_a_file_that_went_through_a_spreadsheet_is_refused_with_all_its_scars(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{"date": "07-12-2024", "capacity_bytes": "8.00156E+12"}]), "mangled.csv")
    message = refusal(tmp_path, layout="any_files").message
    assert "date: data row 1 is '07-12-2024'" in message
    assert "a spreadsheet or a local date format rewrote it" in message
    assert "capacity_bytes: data row 1 is '8.00156E+12'" in message
    assert "rounded it to scientific notation, its digits are lost" in message


def test_one_rounded_capacity_among_floats_is_not_taken_for_a_number(tmp_path: Path) -> None:
    rows = [{"capacity_bytes": "4000787030016.0"}] * 5000 + [{"capacity_bytes": "8.00156E+12"}]
    write_plain(tmp_path, csv_text(rows))
    assert "data row 5,001 is '8.00156E+12'" in refusal(tmp_path).message


def test_a_row_with_too_few_cells_is_named_by_its_line(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{}, {}]) + "2024-01-02,S9,ST4")
    assert "line 4 has 3 cells, the header has 7" in refusal(tmp_path).message


@pytest.mark.parametrize("content", ["", "\n\n", " \r\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    write_plain(tmp_path, content)
    assert "is empty" in refusal(tmp_path).message


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([]))
    assert "a header and no row" in refusal(tmp_path).message


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    path = write_gzip(tmp_path, csv_text([{}] * 500))
    path.write_bytes(path.read_bytes()[:-20])
    assert "damaged or cut short" in refusal(tmp_path).message


def test_a_gzip_with_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = write_gzip(tmp_path, csv_text([{}] * 500))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    assert "damaged or cut short" in refusal(tmp_path).message


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {f"data/{DAY}.csv": csv_text([{}] * 500)})
    path.write_bytes(path.read_bytes()[:-30])
    assert "damaged or cut short" in refusal(tmp_path).message


def test_a_damaged_archive_of_another_quarter_does_not_stop_a_day_that_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_plain(tmp_path, ONE_ROW)
    write_plain(tmp_path, b"PK\x03\x04 half an upload", "data_Q2_2024.zip")
    assert read_smart(tmp_path).num_rows == 1
    assert "data_Q2_2024.zip is damaged" in caplog.text


def test_a_password_protected_zip_is_refused_as_such(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {f"data/{DAY}.csv": ONE_ROW})
    data = bytearray(path.read_bytes())
    # zipfile can't write encrypted members: set the flag in the local and the central header.
    data[6] |= 0x1
    data[data.index(b"PK\x01\x02") + 8] |= 0x1
    path.write_bytes(data)
    assert "protected by a password" in refusal(tmp_path).message


def test_a_zip_packed_in_an_unusual_way_is_refused_as_such(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(f"{DAY}.csv", ONE_ROW)
    assert "packed in a way that can't be read" in refusal(tmp_path).message


@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_a_bomb_is_stopped_by_its_ratio_long_before_it_is_unpacked(tmp_path: Path, packing: str) -> None:
    bomb = b"0" * (archives.RATIO_COUNTS_FROM_BYTES + (8 << 20))
    if packing == "gzip":
        write_plain(tmp_path, gzip.compress(bomb), f"{DAY}.csv.gz")
    else:
        write_zip(tmp_path, {f"{DAY}.csv": bomb})
    assert "more than 200 times its packed size" in refusal(tmp_path).message


def test_a_bomb_is_stopped_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
    write_gzip(tmp_path, csv_text([{}] * 100))
    assert "more than 1,000 bytes" in refusal(tmp_path).message


def test_a_plain_file_beyond_the_bound_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
    write_plain(tmp_path, csv_text([{}] * 100))
    assert "more than 1,000 bytes" in refusal(tmp_path).message


def test_names_that_climb_out_of_an_archive_reach_no_path(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    write_zip(folder, {f"../../{DAY}.csv": ONE_ROW})
    assert read_smart(folder).num_rows == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["data_Q1_2024.zip"]


def test_nul_bytes_are_refused_with_their_place(tmp_path: Path) -> None:
    write_plain(tmp_path, ONE_ROW.encode() + b"\0" * 100)
    assert f"NUL byte at byte {len(ONE_ROW):,}" in refusal(tmp_path).message


def test_utf16_is_refused(tmp_path: Path) -> None:
    write_plain(tmp_path, ONE_ROW.encode("utf-16"))
    assert "UTF-16" in refusal(tmp_path).message


def test_invalid_utf8_is_refused_with_its_place(tmp_path: Path) -> None:
    write_plain(tmp_path, ONE_ROW.encode() + b"2024-01-02,S\xff,ST4000DM000,1,0,0,0\n")
    assert rf"is not UTF-8: byte {len(ONE_ROW) + 12:,} is b'\xff'" in refusal(tmp_path).message


def test_a_bom_is_accepted(tmp_path: Path) -> None:
    write_plain(tmp_path, b"\xef\xbb\xbf" + ONE_ROW.encode())
    assert read_smart(tmp_path)["serial_number"].to_pylist() == ["S0"]


def test_mixed_line_ends_are_accepted(tmp_path: Path) -> None:
    lines = csv_text([{}, {}, {}]).splitlines()
    write_plain(tmp_path, f"{lines[0]}\r\n{lines[1]}\n{lines[2]}\r{lines[3]}")
    assert read_smart(tmp_path)["serial_number"].to_pylist() == ["S0", "S1", "S2"]


def test_a_file_for_the_wrong_day_is_refused(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{"date": "2023-12-31"}]))
    assert "1 of its 1 rows are of 2023-12-31 (1 rows)" in refusal(tmp_path).message


def test_a_row_from_the_future_is_refused_as_such(tmp_path: Path) -> None:
    write_plain(tmp_path, csv_text([{}, {"date": "2024-01-05"}]))
    error = refusal(tmp_path)
    assert "1 of its 2 rows are of 2024-01-05 (1 rows, in the future of that day)" in error.message
    assert error.facts["n_rows"] == 1


def test_two_different_files_for_one_day_are_refused_by_both_names(tmp_path: Path) -> None:
    write_plain(tmp_path, ONE_ROW)
    write_zip(tmp_path, {f"data/{DAY}.csv": csv_text([{}, {}])})
    error = refusal(tmp_path)
    assert error.facts["files"] == (f"{DAY}.csv", f"data_Q1_2024.zip!/data/{DAY}.csv")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere does not exist\. Nothing was read"):
        read_smart(tmp_path / "nowhere")


def _append(path: Path) -> None:
    with path.open("ab") as sink:
        sink.write(b"2024-01-02,S9,ST4000DM000,1,0,0,0\n")


def _replace_with_the_same_size(path: Path) -> None:
    other = path.with_name("upload.tmp")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def _touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", [_append, _replace_with_the_same_size, _touch])
def test_a_file_that_changes_while_it_is_read_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    path = write_gzip(tmp_path, ONE_ROW)
    read_whole = archives._read_whole

    def read_and_meanwhile(*arguments: object) -> bytes:
        data: bytes = read_whole(*arguments)
        change(path)
        return data

    monkeypatch.setattr(archives, "_read_whole", read_and_meanwhile)
    with pytest.raises(TransientError, match="changed while it was read"):
        read_smart(tmp_path)


def test_a_file_that_vanishes_before_it_is_read_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_plain(tmp_path, ONE_ROW)
    find = archives.find_csv_files

    def find_then_lose(root: Path, pattern: str) -> archives.FoundFiles:
        found = find(root, pattern)
        path.unlink()
        return found

    monkeypatch.setattr(drive_stats, "find_csv_files", find_then_lose)
    with pytest.raises(TransientError, match="could not be read"):
        read_smart(tmp_path)


def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plain(tmp_path, ONE_ROW)
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "may not be read by this user" in refusal(tmp_path).message


def test_an_unreadable_archive_stops_any_files_because_its_days_are_unknown(tmp_path: Path) -> None:
    write_plain(tmp_path, ONE_ROW, "q1.csv")
    write_plain(tmp_path, b"PK\x03\x04 half an upload", "data_Q2_2024.zip")
    assert "data_Q2_2024.zip" in refusal(tmp_path, layout="any_files").message
