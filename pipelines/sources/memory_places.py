"""Where in a memory an error was, in the words of EDAC, rasdaemon and mcelog."""

import re

import numpy as np
from numpy.typing import NDArray

from features.signature_reading import Messages, find_groups

PLACES = ("socket", "channel", "dimm", "rank", "bank", "row", "column")
# One number for each of PLACES, None where the log does not say it.
Place = tuple[int | None, ...]
NOWHERE: Place = (None,) * len(PLACES)

BANKS_PER_GROUP = 4  # JEDEC JESD79-4: DDR4 has two bits of bank address within a bank group
_MAX_INT32 = 2**31 - 1
_PATTERN = re.compile(
    r"\b(socket|channel|slot|dimm|rank|bank|bank_address|bank_group|row|col|column)[: ](0x[0-9a-f]{1,8}|[0-9]{1,9})\b"
)
_COLUMN_OF_WORD = {"slot": "dimm", "bank_address": "bank", "col": "column"}
_WORDS = {
    **{name: name for name in PLACES},
    "dimm": "slot|dimm",
    "bank": "bank|bank_address",
    "column": "col|column",
}
# Of each column, the first number that one of its words stands before.
_SINGLE_PATTERNS = {
    name: re.compile(rf"\b(?:{words})[: ](0x[0-9a-f]{{1,8}}|[0-9]{{1,9}})\b")
    for name, words in {**_WORDS, "bank_group": "bank_group"}.items()
}


def make_place(**numbers: int | None) -> Place:
    """Return the place with these numbers; one that is below zero or no 32-bit number is not known."""
    if unknown := set(numbers) - set(PLACES):
        raise ValueError(f"no such part of a place: {sorted(unknown)}")
    return tuple(_int32(numbers.get(name)) for name in PLACES)


def read_place(message: str) -> Place:
    """Return where in a memory a message puts an error; EDAC and rasdaemon write the same words."""
    found: dict[str, int] = {}
    for word, text in _PATTERN.findall(message):
        value = int(text, 16) if text.startswith("0x") else int(text)
        found.setdefault(_COLUMN_OF_WORD.get(word, word), value)
    if "bank_group" in found and "bank" in found:
        found["bank"] += BANKS_PER_GROUP * found["bank_group"]
    return make_place(**{name: found[name] for name in PLACES if name in found})


def read_places(messages: Messages) -> NDArray[np.int64]:
    """Return what ``read_place`` says of (N,) messages, as (N, 7) numbers; -1 is not known."""
    numbers = {name: _read_numbers(pattern, messages) for name, pattern in _SINGLE_PATTERNS.items()}
    groups, bank = numbers["bank_group"], numbers["bank"]
    numbers["bank"] = np.where((groups >= 0) & (bank >= 0), bank + BANKS_PER_GROUP * groups, bank)
    places: NDArray[np.int64] = np.stack([numbers[name] for name in PLACES], axis=1)
    places[places > _MAX_INT32] = -1
    return places


def _read_numbers(pattern: re.Pattern[str], messages: Messages) -> NDArray[np.int64]:
    texts = find_groups(pattern, messages).dictionary_encode()
    numbers = [
        -1 if not text else int(text, 16) if text.startswith("0x") else int(text)
        for text in texts.dictionary.to_pylist()
    ]
    each: NDArray[np.int64] = np.array(numbers, np.int64)[texts.indices.to_numpy()]
    return each


def _int32(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _MAX_INT32 else None
