"""Drives through smartctl_exporter, or the smartmon scripts, give what their JSON outputs give."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from features.smart_decoding import decode_drive_smart
from pipelines.sources import prometheus, smartctl
from pipelines.sources.source import RawTable
from tests.prometheus.prometheus_server import PrometheusServer, Series
from tests.prometheus.smartctl_exporter import exported_series
from tests.sources.test_smartctl import ATA, DAY, NOON, NVME, SCSI, write

pytestmark = pytest.mark.service

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "smartctl-json" / "smartctl_exporter"
NOT_COMPARED = {"source", "known_at"}
SERIAL = {"ZA1ABCDE": ATA, "22423C4D": NVME, "Z1Z5DWJK0000C517AAAA": SCSI}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrometheusServer]:
    own = PrometheusServer(tmp_path / "prometheus")
    yield own
    own.remove()


def read(
    server: PrometheusServer, history: list[Series], day: dt.date, *exporters: str
) -> dict[str, RawTable]:
    server.write_history(history)
    server.start()
    options = prometheus.Options(url=server.url, exporters=exporters or ("smartctl_exporter",))
    return {raw.dataset: raw for raw in prometheus.read_day(options, day, Path())}


def by_serial(table: pa.Table) -> dict[str, dict[str, object]]:
    return {
        str(row["serial_number"]): {name: value for name, value in row.items() if name not in NOT_COMPARED}
        for row in table.to_pylist()
    }


def one_of_each() -> list[Series]:
    times = [NOON - 7200.0, float(NOON)]
    # The exporter splits SCSI's name, as smartctl gives it.
    scsi = {**SCSI, "scsi_vendor": "SEAGATE", "scsi_product": "ST4000NM0043", "scsi_revision": "MS03"}
    documents = {"sda": ATA, "nvme0": NVME, "sdg": scsi}
    return [
        series
        for device, document in documents.items()
        for series in exported_series(document, "web-1:9633", device, times)
    ]


def test_ata_nvme_and_scsi_drives_give_the_rows_of_their_json(
    server: PrometheusServer, tmp_path: Path
) -> None:
    for device, document in (("sda", ATA), ("nvme0", NVME), ("sdg", SCSI)):
        write(tmp_path / "json", "web-1", device, document)
    options = smartctl.Options(path="json")
    expected = {raw.dataset: raw.table for raw in smartctl.read_day(options, DAY, tmp_path)}
    found = read(server, one_of_each(), DAY)
    smart = by_serial(found["raw_drive_smart"].table)
    wanted = by_serial(expected["raw_drive_smart"])
    assert set(smart) == set(wanted) == set(SERIAL)
    differences = {
        (serial, name): (wanted[serial][name], smart[serial][name])
        for serial in wanted
        for name in wanted[serial]
        if wanted[serial][name] != smart[serial][name]
    }
    assert differences == {
        ("Z1Z5DWJK0000C517AAAA", "smart_4_raw"): (20, None),
        ("Z1Z5DWJK0000C517AAAA", "smart_193_raw"): (700, None),
        ("22423C4D", "nvme_unsafe_shutdowns"): (30, None),
    }
    hosts = {row["component_id"]: row["host_id"] for row in found["raw_inventory"].table.to_pylist()}
    assert hosts == dict.fromkeys(SERIAL, "web-1")
    known_at = set(found["raw_drive_smart"].table["known_at"].to_pylist())
    assert known_at == {dt.datetime.fromtimestamp(NOON, dt.UTC)}, "the last scrape of the day"


@pytest.mark.shared_data
def test_recorded_outputs_give_the_core_rows_of_the_json_folder(
    server: PrometheusServer, tmp_path: Path
) -> None:
    history: list[Series] = []
    for number, path in enumerate(sorted(RECORDED.glob("*.json"))):
        document = json.loads(path.read_text())
        # Serial numbers are redacted: each output is a drive of its own here.
        document = {**document, "serial_number": f"SN{number:04d}", "local_time": {"time_t": NOON}}
        write(tmp_path / "json", f"host-{number}", "sda", document)
        if smartctl.parse_smartctl(json.dumps(document).encode()).__class__.__name__ == "Reading":
            model = str(document.get("scsi_model_name", ""))
            vendor, _, product = model.partition(" ")
            named = {
                **document,
                "scsi_vendor": document.get("scsi_vendor", vendor),
                "scsi_product": document.get("scsi_product", product.strip()),
            }
            history += exported_series(named, f"host-{number}:9633", "sda", [float(NOON)])
    json_raw, json_inventory = smartctl.read_day(smartctl.Options(path="json"), DAY, tmp_path)
    found = read(server, history, DAY)
    wanted = _core(json_raw.table, json_inventory.table)
    core = _core(found["raw_drive_smart"].table, found["raw_inventory"].table)
    assert set(core) == set(wanted)
    assert len(core) > 150
    differences: dict[str, int] = {}
    for serial, row in wanted.items():
        for name, value in row.items():
            if value != core[serial][name]:
                differences[name] = differences.get(name, 0) + 1
    # What the exporter does not carry (smartctl_exporter.yaml) is null, never another value.
    assert set(differences) == {"unsafe_shutdowns", "head_flying_hours", "load_cycles", "power_on_hours"}
    assert differences["head_flying_hours"] == 3, "packed values beyond 2^53"
    raw = json_raw.table
    raw_hours = dict(zip(raw["serial_number"].to_pylist(), raw["smart_9_raw"].to_pylist(), strict=True))
    lost = [s for s in wanted if core[s]["power_on_hours"] is None and wanted[s]["power_on_hours"]]
    # 0 hours and no hours look alike; one drive packs more into its hours than a double holds.
    assert [raw_hours[s] >= 1 << 53 for s in lost] == [True]
    assert all(core[s][n] in (v, None) for s, row in wanted.items() for n, v in row.items())


def _core(smart: pa.Table, inventory: pa.Table) -> dict[str, Mapping[str, object]]:
    rows = decode_drive_smart(smart, inventory).table.to_pylist()
    return {str(row["component_id"]): {k: v for k, v in row.items() if k != "known_at"} for row in rows}


def test_a_drive_that_was_swapped_is_left_out_for_that_day_and_counted(server: PrometheusServer) -> None:
    before = exported_series(ATA, "web-1:9633", "sda", [NOON - 600.0])
    after = exported_series({**ATA, "serial_number": "ZNEW"}, "web-1:9633", "sda", [float(NOON)])
    other = exported_series(NVME, "web-1:9633", "nvme0", [float(NOON)])
    # The readings carry no serial number, so they are the same series with one more sample.
    named = [series for series in after if series.name == "smartctl_device"]
    raw = read(server, [*before, *named, *other], DAY)["raw_drive_smart"]
    assert raw.table["serial_number"].to_pylist() == ["22423C4D"]
    (left_out,) = raw.left_out
    assert (left_out.count, left_out.example) == (2, "web-1/sda")
    assert "another drive had the same device name" in left_out.reason


def test_a_placeholder_serial_number_names_no_drive(server: PrometheusServer) -> None:
    redacted = exported_series({**ATA, "serial_number": "REDACTED"}, "web-1:9633", "sda", [float(NOON)])
    other = exported_series(NVME, "web-1:9633", "nvme0", [float(NOON)])
    raw = read(server, [*redacted, *other], DAY)["raw_drive_smart"]
    assert raw.table["serial_number"].to_pylist() == ["22423C4D"]
    assert [entry.reason for entry in raw.left_out] == ["the serial number is a placeholder"]


def test_smartmon_scripts_give_the_same_and_leave_out_what_they_rounded(server: PrometheusServer) -> None:
    disk = {"instance": "web-1:9100", "disk": "/dev/sda", "type": "sat"}
    info = {"device_model": "ST8000NM0055-1RM112", "serial_number": "ZA1ABCDE", "firmware_version": "SN05"}
    values = {
        "smartmon_device_info": ({**disk, **info, "vendor": "", "product": ""}, 1.0),
        "smartmon_device_smart_healthy": (disk, 1.0),
        "smartmon_reallocated_sector_ct_raw_value": ({**disk, "smart_id": "5"}, 8.0),
        # %e keeps seven digits: 4295032833 has lost the low bits that hold the count.
        "smartmon_command_timeout_raw_value": ({**disk, "smart_id": "188"}, 4.295033e9),
        "smartmon_temperature_celsius_value": ({**disk, "smart_id": "194"}, 64.0),
    }
    history = [
        Series(name=name, labels=labels, samples=[(float(NOON), value)])
        for name, (labels, value) in values.items()
    ]
    raw = read(server, history, DAY, "smartmon_textfile")["raw_drive_smart"]
    (row,) = raw.table.to_pylist()
    said = {name: value for name, value in row.items() if value is not None and name not in NOT_COMPARED}
    assert said == {
        "serial_number": "ZA1ABCDE",
        "model": "ST8000NM0055-1RM112",
        "firmware": "SN05",
        "is_failed": False,
        "smart_5_raw": 8,
        "smart_passed": True,
    }


def test_smartmon_py_names_attributes_by_word(server: PrometheusServer) -> None:
    disk = {"instance": "web-1:9100", "disk": "/dev/sda"}
    info = {**disk, "device_model": "ST8", "serial_number": "ZA1", "firmware_version": "SN05"}
    history = [
        Series(name="smartmon_device_info", labels=info, samples=[(float(NOON), 1.0)]),
        *(
            Series(
                name="smartmon_attr_raw_value", labels={**disk, "name": name}, samples=[(float(NOON), value)]
            )
            for name, value in (
                ("reallocated_sector_ct", 8.0),
                ("command_timeout", 4295032833.0),
                ("g_sense", 3.0),
            )
        ),
    ]
    raw = read(server, history, DAY, "smartmon_textfile")["raw_drive_smart"]
    (row,) = raw.table.to_pylist()
    assert (row["smart_5_raw"], row["smart_188_raw"]) == (8, 4295032833)
