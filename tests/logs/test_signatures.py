"""The catalogue: each example is a test, and nobody can make it slow or blind."""

import re
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.log_templates import template_of
from features.signatures import (
    FOLDER,
    Signature,
    SignatureFileError,
    load_catalogue,
    read_catalogue,
    read_line,
)

CATALOGUE = load_catalogue()
ENTRY = """signatures:
  - key: edac_ce
    pattern: 'EDAC .*MC#: # CE '
    class: memory_corrected_error
    component: dimm
    severity: warning
    vendor: linux
    knowledge: 'drivers/edac/edac_mc.c'
    example: 'EDAC MC0: 1 CE memory read error'
"""


@pytest.mark.parametrize("signature", CATALOGUE.signatures, ids=lambda signature: signature.key)
def test_each_example_has_its_own_signature_and_no_other(signature: Signature) -> None:
    found = CATALOGUE.match_line(signature.example)
    assert found is not None
    assert found.key == signature.key


@pytest.mark.parametrize("signature", CATALOGUE.signatures, ids=lambda signature: signature.key)
def test_a_signature_does_not_depend_on_the_digits_of_a_line(signature: Signature) -> None:
    other_digits = signature.example.translate(str.maketrans("0123456789", "1234567891"))
    # The 0x of an address is no digit of it.
    found = CATALOGUE.match_line(re.sub(r"\b1x", "0x", other_digits))
    assert found is not None
    assert found.key == signature.key


@pytest.mark.parametrize("signature", CATALOGUE.signatures, ids=lambda signature: signature.key)
def test_re2_and_python_read_a_pattern_alike(signature: Signature) -> None:
    templates = [template_of(each.example) for each in CATALOGUE.signatures]
    by_re2 = pc.match_substring_regex(pa.array(templates), signature.pattern).to_pylist()
    assert by_re2 == [signature.searched.search(template) is not None for template in templates]


def test_the_catalogue_speaks_of_each_family_that_a_host_has() -> None:
    classes = {signature.event_class for signature in CATALOGUE.signatures}
    wanted = {
        *("machine_check", "memory_corrected_error", "memory_uncorrected_error", "thermal_throttle"),
        *("pcie_aer_corrected", "pcie_aer_uncorrected", "ata_error", "scsi_medium_error", "nvme_error"),
        *("nic_reset", "nic_tx_timeout", "filesystem_shutdown", "gpu_xid", "psu_failure", "fan_failure"),
    }
    assert wanted - classes == set()


@pytest.mark.parametrize(
    "line",
    [
        "usb 3-1: New USB device found, idVendor=0bda, idProduct=8153, bcdDevice=31.00",
        "mlx5_core 0000:81:00.0: 126.016 Gb/s available PCIe bandwidth (8.0 GT/s PCIe x16 link)",
        "EDAC MC0: Giving out device to module skx_edac controller Skylake Socket#0 IMC#0",
        "mce: CPU0: Thermal monitoring enabled (TM1)",
        "EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)",
        "nvme nvme0: 16/0/0 default/read/poll queues",
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.104.05",
        "pcieport 0000:00:1c.0: AER: enabled with IRQ 122",
        "ata3: SATA link up 6.0 Gbps (SStatus 133 SControl 300)",
    ],
)
def test_lines_of_a_healthy_boot_have_no_signature(line: str) -> None:
    assert CATALOGUE.match_line(line) is None


@pytest.mark.parametrize(
    ("number", "key", "event_class", "severity"),
    [
        (79, "nvidia_xid_79", "gpu_off_bus", "critical"),
        (48, "nvidia_xid_48", "gpu_memory_uncorrected_error", "critical"),
        (13, "nvidia_xid_13", "gpu_application_error", "info"),
        (999, "nvidia_xid_999", "gpu_xid", "error"),
    ],
)
def test_an_xid_number_tells_class_and_severity(
    number: int, key: str, event_class: str, severity: str
) -> None:
    line = f"NVRM: Xid (PCI:0000:9b:00): {number}, pid=1, name=x, text"
    signature = CATALOGUE.match_line(line)
    assert signature is not None
    read = read_line(signature, line)
    assert (read.key, read.event_class, read.severity) == (key, event_class, severity)
    assert read.component_hint == "0000:9b:00"


@pytest.mark.parametrize(("count", "n_events"), [("3", 3), ("0", 1), ("99999999", 1_000_000), ("9" * 400, 1)])
def test_a_count_that_can_not_be_is_bounded(count: str, n_events: int) -> None:
    line = f"EDAC MC0: {count} CE memory read error on DIMM_A1 (channel:0)"
    signature = CATALOGUE.match_line(line)
    assert signature is not None
    assert read_line(signature, line).n_events == n_events


@hypothesis_settings(max_examples=60, deadline=None)
@given(line=st.text(max_size=300))
def test_any_text_is_read_without_an_error(line: str) -> None:
    signature = CATALOGUE.match_line(line)
    if signature is not None:
        assert read_line(signature, line).n_events >= 1


@pytest.mark.parametrize(
    "word", ["EDAC MC", "ata0: ", "nvme I/O ", "( ", "Xid (", "[Hardware Error]", "SEL: ", "dev a"]
)
def test_no_pattern_is_slow_on_a_line_made_against_it(word: str) -> None:
    line = (word * 8192)[:8192]
    begin = time.process_time()
    signature = CATALOGUE.match_line(line)
    for each in CATALOGUE.signatures:
        read_line(each, line)
    assert signature is None or signature in CATALOGUE.signatures
    # All of a hundred patterns and as many hints; a catastrophic one needs minutes.
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("# CE '", r"\d CE '", "templates have # instead of numbers"),
        ("# CE '", "(# CE '", "pattern is no RE2 expression"),
        ("'EDAC .*MC#: # CE '", "'(?=EDAC)EDAC'", "pattern is no RE2 expression"),
        ("severity: warning", "severity: bad", "severity"),
        ("component: dimm", "komponent: dimm", "komponent: Extra inputs"),
        ("    vendor: linux", "    hint: 'on \\S+'\n    vendor: linux", "hint has no group"),
        ("    vendor: linux", "    code: '(.)'\n    vendor: linux", "code and codes go together"),
        ("signatures:", "signatures: [", "not valid YAML"),
    ],
)
def test_a_catalogue_that_says_something_else_is_refused(
    old: str, new: str, problem: str, tmp_path: Path
) -> None:
    assert old in ENTRY
    (tmp_path / "a.yaml").write_text(ENTRY.replace(old, new), "utf-8")
    with pytest.raises(SignatureFileError) as refused:
        read_catalogue(tmp_path)
    assert problem in str(refused.value)


def test_everything_wrong_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENTRY, "utf-8")
    (tmp_path / "b.yaml").write_text(ENTRY, "utf-8")
    (tmp_path / "c.yaml").write_text(ENTRY.replace("class: m", "class: M"), "utf-8")
    with pytest.raises(SignatureFileError, match="2 problem") as refused:
        read_catalogue(tmp_path)
    assert "b.yaml: edac_ce: the key is used twice" in str(refused.value)


def test_an_empty_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SignatureFileError, match="no signature"):
        read_catalogue(tmp_path)


def test_adding_a_signature_is_one_entry_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        ENTRY.replace("edac_ce", "fpga_scrub").replace("EDAC .*MC#: # CE ", "fpga#: scrub error"), "utf-8"
    )
    found = read_catalogue(tmp_path).match_line("fpga3: scrub error at 0x12")
    assert found is not None
    assert found.key == "fpga_scrub"
    assert tmp_path != FOLDER
