"""Rules of component keys: stable for ever, spread evenly, and independent of the other ids."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.shards import N_SHARDS, component_keys, sample_mask, shard_lengths, shard_of, split_shards

# Written into every partition: if this test fails, change the code back, not the numbers.
PINNED = {
    "": 0xEFD01F60BA992926,
    "a": 0x82A2A958A9BECE5B,
    "MJ0351YNG9Z0XA": 0x80567F8C89DB962B,
    "Z305B2QN": 0xE25D62CF35352E23,
    "host-1/gpu/3": 0xDBF912D3F95B0488,
    "Кирилица-🔧": 0x672A011548609344,
}


def _reference_key(name: str) -> int:
    """FNV-1a and fmix64 in plain integers, as published."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        state = (state ^ state >> 33) * factor % 2**64
    return state ^ state >> 33


def test_keys_never_change() -> None:
    assert [int(key) for key in component_keys(list(PINNED))] == list(PINNED.values())


@given(st.lists(st.text(max_size=40), max_size=8))
def test_a_key_depends_on_the_bytes_of_its_id_alone(ids: list[str]) -> None:
    assert component_keys(ids).tolist() == [_reference_key(name) for name in ids]


def test_slices_chunks_and_string_types_have_the_same_keys() -> None:
    ids = ["Z1", "MJ0351", "", "Z1", "S300"]
    expected = component_keys(ids).tolist()
    assert component_keys(pa.array(["pad", *ids, "pad"]).slice(1, 5)).tolist() == expected
    assert component_keys(pa.chunked_array([ids[:2], ids[2:]])).tolist() == expected
    assert component_keys(pa.array(ids, pa.large_string())).tolist() == expected
    assert component_keys(pa.chunked_array([], pa.string())).tolist() == []


def test_a_null_id_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 component ids are null"):
        component_keys(pa.array(["a", None]))


def test_sequential_serials_spread_evenly_over_the_shards() -> None:
    keys = np.sort(component_keys([f"PL1331LAG{i:05d}" for i in range(16_000)]))
    lengths = shard_lengths(keys)
    assert sum(lengths) == 16_000
    assert len(lengths) == N_SHARDS
    assert min(lengths) > 850
    assert max(lengths) < 1150


def test_sorted_keys_lie_in_the_order_of_their_shards() -> None:
    keys = np.sort(component_keys([str(i) for i in range(500)]))
    assert np.all(np.diff(shard_of(keys)) >= 0)
    assert shard_lengths(keys) == [int((shard_of(keys) == shard).sum()) for shard in range(N_SHARDS)]


def test_a_sample_is_of_the_asked_share_and_a_larger_share_only_adds_rows() -> None:
    keys = np.repeat(component_keys([str(i) for i in range(400)]), 100)
    days = np.tile(np.arange(20_000, 20_100), 400)
    small, large = sample_mask(keys, days, 0.05, 7), sample_mask(keys, days, 0.2, 7)
    assert 0.045 < small.mean() < 0.055
    assert not (small & ~large).any()
    assert sample_mask(keys, days, 1.0, 7).all()
    assert not sample_mask(keys, days, 0.0, 7).any()


def test_seeds_days_and_components_are_sampled_independently() -> None:
    keys = np.repeat(component_keys([str(i) for i in range(200)]), 200)
    days = np.tile(np.arange(200), 200)
    chosen = sample_mask(keys, days, 0.5, 1).reshape(200, 200)
    other = sample_mask(keys, days, 0.5, 2).reshape(200, 200)
    assert 0.48 < (chosen == other).mean() < 0.52
    assert chosen.mean(axis=0).min() > 0.3
    assert chosen.mean(axis=1).max() < 0.7


@given(st.permutations(range(12)), st.integers(0, 2**64 - 1))
def test_whether_a_row_is_sampled_ignores_the_other_rows(order: list[int], seed: int) -> None:
    keys, days = component_keys([str(i) for i in range(12)]), np.arange(12)
    expected = sample_mask(keys, days, 0.5, seed)
    assert sample_mask(keys[order], days[order], 0.5, seed).tolist() == expected[order].tolist()


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        sample_mask(component_keys(["a"]), np.array([1]), 1.5, 0)


@given(st.integers(1, N_SHARDS))
def test_shares_are_runs_of_neighbours_that_hold_each_shard_once(n_shard_groups: int) -> None:
    parts = split_shards(n_shard_groups)
    assert [shard for part in parts for shard in part] == list(range(N_SHARDS))
    sizes = {len(part) for part in parts}
    assert len(parts) == n_shard_groups
    assert max(sizes) - min(sizes) <= 1
