"""Signals of every kind have words for people, from the kind's own declaration."""

import pytest

from features.component_kinds import list_component_kinds, load_component_kind
from features.signals import load_signals
from pipelines.signal_wording import list_amounts, list_moments, name_signal, word_signals


@pytest.mark.parametrize("kind", ["drive", *list_component_kinds()])
def test_every_signal_of_a_kind_has_a_label_of_its_own_and_its_unit(kind: str) -> None:
    moments = list_moments(kind)
    units = (
        {each.name: each.unit for each in load_signals()}
        if kind == "drive"
        else {
            each.name: "days" if each.name in moments else each.unit
            for each in load_component_kind(kind).signals
        }
    )
    worded = {each.signal: each for each in word_signals(kind, n_days=90)}
    assert {name: worded[name].unit for name in units} == units
    labels = [worded[name].label for name in units]
    assert len(set(labels)) == len(labels)
    assert not [label for label in labels if "_" in label or label != label.strip() or not label]


@pytest.mark.parametrize(
    ("signal", "label"),
    [
        ("temperature_celsius", "Temperature"),
        ("interface_crc_errors", "Interface CRC errors"),
        ("edac_correctable_errors", "EDAC correctable errors"),
        ("gpu_xid_events", "GPU Xid events"),
        ("pcie_error_events", "PCIe error events"),
    ],
)
def test_abbreviations_are_written_as_people_write_them(signal: str, label: str) -> None:
    assert name_signal(signal) == label


def test_what_happened_in_a_day_is_told_as_a_total_and_a_state_is_not() -> None:
    amounts = list_amounts("host")
    assert "memory_corrected_events" in amounts
    assert amounts.isdisjoint({"temperature_celsius", "boot_time_seconds", "nic_errors"})
    labels = {each.signal: each.label for each in word_signals("host", n_days=90)}
    assert labels["memory_corrected_events"] == "Memory corrected events in 90 days"
    assert list_amounts("drive") == frozenset()


def test_a_signal_is_called_what_its_declaration_says_people_call_it() -> None:
    words = {each.signal: (each.label, each.unit) for each in word_signals("host", n_days=90)}
    assert words["boot_time_seconds"] == ("Days since the last start of the host", "days")
    assert words["covered_share"] == ("Share of the day with measurements", "share")
    assert words["cpu_throttles"] == ("Thermal throttling of the CPU in 90 days", "throttles")
    assert list_moments("host") == {"boot_time_seconds"}
    assert list_moments("drive") == frozenset()
