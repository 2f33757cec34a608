"""What the readers make of logs that real machines wrote; docs/evaluation-logs.md states the same figures."""

import datetime as dt
import gzip
import shutil
from collections import Counter
from pathlib import Path

import pytest

from features.log_templates import template_of
from features.signatures import load_catalogue
from pipelines.sources import ipmi_sel, kernel_log, mcelog_rows
from tests.conftest import PROJECT, SHARED
from tests.logs.bluegene import (
    judge_catalogue,
    judge_seen_categories,
    judge_words,
    read_alert_lines,
    split_by_time,
)
from tests.logs.event_rows import Row, left_out_of, rows_of

pytestmark = pytest.mark.shared_data

DATA = SHARED / "data"
BGL = DATA / "loghub-2k" / "BGL_2k.log.gz"
PAGE = PROJECT / "docs" / "evaluation-logs.md"


@pytest.fixture(scope="module")
def kernel_rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """All rows of all recorded kernel logs, one host a file."""
    root = tmp_path_factory.mktemp("recorded")
    shutil.copytree(DATA / "kernel-logs", root / "logs")
    options = kernel_log.Options(path="logs", layout="host_folders")
    days = kernel_log.list_days(options, root)
    return [row for day in days for row in rows_of(kernel_log.read_day(options, day, root))]


def known(rows: list[Row], host: str) -> dict[tuple[str, str], int]:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if _is_of(row, host) and row["signature"] is not None:
            counts[str(row["signature"]), str(row["component_hint"])] += int(str(row["n_events"]))
    return dict(counts)


def _is_of(row: Row, host: str) -> bool:
    """A host is its whole name, or a name that ends in ``*`` as its beginning."""
    name = str(row["host_id"])
    return name.startswith(host[:-1]) if host.endswith("*") else name == host


def test_medium_errors_of_a_usb_disk_are_found_on_their_disk(kernel_rows: list[Row]) -> None:
    assert known(kernel_rows, "medium-error-usb-disk") == {
        ("scsi_medium_error", "sdd"): 2,
        ("scsi_unrecovered_read", "sdd"): 2,
        ("block_medium_error", "sdd"): 2,
        ("buffer_io_error", "sdd"): 2,
    }


def test_medium_errors_of_a_raid_are_found_on_their_disk_and_partition(kernel_rows: list[Row]) -> None:
    assert known(kernel_rows, "medium-error-md-raid") == {
        ("scsi_medium_error", "sdf"): 1,
        ("scsi_unrecovered_read", "sdf"): 1,
        ("block_medium_error", "sdf"): 1,
        ("md_read_corrected", "sdf6"): 7,
    }


def test_xid_119_is_found_on_its_gpu_and_nothing_else_is_an_xid(kernel_rows: list[Row]) -> None:
    text = (DATA / "kernel-logs" / "gpud__accelerator__nvidia__xid__dmesg-with-xid-119.log").read_text()
    found = known(kernel_rows, "gpud__accelerator__nvidia__xid*")
    assert found["nvidia_xid_119", "0000:9b:00"] == text.count("): 119,")
    assert {key for key, _ in found} <= {"nvidia_xid_119", "nvidia_gsp_timeout"}


def test_provoked_panics_and_a_healthy_boot_have_no_hardware_event(kernel_rows: list[Row]) -> None:
    for host in ("gpud__pstore*", "gpud__kmsg__kmsg", "gpud__accelerator__nvidia__nccl*"):
        assert known(kernel_rows, host) == {}
        assert any(_is_of(row, host) for row in kernel_rows)


def test_every_line_of_the_recordings_is_a_row_or_left_out(kernel_rows: list[Row], tmp_path: Path) -> None:
    n_lines = 0
    for path in (DATA / "kernel-logs").iterdir():
        n_lines += sum(bool(line.strip(b"\0 \r")) for line in path.read_bytes().split(b"\n"))
    shutil.copytree(DATA / "kernel-logs", tmp_path / "logs")
    options = kernel_log.Options(path="logs", layout="host_folders")
    n_left = 0
    for file in sorted((tmp_path / "logs").iterdir()):
        alone = tmp_path / file.stem / "logs"
        alone.mkdir(parents=True)
        file.rename(alone / file.name)
        # A file without a single time has no day, so it is in no day's account.
        days = kernel_log.list_days(options, alone.parent)
        raw = list(kernel_log.read_day(options, days[-1], alone.parent)) if days else []
        n_left += sum(left.count for left in left_out_of(raw).values())
        if not days:
            n_left += sum(bool(line.strip()) for line in (alone / file.name).read_bytes().split(b"\n"))
    assert sum(int(str(row["n_events"])) for row in kernel_rows) + n_left == n_lines


def test_recorded_event_logs_of_controllers() -> None:
    options = ipmi_sel.Options(path="ipmi-sel", layout="host_folders")
    counts: Counter[tuple[str, str, str]] = Counter()
    for day in ipmi_sel.list_days(options, DATA):
        raw = list(ipmi_sel.read_day(options, day, DATA))
        assert left_out_of(raw) == {}
        for row in rows_of(raw):
            key = (str(row["host_id"]), str(row["signature"]), str(row["component_hint"]))
            counts[key] += int(str(row["n_events"]))
    assert counts["sel_list_correctable_ecc_storm", "sel_correctable_ecc", "Memory #0xb2"] == 60
    assert counts["sel_list_dimm8_openstack_docs", "sel_correctable_ecc", "CPU 0 DIMM 8"] == 8
    assert counts["sel_list_dimm8_openstack_docs", "sel_voltage", "VBAT"] == 1
    by_host = Counter({host: 0 for host, _, _ in counts})
    for (host, _, _), n in counts.items():
        by_host[host] += n
    assert by_host["sel_list_correctable_ecc_storm"] == 62
    assert by_host["sel_list_dimm8_openstack_docs"] == 11


def test_every_error_of_the_smartmem_sample_is_counted_once() -> None:
    options = mcelog_rows.Options(path="smartmem-dram-sample")
    counts: Counter[str] = Counter()
    n_with_place = n_rows = 0
    days = mcelog_rows.list_days(options, DATA)
    for day in days:
        raw = list(mcelog_rows.read_day(options, day, DATA))
        assert left_out_of(raw) == {}
        for row in rows_of(raw):
            counts[str(row["component_hint"])] += int(str(row["n_events"]))
            n_rows += 1
            n_with_place += None not in (row["row"], row["bank"], row["column"])
    assert sum(counts.values()) == 10_092
    assert len(counts) == 14
    assert counts["sn_8"] == 9_440
    assert n_with_place == n_rows == 7_922
    assert (days[0], days[-1]) == (dt.date(2023, 12, 31), dt.date(2024, 7, 31))


@pytest.mark.parametrize("name", ["Thunderbird", "Linux"])
def test_systems_without_an_alert_in_the_sample_raise_none(name: str) -> None:
    lines = (
        gzip.decompress((DATA / "loghub-2k" / f"{name}_2k.log.gz").read_bytes())
        .decode("latin-1")
        .splitlines()
    )
    assert len(lines) == 2000
    assert [each for each in load_catalogue().match([template_of(line) for line in lines]) if each] == []


def test_the_page_states_what_is_measured_on_blue_gene() -> None:
    lines = read_alert_lines(BGL)
    before, after = split_by_time(lines)
    page = PAGE.read_text("utf-8")
    for agreement in (
        judge_catalogue(lines),
        judge_words(lines),
        judge_catalogue(before),
        judge_words(before),
        judge_catalogue(after),
        judge_words(after),
        judge_seen_categories(before, after),
    ):
        assert str(agreement) in page, f"state it in {PAGE.name}"


def test_the_catalogue_beats_the_word_of_severity_in_later_lines() -> None:
    _, after = split_by_time(read_alert_lines(BGL))
    assert judge_catalogue(after).precision > 2 * judge_words(after).precision
    assert judge_catalogue(after).recall > 0.9
