"""Event logs of management controllers: as ipmitool prints them anywhere, and live from a real one."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipelines.errors import ConfigError, MissingInputError, TransientError
from pipelines.sources import ipmi_sel
from pipelines.sources.ipmitool import Controller
from pipelines.sources.log_files import Findings
from pipelines.sources.sel_text import DateOrder, read_sel
from tests.logs.event_rows import DAY, Row, left_out_of, rows_of, write_log
from tests.logs.ipmi_server import PASSWORD, USER, running_controller, write_events

ECC = "Memory #0x53 | Correctable ECC | Asserted"
AT = dt.datetime(2026, 2, 13, 3, 15, tzinfo=dt.UTC)
UTC = ZoneInfo("UTC")
VERBOSE = """SEL Record ID          : 0001
 Record Type           : 02
 Timestamp             : 02/13/2026 03:15:00
 Sensor Type           : Memory
 Sensor Number         : 53
 Event Direction       : Assertion Event
 Event Data            : 00ffff
 Description           : Correctable ECC
"""


def read_files(root: Path, **options: str) -> list[Row]:
    wanted = ipmi_sel.Options.model_validate({"path": "logs", **options})
    return rows_of(ipmi_sel.read_day(wanted, DAY, root))


@pytest.mark.parametrize(
    "line",
    [
        f"   1 | 02/13/26 | 03:15:00 | {ECC}",
        f"   1 | 02/13/2026 | 03:15:00 | {ECC}",
        f"   1 | 02/13/2026 | 03:15:00 UTC | {ECC}",
        f"   1 | 02/13/2026 | 03:15:00 AM UTC | {ECC}",
        f"   1 | 13/02/2026 | 03:15:00 | {ECC}",
        f"   1 | 13.02.2026 | 03:15:00 | {ECC}",
        f"   1 | 2026-02-13 | 03:15:00 | {ECC}",
        "1,02/13/26,03:15:00,Memory #0x53,Correctable ECC,Asserted",
        VERBOSE,
    ],
)
def test_every_form_and_locale_gives_the_same_record(line: str) -> None:
    (record,) = read_sel(line + "\r\n", zone=UTC, date_order="auto", findings=Findings())
    assert dt.datetime.fromtimestamp(record.second, dt.UTC) == AT
    assert record.text == f"SEL: {ECC}"
    assert record.component_hint == "Memory #0x53"


@pytest.mark.parametrize(
    ("order", "others", "month"),
    [
        ("auto", "", 2),
        ("dmy", "", 3),
        ("mdy", "", 2),
        ("auto", "2 | 28/03/2026 | 00:00:00 | x | y | Asserted\n", 3),
    ],
)
def test_a_date_that_reads_both_ways_is_read_as_its_neighbours_are(
    order: DateOrder, others: str, month: int
) -> None:
    text = f"1 | 02/03/2026 | 03:15:00 | {ECC}\n{others}"
    first = read_sel(text, zone=UTC, date_order=order, findings=Findings())[0]
    assert dt.datetime.fromtimestamp(first.second, dt.UTC).month == month


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"1 |  Pre-Init  |0000006924| {ECC}", "recorded before the controller's clock was set"),
        (f"1 | 01/01/1970 | 00:10:00 | {ECC}", "the date or time can't be one"),
        (f"1 | 02/30/2026 | 00:10:00 | {ECC}", "the date or time can't be one"),
        (f"1 | 2026年02月13日 | 00:10:00 | {ECC}", "the date or time can't be one"),
        ("<html>Please log in</html>", "no record of a system event log"),
        ("1 | 02/13/2026", "no record of a system event log"),
        ("SEL Record ID          : 0001", "no record of a system event log"),
        ("\x1b[2J|||||", "no record of a system event log"),
    ],
)
def test_what_is_no_record_is_counted(line: str, reason: str) -> None:
    findings = Findings()
    assert read_sel(line, zone=UTC, date_order="auto", findings=findings) == []
    assert dict(findings.counts) == {reason: 1}


def test_a_recovery_is_no_event(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        "db1.sel",
        "1 | 02/01/2026 | 03:15:00 | Power Supply #0x61 | Failure detected | Asserted\n"
        "2 | 02/01/2026 | 03:25:00 | Power Supply #0x61 | Failure detected | Deasserted\n",
    )
    assert [row["signature"] for row in read_files(tmp_path)] == ["sel_psu_failure", None]


def test_a_log_that_is_delivered_again_counts_once(tmp_path: Path) -> None:
    lines = [f"{i:x} | 02/01/2026 | 03:15:00 | {ECC} | CPU 0 DIMM 8\n" for i in range(1, 4)]
    write_log(tmp_path, "db1/morning.txt", "".join(lines[:2]))
    write_log(tmp_path, "db1/noon.txt", "".join(lines))
    (row,) = read_files(tmp_path)
    assert row["n_events"] == 3
    assert row["component_hint"] == "CPU 0 DIMM 8"
    assert row["host_id"] == "db1"


def test_local_files_have_a_zone(tmp_path: Path) -> None:
    write_log(tmp_path, "db1.sel", f"1 | 02/01/2026 | 03:15:00 | {ECC}\n")
    (row,) = read_files(tmp_path, time_zone="America/New_York")
    assert row["happened_at"] == dt.datetime(2026, 2, 1, 8, 15, tzinfo=dt.UTC)


def test_a_day_without_a_log_is_missing(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with pytest.raises(MissingInputError, match="no event log of a controller of 2026-02-01"):
        read_files(tmp_path)


def test_a_source_is_either_files_or_controllers() -> None:
    with pytest.raises(ValueError, match="either path or controllers"):
        ipmi_sel.Options()


def test_an_address_can_not_be_an_option_of_ipmitool() -> None:
    with pytest.raises(ValueError, match="address"):
        Controller(host_id="db1", address="-f/etc/shadow", username="x", password_env="P")


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    folder = tmp_path_factory.mktemp("ipmi")
    with running_controller(folder) as port:
        yield port, folder


def options_of(*ports: int, password_env: str = "PREFAIL_TEST_BMC") -> ipmi_sel.Options:
    return ipmi_sel.Options(
        controllers=tuple(
            Controller(
                host_id=f"db{number}",
                address="127.0.0.1",
                port=port,
                username=USER,
                password_env=password_env,
                timeout_seconds=60,
            )
            for number, port in enumerate(ports, start=1)
        )
    )


@pytest.mark.service
def test_a_real_controllers_log_is_read_over_the_network(
    controller: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port, folder = controller
    write_events(
        port,
        folder,
        "02/01/26 03:15:00",
        "0x04 0x0C 0x53 0x6f 0x00 0xff 0xff # Memory #0x53 Correctable ECC",
        "0x04 0x0D 0x60 0x6f 0x01 0xff 0xff # Drive fault",
        "0x04 0x08 0x61 0x6f 0x01 0xff 0xff # PSU failure",
    )
    monkeypatch.setenv("PREFAIL_TEST_BMC", PASSWORD)
    options = options_of(port)
    assert ipmi_sel.list_days(options, tmp_path) == [DAY]
    rows = rows_of(ipmi_sel.read_day(options, DAY, tmp_path))
    assert sorted((str(row["signature"]), str(row["component_hint"])) for row in rows) == [
        ("sel_correctable_ecc", "Memory #0x53"),
        ("sel_drive_fault", "Drive Slot / Bay #0x60"),
        ("sel_psu_failure", "Power Supply #0x61"),
    ]
    assert {row["host_id"] for row in rows} == {"db1"}
    assert all(
        abs((row["happened_at"] - dt.datetime(2026, 2, 1, 3, 15, tzinfo=dt.UTC)).total_seconds()) < 30
        for row in rows
    )


@pytest.mark.service
def test_a_controller_that_does_not_answer_costs_only_its_own_host(
    controller: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFAIL_TEST_BMC", PASSWORD)
    raw = list(ipmi_sel.read_day(options_of(controller[0], 9), DAY, tmp_path))
    assert left_out_of(raw)["a controller that gave no event log"].count == 1
    assert {row["host_id"] for row in rows_of(raw)} <= {"db1"}
    with pytest.raises(TransientError, match="could not read the event log of db1"):
        list(ipmi_sel.read_day(options_of(9), DAY, tmp_path))


@pytest.mark.service
def test_a_wrong_password_is_told_and_never_shown(
    controller: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFAIL_TEST_BMC", "wrong-password")
    with pytest.raises(TransientError) as refused:
        list(ipmi_sel.read_day(options_of(controller[0]), DAY, tmp_path))
    assert "Check its address, user and password" in str(refused.value)
    assert "wrong-password" not in str(refused.value)


def test_a_password_that_is_not_there_is_named_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PREFAIL_TEST_NO_SUCH"):
        list(ipmi_sel.read_day(options_of(9, password_env="PREFAIL_TEST_NO_SUCH"), DAY, tmp_path))
