"""Find the numbers that stand behind given words, such as ``row:0x1f`` and ``bank 3``, in many texts at once."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]
Numbers = NDArray[np.int64]

# A number with more digits is damaged.
_MAX_DIGITS, _MAX_HEX_DIGITS = 9, 8
_MAX_WORD_BYTES = 15
_LETTER, _NO_WORD = 99, 100
_ENDS: Bytes = np.full(16, ord("\n"), np.uint8)


def _values() -> Bytes:
    """Return of each byte what it counts as a digit, ``_LETTER`` of another byte of a word, else ``_NO_WORD``."""
    values = np.full(256, _NO_WORD, np.uint8)
    values[[ord(char) for char in "ghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"]] = _LETTER
    values[[ord(char) for char in "0123456789abcdef"]] = range(16)
    return values


_VALUES = _values()


def read_named_numbers(texts: pa.StringArray, words: Sequence[Sequence[str]]) -> Numbers:
    """Return (N, columns) numbers: the first in (N,) texts that stands behind a word of the column, else -1.

    Between word and number is one colon or blank. A number is decimal, or hexadecimal in small letters behind
    ``0x``, and ends where the word that it is part of ends.
    """
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts), "\n")
    # Line ends before and behind, so that nothing is looked for beyond the text.
    text: Bytes = np.concatenate([_ENDS, np.frombuffer(joined[0].as_buffer(), np.uint8), _ENDS])
    values = _VALUES[text]
    is_gap = (text == ord(":")) | (text == ord(" "))
    gaps = np.flatnonzero(is_gap[:-1] & (values[1:] < 10))
    columns = _columns_of_words(text, values, gaps, words)
    gaps, columns = gaps[columns >= 0], columns[columns >= 0]
    found = _read_numbers(text, values, gaps + 1)
    sizes = pc.binary_length(texts).to_numpy().astype(np.int64) + 1
    rows = np.searchsorted(np.cumsum(sizes) + len(_ENDS), gaps, side="right")
    numbers = np.full((len(texts), len(words)), -1, np.int64)
    # The last one written stays, so the first of each text comes last.
    chosen = np.flatnonzero(found >= 0)[::-1]
    numbers[rows[chosen], columns[chosen]] = found[chosen]
    return numbers


def _columns_of_words(
    text: Bytes, values: Bytes, ends: Positions, words: Sequence[Sequence[str]]
) -> NDArray[np.int64]:
    """Return the column of the word that ends before each position, -1 where none does."""
    eight_bytes = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))
    last, before_last = eight_bytes[ends - 8], eight_bytes[ends - 16]
    columns = np.full(len(ends), -1, np.int64)
    for column, word in ((at, word.encode()) for at, of_column in enumerate(words) for word in of_column):
        if len(word) > _MAX_WORD_BYTES:
            raise ValueError(f"{word!r} is longer than {_MAX_WORD_BYTES} bytes")
        is_word = _ends_in(last, word[-8:])
        if len(word) > 8:
            is_word &= _ends_in(before_last, word[:-8])
        at = np.flatnonzero(is_word)
        columns[at[values[ends[at] - len(word) - 1] == _NO_WORD]] = column
    return columns


def _ends_in(eight_bytes: NDArray[np.uint64], word: bytes) -> NDArray[np.bool_]:
    is_same: NDArray[np.bool_] = (eight_bytes >> np.uint64(64 - 8 * len(word))) == np.uint64(
        int.from_bytes(word, "little")
    )
    return is_same


def _read_numbers(text: Bytes, values: Bytes, starts: Positions) -> Numbers:
    """Return the number that begins at each position, -1 where it goes on as another word does."""
    is_hex = (text[starts] == ord("0")) & (text[starts + 1] == ord("x"))
    bases = np.where(is_hex, 16, 10)
    firsts = starts + 2 * is_hex
    numbers, ends = np.zeros(len(starts), np.int64), firsts.copy()
    for _ in range(_MAX_DIGITS + 1):
        digits = values[ends]
        is_digit = digits < bases
        if not is_digit.any():
            break
        numbers = np.where(is_digit, numbers * bases + digits, numbers)
        ends += is_digit
    n_digits = ends - firsts
    is_number = (n_digits > 0) & (n_digits <= np.where(is_hex, _MAX_HEX_DIGITS, _MAX_DIGITS))
    return np.where(is_number & (values[ends] == _NO_WORD), numbers, -1)
