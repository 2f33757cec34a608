"""Which key and which shard a component has, for ever: a stable hash of its id.

Keys are written into every core_ partition, so the function below may never change: a test pins it.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

N_SHARDS = 16
ALL_SHARDS = tuple(range(N_SHARDS))
_SHARD_SHIFT = np.uint64(60)  # the top 4 bits, so that keys sorted ascending are sorted by shard

# FNV-1a, 64 bit (Fowler, Noll, Vo: offset basis and prime).
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
# Finaliser of MurmurHash3 (fmix64, Appleby): FNV-1a alone leaves the top bits of short ids uneven.
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_MIX_SHIFT = np.uint64(33)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Keys = npt.NDArray[np.uint64]


def component_keys(ids: "pa.Array | pa.ChunkedArray | Sequence[str]") -> Keys:
    """Return the 64-bit key of each component id, shape (N,): a hash of its UTF-8 bytes alone.

    Equal ids have equal keys on every machine and in every version. Raises ``ValueError`` for a
    null id: a component without a name can't be followed over days.
    """
    names = _as_binary(ids)
    if names.null_count:
        raise ValueError(f"{names.null_count:,} of {len(names):,} component ids are null; no keys were made.")
    offsets = np.frombuffer(names.buffers()[1], dtype=np.int64)[names.offset : names.offset + len(names) + 1]
    data_buffer = names.buffers()[2]
    data = np.frombuffer(b"" if data_buffer is None else data_buffer, dtype=np.uint8)
    # Longest first: byte by byte, the ids that still have a byte are a prefix. No padding is hashed.
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    starts = offsets[:-1][order]
    n_with_byte = np.cumsum(np.bincount(lengths, minlength=1)[::-1])[::-1][1:]
    state = np.full(len(names), _FNV_OFFSET, dtype=np.uint64)
    for position, n in enumerate(n_with_byte.tolist()):
        state[:n] ^= data[starts[:n] + position]
        state[:n] *= _FNV_PRIME
    keys = np.empty_like(state)
    keys[order] = _mix(state)
    return keys


def shard_of(keys: Keys) -> npt.NDArray[np.intp]:
    """Return the shard 0..15 of each key: its top 4 bits."""
    return (keys >> _SHARD_SHIFT).astype(np.intp)


def shard_lengths(sorted_keys: Keys) -> list[int]:
    """Return how many of the ascending keys lie in each of the 16 shards: the row groups of a day."""
    return [int(n) for n in np.bincount(shard_of(sorted_keys), minlength=N_SHARDS)]


def split_shards(n_shard_groups: int) -> tuple[tuple[int, ...], ...]:
    """Return the 16 shards as ``n_shard_groups`` (1..16) runs of neighbours, ascending, alike in length."""
    edges = [N_SHARDS * group // n_shard_groups for group in range(n_shard_groups + 1)]
    return tuple(tuple(range(first, last)) for first, last in pairwise(edges))


def sample_mask(
    keys: Keys, day_numbers: npt.NDArray[np.integer], share: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Return which component-days (N,) belong to a sample of ``share`` (0..1) of all.

    Decided by key, day (days since 1970-01-01) and seed of the row alone: neither the order of rows
    nor which other rows are there changes the answer, and a larger share only adds rows.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share is {share}; a share lies in 0..1.")
    # Python integers wrap here on purpose: NumPy warns when a scalar product overflows.
    salt = np.uint64(((seed & 0xFFFFFFFFFFFFFFFF) * int(_GOLDEN) + 1) & 0xFFFFFFFFFFFFFFFF)
    days = np.asarray(day_numbers).astype(np.int64).view(np.uint64)
    mixed = _mix(_mix(keys ^ salt) + days * _GOLDEN)
    # 53 bits, what float64 holds exactly; `< 1.0` is then always true.
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53 < share


def _mix(state: Keys) -> Keys:
    state = (state ^ (state >> _MIX_SHIFT)) * _MIX_1
    state = (state ^ (state >> _MIX_SHIFT)) * _MIX_2
    return state ^ (state >> _MIX_SHIFT)


def _as_binary(ids: "pa.Array | pa.ChunkedArray | Sequence[str]") -> pa.Array:
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks() if ids.num_chunks != 1 else ids.chunk(0)
    if not isinstance(ids, pa.Array):
        ids = pa.array(list(ids), type=pa.large_string())
    return ids.cast(pa.large_binary())
