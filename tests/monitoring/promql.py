"""Which series a PromQL expression asks for, as far as the rules and the dashboard need it."""

import re

_STRINGS = re.compile(r'"[^"]*"')
_SELECTORS = re.compile(r"\{[^}]*\}")
_LABEL_LISTS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAMES = re.compile(r"\b[a-zA-Z_:][a-zA-Z0-9_:]*\b(?!\s*\()")
_WORDS = frozenset({"and", "or", "unless", "by", "on", "group_left", "group_right", "environment"})


def series_in(expression: str) -> set[str]:
    """Return the names of the series in an expression; label names and functions are none."""
    if expression.startswith("label_values("):
        return {expression.removeprefix("label_values(").split(",")[0]}
    bare = _LABEL_LISTS.sub(" ", _SELECTORS.sub(" ", _STRINGS.sub(" ", expression)))
    return {name for name in _NAMES.findall(bare) if name not in _WORDS}


def labels_in(expression: str) -> set[str]:
    """Return the label names that an expression selects or groups by."""
    selected = re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    listed = [name for found in _LABEL_LISTS.findall(expression) for name in re.findall(r"[a-z_]+", found)]
    words = {"by", "without", "on", "ignoring", "group_left", "group_right"}
    return {name for name in [*selected, *listed] if name not in words}
