"""Read many messages of one signature at once: what ``read_line`` reads of each, in Arrow's own loops.

RE2 and Python's expressions agree on printable ASCII only (``\\b`` and ``\\s`` mean other things beyond it), so
messages with anything else are searched one by one.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.signatures import Signature, find_group, reading_of

# An escaped character, a class of characters, or a bracket that opens a group which is counted.
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?P<\w+>", re.DOTALL)
_ODD_CHARACTER = "[^ -~]"


@dataclass(frozen=True, kw_only=True)
class LineReadings:
    """What (N,) messages say beyond their signature; a component hint is empty where none is named."""

    keys: pa.StringArray
    event_classes: pa.StringArray
    severities: pa.StringArray
    component_hints: pa.StringArray
    n_events: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Messages:
    """(N,) texts, and which of them hold something else than printable ASCII."""

    texts: pa.StringArray
    is_odd: pa.BooleanArray
    has_odd: bool

    @classmethod
    def of(cls, texts: pa.StringArray) -> "Messages":
        """Return the texts, looked through once."""
        if are_plain(texts):
            return cls(texts=texts, is_odd=pa.array(np.zeros(len(texts), np.bool_)), has_odd=False)
        return cls(texts=texts, is_odd=pc.match_substring_regex(texts, _ODD_CHARACTER), has_odd=True)

    def replace_odd(self, results: pa.StringArray, read: Callable[[str], str]) -> pa.StringArray:
        """Return ``results`` with ``read`` of the text wherever that is odd."""
        if not self.has_odd:
            return results
        odd = [read(text) for text in self.texts.filter(self.is_odd).to_pylist()]
        return pc.replace_with_mask(results, self.is_odd, pa.array(odd, pa.string()))

    def filter(self, chosen: pa.BooleanArray) -> "Messages":
        """Return some of them."""
        return Messages(
            texts=self.texts.filter(chosen), is_odd=self.is_odd.filter(chosen), has_odd=self.has_odd
        )


def are_plain(texts: pa.StringArray) -> bool:
    """Return whether all texts are printable ASCII; one look at their bytes, as nearly always they are."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return True
    bounds = np.frombuffer(offsets, np.int32)[[texts.offset, texts.offset + len(texts)]]
    inside: NDArray[np.uint8] = np.frombuffer(data, np.uint8)[bounds[0] : bounds[1]]
    # What is below the blank wraps around.
    return not (inside - np.uint8(ord(" ")) > ord("~") - ord(" ")).any()


def read_lines(signature: Signature, messages: Messages) -> LineReadings:
    """Return what ``read_line`` says of each message."""
    found = [
        pa.repeat(pa.scalar(""), len(messages.texts)) if pattern is None else find_groups(pattern, messages)
        for pattern in (signature.code, signature.count, signature.hint)
    ]
    # A fleet has many messages but few parts, codes and counts: what they mean is worked out once for each.
    together = pc.binary_join_element_wise(*found, "\0").dictionary_encode()
    readings = []
    for text in together.dictionary.to_pylist():
        code, count, hint = text.split("\0", 2)
        readings.append(reading_of(signature, code=code or None, count=count or None, hint=hint or None))
    codes = together.indices
    return LineReadings(
        keys=pa.array([each.key for each in readings], pa.string()).take(codes),
        event_classes=pa.array([each.event_class for each in readings], pa.string()).take(codes),
        severities=pa.array([each.severity for each in readings], pa.string()).take(codes),
        component_hints=pa.array([each.component_hint or "" for each in readings], pa.string()).take(codes),
        n_events=np.array([each.n_events for each in readings], np.int64)[codes.to_numpy()],
    )


def find_groups(pattern: re.Pattern[str], messages: Messages) -> pa.StringArray:
    """Return the first group of the pattern that holds something, of each message; empty where there is none."""
    found = pc.extract_regex(messages.texts, _with_named_groups(pattern.pattern)).flatten()
    texts = functools.reduce(
        lambda first, second: pc.if_else(pc.equal(first, ""), second, first),
        [pc.fill_null(group, "") for group in found],
    )
    return messages.replace_odd(texts, lambda message: find_group(pattern, message) or "")


@functools.cache
def _with_named_groups(pattern: str) -> str:
    """Return the pattern with a name for each group, as Arrow wants it; names that it has are replaced."""
    n_groups = 0
    parts = []
    at = 0
    for token in _TOKEN.finditer(pattern):
        parts.append(pattern[at : token.start()])
        is_group = token[0] == "(" or token[0].startswith("(?P<")
        parts.append(f"(?P<g{n_groups}>" if is_group else token[0])
        n_groups += is_group
        at = token.end()
    return "".join([*parts, pattern[at:]])
