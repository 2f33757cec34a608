"""Mask what varies in a log line, so that lines that say the same have the same template and number.

In a template ``#`` is any number, hexadecimal word or address, ``/#`` any absolute path and ``sd*`` any
SCSI disk. Masking never looks at which digit stands where, so two lines that differ only in digits always
have one template. The rules are part of stored data: changing one renames every template it touches.
"""

import hashlib
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.bit_runs import (
    BITS_A_NUMBER,
    fill_from_first,
    fill_to_end,
    pack_backwards,
    pack_flags,
    unpack_backwards,
    unpack_flags,
)

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Positions = NDArray[np.int64]

MAX_TEMPLATE_CHARS = 256
MAX_MESSAGE_CHARS = 512

_DIGIT, _HEX_LETTER, _OTHER_LETTER, _BLANK = 1, 2, 4, 8
_NEWLINE, _SPACE, _SLASH, _MASK = 10, 32, 47, 35

_REFINEMENTS = (
    # Groups of a UUID or an address that happen to hold letters only.
    (re.compile(r"(?<=[#:-])(?<![a-z])[a-f]{2,4}(?=[:-]#)|(?<=#[:-])[a-f]{2,4}(?![a-z])"), "#"),
    (re.compile(r"\b[a-f]{2}(?=:#\.#)"), "#"),
    (re.compile(r"\bsd[a-z]{1,3}#?(?![a-z])"), "sd*"),
    # A list of numbers is as long as it happens to be: registers, stack words, command bytes.
    (re.compile(r"#(?: #){3,}"), "# …"),
    # A random name, such as a container's network interface, that ends or begins in letters.
    (re.compile(r"(?<=[a-z][a-z][a-z]#)[a-f]{1,6}\b"), ""),
    (re.compile(r"\b(cali|veth|tap|lxc)[a-f]+#?"), r"\1#"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def _classes() -> bytes:
    table = bytearray(256)
    for byte in range(256):
        char = chr(byte)
        if char in "0123456789":
            table[byte] = _DIGIT
        elif char in "abcdefABCDEF":
            table[byte] = _HEX_LETTER
        elif byte < 128 and char.isalpha():
            table[byte] = _OTHER_LETTER
        elif byte <= _SPACE:
            table[byte] = _BLANK
    return bytes(table)


_CLASSES = _classes()


@dataclass(frozen=True, kw_only=True)
class MaskedLines:
    """``codes`` (N,) int32 says which of ``masked`` (distinct, each without its line end) a line is."""

    codes: NDArray[np.int32]
    masked: tuple[bytes, ...]


def mask_lines(lines: bytes) -> MaskedLines:
    """Return the masked form of each line of ``lines``; every line, the last too, ends in a line feed.

    Runs of spaces count as one. This is the part of masking that is done for each byte of a log; what is
    done once for each distinct form is ``refine_template``.
    """
    if not lines:
        return MaskedLines(codes=np.empty(0, np.int32), masked=())
    if not lines.endswith(b"\n"):
        raise ValueError("lines must end in a line feed")
    padded = lines + b"\n" * (-len(lines) % BITS_A_NUMBER)
    text: Bytes = np.frombuffer(padded, np.uint8)
    masked = _masked_bytes(text, np.frombuffer(padded.translate(_CLASSES), np.uint8))[: len(lines)]
    text = text[: len(lines)]
    is_first = masked.copy()
    is_first[1:] &= ~masked[:-1]
    is_kept = is_first | ~masked
    spaces = text == _SPACE
    is_kept[1:] &= ~(spaces[1:] & spaces[:-1])
    out = text.copy()
    np.putmask(out, is_first, np.uint8(_MASK))
    encoded = _as_array(out[is_kept]).dictionary_encode()
    distinct = tuple(line.rstrip(b"\r\n") for line in encoded.dictionary.to_pylist())
    return MaskedLines(codes=encoded.indices.to_numpy(), masked=distinct)


def mask_texts(texts: pa.StringArray) -> MaskedLines:
    """Return the masked form of each of (N,) texts, one or more, that hold no line feed; equal ones cost one."""
    encoded = texts.dictionary_encode()
    offsets = pa.array([0, len(encoded.dictionary)], pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, encoded.dictionary), "\n")
    distinct = mask_lines(joined[0].as_buffer().to_pybytes() + b"\n")
    return MaskedLines(codes=distinct.codes[encoded.indices.to_numpy()], masked=distinct.masked)


def _as_array(out: Bytes) -> pa.LargeBinaryArray:
    ends = np.flatnonzero(out == _NEWLINE) + 1
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(out.tobytes())]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(ends), buffers)


def _masked_bytes(text: Bytes, kinds: Bytes) -> Flags:
    """Return which bytes belong to something that varies: numbers, hexadecimal words, paths.

    A word of digits and letters a to f, or one that begins with 0x, varies as a whole; any other from its
    first digit to its last, so that ``cali317e2eeb40`` and ``cali9b`` are both ``cali#``.
    """
    is_word = (kinds & (_DIGIT | _HEX_LETTER | _OTHER_LETTER)) != 0
    is_letter = kinds == _OTHER_LETTER
    is_letter[_prefixes(text, is_word)] = False
    flags = (is_word, kinds == _DIGIT, is_letter)
    words, digits, letters = (pack_flags(each) for each in flags)
    after_digit = unpack_flags(fill_from_first(words, digits))
    after_letter = unpack_flags(fill_from_first(words, letters))
    words, digits, letters = (pack_backwards(each) for each in flags)
    before_digit = unpack_backwards(fill_from_first(words, digits))
    before_letter = unpack_backwards(fill_from_first(words, letters))
    is_mixed = after_letter | before_letter
    masked: Flags = (after_digit & before_digit) | ((after_digit | before_digit) & ~is_mixed)
    return masked | _paths(text, kinds == _BLANK)


def _prefixes(text: Bytes, is_word: Flags) -> Positions:
    """Return where the x of each word is that begins with 0x, and has more than that."""
    # The text ends in a line feed, so what is before its first byte is no word either.
    at = np.flatnonzero((text | 0x20) == ord("x"))
    found: Positions = at[(text[at - 1] == ord("0")) & ~is_word[at - 2] & is_word[at + 1]]
    return found


def _paths(text: Bytes, is_blank: Flags) -> Flags:
    """Return what follows the first slash of each absolute path."""
    slashes = np.flatnonzero(text == _SLASH)
    starts = slashes[is_blank[slashes - 1]] + 1
    if not len(starts):
        return np.zeros(len(text), np.bool_)
    is_start = np.zeros(len(text), np.bool_)
    is_start[starts] = ~is_blank[starts]
    return unpack_flags(fill_to_end(pack_flags(~is_blank), pack_flags(is_start)))


def refine_template(masked: str) -> str:
    """Return the template of a masked text: bounded, without control characters."""
    for pattern, replacement in _REFINEMENTS:
        masked = pattern.sub(replacement, masked)
    return escape_text(masked.strip(), MAX_TEMPLATE_CHARS)


def template_of(line: str) -> str:
    """Return the template of one line, the same that ``mask_lines`` and ``refine_template`` give it."""
    encoded = line.encode("utf-8", "surrogateescape").replace(b"\n", b" ")
    return refine_template(mask_lines(encoded + b"\n").masked[0].decode("utf-8", "replace"))


def template_id(template: str) -> int:
    """Return the template's number, in ``[0, 2**64)``: the same on every machine and in every version."""
    digest = hashlib.blake2b(template.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def escape_text(text: str, max_chars: int = MAX_MESSAGE_CHARS) -> str:
    """Return ``text`` fit for a report: control and direction characters as ``\\xNN``, at most ``max_chars`` long.

    A log may hold whatever somebody sent to a socket, terminal escapes included.
    """
    # Cut first: escaping a gigabyte to show 512 characters of it is what an attacker would like.
    bounded = text[: max_chars + 1]
    escaped = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), bounded)
    escaped = escaped.encode("utf-8", "replace").decode("utf-8")
    return escaped if len(escaped) <= max_chars else escaped[: max_chars - 1] + "…"
