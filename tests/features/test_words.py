"""How sentences for people count, and name kinds of parts."""

import pytest

from features.target import load_target
from features.words import count_of, name_kind


@pytest.mark.parametrize(
    ("kind", "name"), [("dimm", "DIMM"), ("gpu", "GPU"), ("psu", "PSU"), ("nic", "NIC"), ("drive", "drive")]
)
def test_a_kind_is_named_as_on_the_box(kind: str, name: str) -> None:
    assert name_kind(kind) == name


@pytest.mark.parametrize(
    ("n", "words"), [(0, "0 hosts"), (1, "1 host"), (2, "2 hosts"), (1200, "1,200 hosts")]
)
def test_a_count_stands_with_its_noun(n: int, words: str) -> None:
    assert count_of(n, "host") == words


@pytest.mark.parametrize(
    ("target", "start"), [("dimm_fails_30d", "the DIMM fails in"), ("drive_fails_30d", "the drive fails in")]
)
def test_a_label_in_words_names_the_kind_for_people(target: str, start: str) -> None:
    assert load_target(target).label_definition.startswith(start)
