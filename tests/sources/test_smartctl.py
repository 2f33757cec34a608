"""What the smartctl source makes of outputs of ATA, NVMe and SCSI drives, whole and in part."""

import datetime as dt
import json
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from pipelines.errors import MissingInputError, SourceError
from pipelines.sources import smartctl
from pipelines.sources.smartctl_json import NoReading, Reading, parse_smartctl
from pipelines.sources.source import RawTable

DAY = dt.date(2024, 1, 2)
NOON = int(dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC).timestamp())

ATA = {
    "device": {"name": "/dev/sda", "info_name": "/dev/sda [SAT]", "protocol": "ATA"},
    "model_name": "ST8000NM0055-1RM112",
    "serial_number": "ZA1ABCDE",
    "firmware_version": "SN05",
    "user_capacity": {"bytes": 8_001_563_222_016},
    "smart_status": {"passed": True},
    "ata_smart_attributes": {
        "table": [
            {"id": 5, "raw": {"value": 8}},
            {"id": 9, "raw": {"value": 115594749838557}},
            {"id": 188, "raw": {"value": 4295032833}},
            {"id": 231, "raw": {"value": 1}},
        ]
    },
    "power_on_time": {"hours": 34013},
    "temperature": {"current": 31},
    "local_time": {"time_t": NOON},
}
NVME = {
    "device": {"info_name": "/dev/nvme0", "protocol": "NVMe"},
    "model_name": "Micron_7450_MTFDKCC3T2TFS",
    "serial_number": "22423C4D",
    "nvme_total_capacity": 3_200_631_791_616,
    "smart_status": {"passed": False},
    "nvme_smart_health_information_log": {
        "critical_warning": 4,
        "available_spare": 97,
        "percentage_used": 12,
        "media_errors": 3,
        "unsafe_shutdowns": 30,
        "num_err_log_entries": 2**100,
    },
    "power_on_time": {"hours": 2884},
    "power_cycle_count": 32,
    "temperature": {"current": 33},
    "local_time": {"time_t": NOON},
}
SCSI = {
    "device": {"info_name": "/dev/sdg", "protocol": "SCSI"},
    "scsi_model_name": "SEAGATE ST4000NM0043",
    "revision": "MS03",
    "serial_number": "Z1Z5DWJK0000C517AAAA",
    "smart_status": {"passed": True},
    "scsi_grown_defect_list": 56,
    "scsi_error_counter_log": {
        "read": {"total_uncorrected_errors": 1},
        "write": {"total_uncorrected_errors": 535},
        "verify": {},
    },
    "scsi_start_stop_cycle_counter": {
        "accumulated_start_stop_cycles": 20,
        "accumulated_load_unload_cycles": 700,
    },
    "power_on_time": {"hours": 43549},
    "temperature": {"current": 34},
    "local_time": {"time_t": NOON},
}


def write(folder: Path, host: str, name: str, document: object, day: dt.date | None = DAY) -> Path:
    path = (folder / day.isoformat() if day else folder) / host / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def read(folder: Path, day: dt.date = DAY, **options: str) -> dict[str, RawTable]:
    wanted = smartctl.Options.model_validate({"path": ".", **options})
    return {raw.dataset: raw for raw in smartctl.read_day(wanted, day, folder)}


def rows(folder: Path, day: dt.date = DAY, **options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = read(folder, day, **options)["raw_drive_smart"].table.to_pylist()
    return found


def test_an_ata_drive_gives_its_raw_values_as_delivered(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "sda", ATA)
    (row,) = rows(tmp_path)
    assert row["serial_number"] == "ZA1ABCDE"
    assert row["firmware"] == "SN05"
    assert (row["smart_5_raw"], row["smart_188_raw"]) == (8, 4295032833)
    # Packed as reported: decoding is not the source's business, and the summary is not mixed in.
    assert row["smart_9_raw"] == 115594749838557
    assert (row["smart_passed"], row["is_failed"]) == (True, False)
    assert row["known_at"] == dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)


def test_an_nvme_drive_gives_its_health_log(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "nvme0", NVME)
    (row,) = rows(tmp_path)
    assert row["nvme_critical_warning"] == 4
    assert row["nvme_available_spare_pct"] == 97
    assert row["nvme_percentage_used"] == 12
    assert row["nvme_media_errors"] == 3
    assert row["nvme_unsafe_shutdowns"] == 30
    assert row["nvme_error_log_entries"] is None, "beyond int64"
    assert (row["smart_9_raw"], row["smart_12_raw"]) == (2884, 32)
    assert row["capacity_bytes"] == 3_200_631_791_616
    assert (row["smart_passed"], row["is_failed"]) == (False, False), "a warning is not a failure"


def test_a_scsi_drive_gives_its_defects_and_all_its_uncorrected_errors(tmp_path: Path) -> None:
    write(tmp_path, "db-1", "sdg", SCSI)
    (row,) = rows(tmp_path)
    assert row["model"] == "SEAGATE ST4000NM0043"
    assert row["firmware"] == "MS03"
    assert (row["scsi_grown_defects"], row["scsi_uncorrected_errors"]) == (56, 536)
    assert (row["smart_4_raw"], row["smart_193_raw"], row["smart_9_raw"]) == (20, 700, 43549)
    assert row["temperature_celsius"] == 34.0


def test_the_folder_names_the_host(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "sda", ATA)
    (place,) = read(tmp_path)["raw_inventory"].table.to_pylist()
    assert place["component_id"] == "ZA1ABCDE"
    assert (place["host_id"], place["slot"]) == ("web-1", "sda [SAT]")


def test_tables_have_the_columns_and_types_of_their_contracts(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "sda", ATA)
    for dataset, raw in read(tmp_path).items():
        expected = schema_of(load_contract(dataset))
        assert raw.table.schema.names == expected.names
        assert raw.table.schema.types == expected.types


def test_the_last_of_several_readings_counts_and_the_others_are_counted(tmp_path: Path) -> None:
    for hour in (3, 9, 1):
        later = {**ATA, "local_time": {"time_t": NOON + hour * 3600}, "temperature": {"current": 30 + hour}}
        write(tmp_path, "web-1", f"sda-{hour}", later)
    raw = read(tmp_path)["raw_drive_smart"]
    assert raw.table["temperature_celsius"].to_pylist() == [39.0]
    assert [(entry.reason, entry.count) for entry in raw.left_out] == [
        ("an earlier reading of the same drive on that day", 2)
    ]


def test_one_serial_number_in_two_hosts_is_left_to_the_contract(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "sda", ATA)
    write(tmp_path, "web-2", "sda", ATA)
    assert [row["serial_number"] for row in rows(tmp_path)] == ["ZA1ABCDE"] * 2


def test_without_local_time_a_reading_is_known_at_the_end_of_its_folders_day(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "sda", {key: value for key, value in ATA.items() if key != "local_time"})
    (row,) = rows(tmp_path)
    assert row["known_at"] == dt.datetime(2024, 1, 2, 23, 59, 59, 999999, tzinfo=dt.UTC)


def test_host_folders_take_the_day_from_each_reading(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "today", ATA, day=None)
    write(tmp_path, "web-1", "tomorrow", {**ATA, "local_time": {"time_t": NOON + 86400}}, day=None)
    options = smartctl.Options(path=".", layout="host_folders")
    tomorrow = DAY + dt.timedelta(days=1)
    assert smartctl.list_days(options, tmp_path) == [DAY, tomorrow]
    raw = read(tmp_path, layout="host_folders")["raw_drive_smart"]
    assert (raw.table.num_rows, raw.left_out) == (1, ())
    assert len(rows(tmp_path, tomorrow, layout="host_folders")) == 1


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{ cut sho", "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("[1, 2]", "not JSON"),
        ({"smartctl": {"exit_status": 2}}, "no serial number"),
        ({"devices": [{"name": "/dev/sda"}]}, "no serial number"),
        ({**ATA, "serial_number": "REDACTED"}, "placeholder"),
        ({**ATA, "serial_number": "XXXXXXXX"}, "placeholder"),
        ({**ATA, "model_name": None}, "no model name"),
        ({key: ATA[key] for key in ("serial_number", "model_name", "user_capacity")}, "no health data"),
        ({**ATA, "local_time": {"time_t": NOON + 86400}}, "another UTC day"),
    ],
)
def test_an_output_that_gives_no_row_is_counted_with_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, document: object, reason: str
) -> None:
    write(tmp_path, "web-1", "bad", document)
    write(tmp_path, "web-1", "good", NVME)
    raw = read(tmp_path)["raw_drive_smart"]
    assert raw.table["serial_number"].to_pylist() == ["22423C4D"]
    (left_out,) = raw.left_out
    assert (left_out.count, left_out.example) == (1, "web-1/bad.json")
    assert reason in left_out.reason
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert reason in caplog.text


def test_an_output_beside_the_host_folders_is_counted(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "good", NVME)
    write(tmp_path, ".", "sda", ATA)
    raw = read(tmp_path)["raw_drive_smart"]
    assert raw.table.num_rows == 1
    assert [(entry.reason, entry.example) for entry in raw.left_out] == [
        ("not in a folder that names its host", "sda.json")
    ]


def test_a_file_beyond_the_bound_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "web-1", "good", NVME)
    write(tmp_path, "web-1", "huge", {**ATA, "padding": "x" * 5000})
    monkeypatch.setattr(smartctl, "MAX_FILE_BYTES", 4096)
    raw = read(tmp_path)["raw_drive_smart"]
    assert raw.table.num_rows == 1
    assert "larger than" in raw.left_out[0].reason


def test_a_byte_order_mark_is_accepted() -> None:
    assert isinstance(parse_smartctl(b"\xef\xbb\xbf" + json.dumps(ATA).encode()), Reading)


def test_text_that_utf8_cannot_hold_is_replaced(tmp_path: Path) -> None:
    write(tmp_path, os.fsdecode(b"web-\xff"), "sda", json.dumps({**ATA, "serial_number": "Z\ud800"}))
    assert [row["serial_number"] for row in rows(tmp_path)] == ["Z?"]
    assert read(tmp_path)["raw_inventory"].table["host_id"].to_pylist() == ["web-\ufffd"]


def test_a_drive_without_a_serial_number_can_go_by_host_and_file_name(tmp_path: Path) -> None:
    write(tmp_path, "web-1", "sda", {**ATA, "serial_number": "REDACTED"})
    assert [row["serial_number"] for row in rows(tmp_path, identify_by="file_name")] == ["web-1/sda"]


def test_a_day_without_outputs_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no smartctl output of 2024-01-02"):
        read(tmp_path)
    with pytest.raises(SourceError, match="is not a folder"):
        read(tmp_path / "nowhere")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from([ATA, NVME, SCSI]), st.data())
def test_no_content_of_any_field_raises(document: dict[str, object], data: st.DataObject) -> None:
    mutated = {**document, data.draw(st.sampled_from(sorted(document))): data.draw(_json)}
    found = parse_smartctl(json.dumps(mutated).encode())
    assert isinstance(found, Reading | NoReading)
    if isinstance(found, Reading):
        assert all(pa.scalar(value, pa.int64()).is_valid for value in found.counters.values())
