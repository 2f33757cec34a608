"""Masking and numbers by whole words of the machine are what a loop over the bytes gives."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.bit_runs import (
    fill_from_first,
    fill_to_end,
    pack_backwards,
    pack_flags,
    unpack_backwards,
    unpack_flags,
)
from features.log_templates import mask_lines, mask_texts
from features.signature_reading import Messages, are_plain
from pipelines.sources.memory_places import read_place, read_places
from pipelines.sources.named_numbers import read_named_numbers

# Runs that end within, at and far behind the 64 flags of a number; "x" is a mark in a run.
RUNS = st.lists(
    st.tuples(
        st.sampled_from(["1", "x", " ", "1x", "x1", "11", "  "]), st.sampled_from([1, 31, 64, 130, 1000])
    ),
    max_size=8,
).map(lambda parts: "".join(piece * n for piece, n in parts))


@hypothesis_settings(deadline=None, max_examples=100)
@given(drawn=RUNS)
def test_runs_are_filled_from_their_first_mark_to_their_end(drawn: str) -> None:
    text = drawn + " " * (-len(drawn) % 64)
    expected = re.sub(r"[1x]+", lambda run: re.sub(r"x.*", lambda rest: "F" * len(rest[0]), run[0]), text)
    runs, marks = (np.array([char in chars for char in text], np.bool_) for chars in ("1x", "x"))
    filled = unpack_flags(fill_from_first(pack_flags(runs), pack_flags(marks)))
    assert filled.tolist() == [char == "F" for char in expected]
    backwards = unpack_backwards(fill_from_first(pack_backwards(runs), pack_backwards(marks)))
    mirrored = fill_from_first(pack_flags(runs[::-1]), pack_flags(marks[::-1]))
    assert backwards.tolist() == unpack_flags(mirrored)[::-1].tolist()


def test_a_run_is_filled_from_its_start_across_many_numbers() -> None:
    runs, starts = np.ones(64 * 200, np.bool_), np.zeros(64 * 200, np.bool_)
    runs[-3], starts[70] = False, True
    filled = unpack_flags(fill_to_end(pack_flags(runs), pack_flags(starts)))
    assert np.flatnonzero(filled).tolist() == list(range(70, 64 * 200 - 3))


def mask_slowly(line: bytes) -> bytes:
    """Mask one line by expressions, byte for byte."""
    varies = [False] * len(line)
    for word in re.finditer(rb"[0-9A-Za-z]+", line):
        digits = [word.start() + at for at, byte in enumerate(word[0]) if byte in b"0123456789"]
        if re.fullmatch(rb"[0-9a-fA-F]+|0[xX][0-9a-fA-F]+", word[0]) and digits:
            varies[word.start() : word.end()] = [True] * len(word[0])
        elif digits:
            varies[digits[0] : digits[-1] + 1] = [True] * (digits[-1] + 1 - digits[0])
    for path in re.finditer(rb"(?:^|(?<=[\x00-\x20]))/([^\x00-\x20]+)", line):
        varies[path.start(1) : path.end(1)] = [True] * len(path[1])
    marked = [(None if is_masked else byte) for byte, is_masked in zip(line, varies, strict=True)]
    kept = [
        ord("#") if byte is None else byte
        for byte, before in zip(marked, [0, *marked], strict=False)
        if not (byte is None and before is None) and not (byte == before == ord(" "))
    ]
    return bytes(kept).rstrip(b"\r\n")


PIECES = st.sampled_from(
    [
        *(
            b"0",
            b"7",
            b"a",
            b"F",
            b"g",
            b"Z",
            b"0x",
            b"0X",
            b"x",
            b" ",
            b"  ",
            b"/",
            b" /",
            b"_",
            b".",
            b"\t",
        ),
        *(b"\xff", b"\r", b"cali317e2eeb40", b"0xffz", b"f" * 64, b"z" * 63, b"1" * 65, b"z" * 900),
    ]
)
LINES = st.lists(st.lists(PIECES, max_size=12).map(b"".join), min_size=1, max_size=6)


@hypothesis_settings(deadline=None, max_examples=150)
@given(lines=LINES)
def test_masking_many_lines_is_masking_each_byte_by_byte(lines: list[bytes]) -> None:
    masked = mask_lines(b"".join(line + b"\n" for line in lines))
    assert [masked.masked[code] for code in masked.codes.tolist()] == [mask_slowly(line) for line in lines]


@hypothesis_settings(deadline=None, max_examples=60)
@given(texts=st.lists(st.sampled_from(["", "a 1", "é 2", "a 2", "b"]), min_size=1, max_size=9))
def test_texts_are_masked_as_lines_are(texts: list[str]) -> None:
    by_text = mask_texts(pa.array([*texts, *texts])[len(texts) :])
    by_line = mask_lines("".join(f"{text}\n" for text in texts).encode())
    assert by_text.masked == by_line.masked
    assert by_text.codes.tolist() == by_line.codes.tolist()


NUMBER_PIECES = st.sampled_from(
    [
        *("row", "col", "column", "bank", "bank_group", "bank_address", "slot", "dimm", "rank", "xrow", "_"),
        *(":", " ", ": ", ",", "0x", "0x1f", "0x1F", "0xg", "7", "012", "123456789", "4294967295", "\n", "é"),
    ]
)


@hypothesis_settings(deadline=None, max_examples=150)
@given(texts=st.lists(st.lists(NUMBER_PIECES, max_size=9).map("".join), min_size=1, max_size=6))
def test_numbers_behind_words_are_those_that_an_expression_finds(texts: list[str]) -> None:
    expected = [[-1 if number is None else number for number in read_place(text)] for text in texts]
    assert read_places(Messages.of(pa.array(["row:1", *texts])[1:])).tolist() == expected


def test_a_word_too_long_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than 15 bytes"):
        read_named_numbers(pa.array(["a:1"]), [["a_word_of_17_bytes"]])


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [("", True), (" ~", True), ("\x1f", False), ("\x7f", False), ("é", False), ("a\n", False)],
)
def test_plain_is_printable_ascii_only(text: str, is_plain: bool) -> None:
    assert are_plain(pa.array([text])) is is_plain
    # A slice is judged by what is in it.
    assert are_plain(pa.array(["\x00", text, "\x00"])[1:2]) is is_plain
    assert are_plain(pa.array([], pa.string()))
