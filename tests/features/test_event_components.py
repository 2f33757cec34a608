"""Which part of the inventory a log's word for a part means."""

import re

import pyarrow as pa
import pytest

from features.component_kinds import load_component_kind
from features.event_components import NamedParts, name_parts, read_label


def forms(kind: str) -> list[re.Pattern[str]]:
    return [re.compile(form, re.IGNORECASE) for form in load_component_kind(kind).labels]


def inventory(*rows: tuple[str, str, str | None]) -> pa.Table:
    """Return rows of host, component_id and slot."""
    return pa.table(
        {
            "host_id": pa.array([host for host, _, _ in rows], pa.string()),
            "component_id": pa.array([part for _, part, _ in rows], pa.string()),
            "slot": pa.array([slot for _, _, slot in rows], pa.string()),
        }
    )


def name(
    kind: str, parts: pa.Table | None, *hints: tuple[str, str | None], places: dict[str, list[int | None]]
) -> NamedParts:
    """Return the names of rows of (host, hint)."""
    rows = pa.table(
        {
            "host_id": [host for host, _ in hints],
            "component_hint": pa.array([hint for _, hint in hints], pa.string()),
            **{column: pa.array(numbers, pa.int32()) for column, numbers in places.items()},
        }
    )
    declared = load_component_kind(kind)
    return name_parts(
        rows, parts, hint="component_hint", labels=forms(kind), place_columns=declared.place_columns
    )


def find(kind: str, slot: str, hint: str) -> str:
    """Return what a hint on host-1 means, where one of two parts has the slot."""
    parts = inventory(("host-1", "S-1", slot), ("host-1", "S-2", "somewhere else"), ("host-2", "S-3", slot))
    return str(name(kind, parts, ("host-1", hint), places={}).ids[0])


@pytest.mark.parametrize(
    ("slot", "hint"),
    [
        ("DIMM_A1", "DIMM_A1"),
        ("DIMM_A1", "dimm a1"),
        ("A1", "DIMM_A1"),
        ("DIMM.Socket.A1", "DIMM_A1"),
        ("DIMM_A1", "DIMMA1"),
        ("P1-DIMMA1", "CPU1 DIMM_A1"),
        ("P1_DIMMA1", "DIMM_A1"),
        ("DIMMA1(CPU1)", "P1-DIMMA1"),
        ("PROC 1 DIMM 3", "P1_DIMM3"),
        ("CPU_SrcID#0_MC#0_Chan#1_DIMM#0", "CPU_SrcID#0_Ha#0_Chan#1_DIMM#0"),
        ("socket 0 channel 1 dimm 0", "CPU_SrcID#0_Chan#1_DIMM#0"),
        ("socket 0, channel 1, slot 0", "CPU_SrcID#0_MC#0_Chan#1_DIMM#0"),
        ("mc0/dimm1", "mc#0dimm#1"),
        ("mc0_csrow2_channel1", "mc#0csrow#2channel#1"),
        ("mc#1channel#0slot#1", "mc1 channel0 slot1"),
    ],
)
def test_words_of_one_slot_mean_the_same_module(slot: str, hint: str) -> None:
    assert find("dimm", slot, hint) == "S-1"


@pytest.mark.parametrize(
    ("slot", "hint"),
    [
        ("DIMM_A1", "DIMM_A11"),
        ("DIMM_A1", "DIMM_B1"),
        ("P1-DIMMA1", "P2-DIMMA1"),
        ("CPU_SrcID#0_MC#0_Chan#1_DIMM#0", "CPU_SrcID#0_MC#1_Chan#1_DIMM#0"),
        ("mc0/dimm1", "mc0/dimm11"),
        ("socket 0 channel 1 dimm 0", "mc0/dimm0"),
    ],
)
def test_words_of_other_slots_mean_another_module(slot: str, hint: str) -> None:
    assert find("dimm", slot, hint) == f"host-1/{hint}"


@pytest.mark.parametrize(
    ("slot", "hint"),
    [
        ("0000:3b:00.0", "0000:3b:00"),
        ("00000000:3B:00.0", "0000:3b:00.0"),
        ("3b:00.0", "PCI:0000:3b:00"),
        ("2", "GPU2"),
        ("GPU 2", "2"),
    ],
)
def test_addresses_and_numbers_of_one_gpu_mean_the_same(slot: str, hint: str) -> None:
    assert find("gpu", slot, hint) == "S-1"


def test_a_gpu_of_another_bus_or_domain_is_another() -> None:
    assert find("gpu", "0000:3b:00.0", "0001:3b:00.0") == "host-1/0001:3b:00.0"
    assert find("gpu", "0000:3b:00.0", "0000:b3:00.0") == "host-1/0000:b3:00.0"


def test_a_uuid_or_serial_number_is_the_component_wherever_it_is() -> None:
    parts = inventory(("host-1", "GPU-12ab", "0"), ("host-1", "1654", "1"))
    found = name("gpu", parts, ("host-1", "GPU-12ab"), ("host-9", "1654"), ("host-1", "host-1/1"), places={})
    assert found.ids.to_pylist() == ["GPU-12ab", "1654", "1654"]
    assert found.n_unknown == 0


def test_a_hint_that_two_parts_could_be_is_neither() -> None:
    parts = inventory(("host-1", "S-1", "P1-DIMMA1"), ("host-1", "S-2", "P2-DIMMA1"))
    found = name("dimm", parts, ("host-1", "DIMM_A1"), ("host-1", "DIMM_A1"), places={})
    assert found.ids.to_pylist() == ["host-1/DIMM_A1"] * 2
    assert (found.n_unplaced, found.n_unknown) == (0, 1)


def test_columns_say_the_place_where_the_label_does_not() -> None:
    slots = [f"CPU_SrcID#0_MC#0_Chan#{channel}_DIMM#0" for channel in (0, 1)]
    parts = inventory(("host-1", "S-0", slots[0]), ("host-1", "S-1", slots[1]))
    places: dict[str, list[int | None]] = {
        "socket": [0, 0, 1],
        "channel": [1, 0, 1],
        "dimm": [0, 0, 0],
    }
    found = name("dimm", parts, ("host-1", None), ("host-1", "any memory"), ("host-1", None), places=places)
    assert found.ids.to_pylist() == ["S-1", "S-0", "host-1/socket1_channel1_dimm0"]


def test_without_a_word_only_a_hosts_one_part_is_meant() -> None:
    parts = inventory(("host-1", "S-1", "A1"), ("host-2", "S-2", "A1"), ("host-2", "S-3", "A2"))
    found = name("dimm", parts, ("host-1", None), ("host-2", None), ("host-3", None), places={})
    assert found.ids.to_pylist() == ["S-1", None, None]
    assert (found.n_unplaced, found.n_unknown) == (2, 0)


@pytest.mark.parametrize("nothing", [None, "", "any memory", "Unknown memory", "unknown"])
def test_what_names_no_place_is_no_part_of_its_own(nothing: str | None) -> None:
    rows = (("host-1", nothing), ("host-1", nothing), ("host-1", "DIMM_B7"))
    for parts in (None, inventory(("host-1", "S-1", "A1"), ("host-1", "S-2", "A2"))):
        found = name("dimm", parts, *rows, places={})
        assert found.ids.to_pylist() == [None, None, "host-1/DIMM_B7"]
        assert (found.n_unplaced, found.n_unknown) == (2, 1)


def test_a_place_that_several_parts_share_is_no_place() -> None:
    parts = inventory(*(("host-1", f"S-{n}", f"socket 0 channel {n} dimm 0") for n in (0, 1)))
    places: dict[str, list[int | None]] = {"socket": [0, 1], "channel": [None, None], "dimm": [None, None]}
    found = name("dimm", parts, ("host-1", None), ("host-1", None), places=places)
    assert found.ids.to_pylist() == [None, "host-1/socket1"]
    assert (found.n_unplaced, found.n_unknown) == (1, 1)


def test_without_an_inventory_every_part_is_named_by_host_and_hint() -> None:
    found = name("dimm", None, ("host-1", "DIMM_A1"), ("host-2", "host-2/DIMM_A1"), places={})
    assert found.ids.to_pylist() == ["host-1/DIMM_A1", "host-2/DIMM_A1"]


def test_row_order_never_matters() -> None:
    parts = inventory(("host-1", "S-1", "A1"), ("host-1", "S-2", "A2"))
    hints = [("host-1", "DIMM_A2"), ("host-1", "DIMM_A1"), ("host-1", "DIMM_A9")]
    forward = name("dimm", parts, *hints, places={}).ids.to_pylist()
    backward = name("dimm", parts, *hints[::-1], places={}).ids.to_pylist()
    assert forward == backward[::-1] == ["S-2", "S-1", "host-1/DIMM_A9"]


def test_a_label_is_read_as_a_whole() -> None:
    assert read_label("DIMM_A1", forms("dimm")) == {"slot_name": "a1"}
    assert read_label("see DIMM_A1 and others", forms("dimm")) == {}
