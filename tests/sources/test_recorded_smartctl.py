"""The source against 192 recorded smartctl outputs: each gives a row or is counted with its reason."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from features.smart_decoding import decode_drive_smart
from pipelines.sources import smartctl
from pipelines.sources.smartctl_json import NoReading, Reading, parse_smartctl

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.shared_data


def test_every_output_gives_a_reading_or_a_reason() -> None:
    found = {
        path: parse_smartctl(path.read_bytes(), needs_serial=False)
        for path in (DATA / "smartctl-json").rglob("*.json")
    }
    readings = [entry for entry in found.values() if isinstance(entry, Reading)]
    reasons = Counter(entry.reason.split(":")[0] for entry in found.values() if isinstance(entry, NoReading))
    assert len(found) == 192
    assert len(readings) == 182
    assert reasons == {"no serial number": 6, "no health data": 4}
    assert [reading.smart_passed for reading in readings].count(False) == 2


def test_the_outputs_of_two_tools_add_up_to_rows_and_reasons() -> None:
    options = smartctl.Options(path="smartctl-json", layout="host_folders", identify_by="file_name")
    n_rows: dict[dt.date, int] = {}
    n_earlier = n_without_serial = n_without_health = 0
    for day in smartctl.list_days(options, DATA):
        raw, inventory = smartctl.read_day(options, day, DATA)
        n_rows[day] = raw.table.num_rows
        reasons = {entry.reason.split(":")[0]: entry.count for entry in raw.left_out}
        n_earlier += reasons.get("an earlier reading of the same drive on that day", 0)
        # Outputs without a time are no day's: each day reports them.
        n_without_serial, n_without_health = reasons["no serial number"], reasons["no health data"]
        assert decode_drive_smart(raw.table, inventory.table).n_unknown_hosts == 0
    # The 168 of the exporter's test data have one redacted time.
    assert n_rows == {dt.date(2009, 2, 13): 168, dt.date(2021, 11, 16): 10, dt.date(2022, 5, 10): 2}
    assert (n_earlier, n_without_serial, n_without_health) == (2, 6, 4)
    assert 168 + 10 + 2 + n_earlier + n_without_serial + n_without_health == 192


def test_redacted_serial_numbers_are_not_taken_for_one_drive() -> None:
    options = smartctl.Options(path="smartctl-json", layout="host_folders")
    raw, _ = smartctl.read_day(options, dt.date(2021, 11, 16), DATA)
    assert "REDACTED" not in raw.table["serial_number"].to_pylist()
    placeholders = [entry.count for entry in raw.left_out if "placeholder" in entry.reason]
    assert placeholders == [171]
