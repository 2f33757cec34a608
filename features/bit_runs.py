"""Fill runs of flags, 64 flags at a time: an addition's carry goes through a run of ones and stops behind it.

The trick is that of "bit-parallel" text scanners (Cameron et al., "Parallel scanning with bitstream addition",
Euro-Par 2011): what would be a loop over bytes is a few additions of long integers.
"""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
# The flag of byte i is bit i % 64 of number i // 64.
Bits = NDArray[np.uint64]

BITS_A_NUMBER = 64
_ALL_ONES = np.uint64(2**64 - 1)


def pack_flags(flags: Flags) -> Bits:
    """Return (N,) flags as bits; N is a multiple of 64."""
    return np.packbits(flags, bitorder="little").view("<u8")


def pack_backwards(flags: Flags) -> Bits:
    """Return (N,) flags as bits, the last flag first."""
    return np.packbits(flags, bitorder="big")[::-1].copy().view("<u8")


def unpack_flags(bits: Bits) -> Flags:
    """Return what ``pack_flags`` packed."""
    return np.unpackbits(bits.view(np.uint8), bitorder="little").view(np.bool_)


def unpack_backwards(bits: Bits) -> Flags:
    """Return what ``pack_backwards`` packed."""
    return np.unpackbits(bits.view(np.uint8)[::-1], bitorder="big").view(np.bool_)


def fill_to_end(runs: Bits, starts: Bits) -> Bits:
    """Return what of each run lies from its start in ``starts`` to its end; a run has one start at most."""
    return runs & ~_add(runs, starts)


def fill_from_first(runs: Bits, marks: Bits) -> Bits:
    """Return what of each run lies from its first mark to its end; nothing of a run without a mark."""
    others = runs & ~marks
    begins = runs & ~_shift_up(runs)
    # A carry from the run's begin stops at its first mark, or behind the run.
    return fill_to_end(runs, _add(others, begins) & ~others & marks)


def _shift_up(bits: Bits) -> Bits:
    shifted = bits << np.uint64(1)
    shifted[1:] |= bits[:-1] >> np.uint64(63)
    return shifted


def _add(first: Bits, second: Bits) -> Bits:
    """Return the sum as of two long integers, without what goes beyond their length."""
    total = first + second
    is_carried = total < first
    is_full = total == _ALL_ONES
    if not is_full.any():
        total[1:] += is_carried[:-1]
        return total
    # A carry goes through full numbers as through ones: the same addition again, 64 times shorter.
    carried = int.from_bytes(np.packbits(is_carried, bitorder="little").tobytes(), "little")
    full = int.from_bytes(np.packbits(is_full, bitorder="little").tobytes(), "little")
    raised = (((carried << 1) + full) ^ full).to_bytes(len(total) // 8 + 2, "little")
    total += np.unpackbits(np.frombuffer(raised, np.uint8), bitorder="little")[: len(total)]
    return total
