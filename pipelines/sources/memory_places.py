"""Where in a memory an error was, in the words of EDAC, rasdaemon and mcelog."""

import re

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.signature_reading import Messages
from pipelines.sources.named_numbers import read_named_numbers

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
_WORDS = (
    *(("socket",), ("channel",), ("slot", "dimm"), ("rank",), ("bank", "bank_address"), ("row",)),
    *(("col", "column"), ("bank_group",)),
)
_BANK, _BANK_GROUP = PLACES.index("bank"), len(PLACES)


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
    numbers = read_named_numbers(messages.texts, _WORDS)
    banks, groups = numbers[:, _BANK], numbers[:, _BANK_GROUP]
    banks[:] = np.where((groups >= 0) & (banks >= 0), banks + BANKS_PER_GROUP * groups, banks)
    places = numbers[:, : len(PLACES)]
    places[places > _MAX_INT32] = -1
    for at in pc.indices_nonzero(messages.is_odd).to_pylist():
        place = read_place(messages.texts[at].as_py())
        places[at] = [-1 if number is None else number for number in place]
    return places


def _int32(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= _MAX_INT32 else None
