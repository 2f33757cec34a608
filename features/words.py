"""Small words of sentences for people: a count with its noun, a kind of part as it is printed on the box."""

_ABBREVIATIONS = frozenset({"dimm", "gpu", "nic", "psu"})


def count_of(n: int, noun: str) -> str:
    """Return a number with its noun: 1 host, 3 hosts, 1,200 hosts."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def name_kind(kind: str) -> str:
    """Return a kind of component as it is printed on the box: a DIMM, but a drive."""
    return kind.upper() if kind in _ABBREVIATIONS else kind
