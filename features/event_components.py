"""Find which part of a host a log line or a metric speaks of, whatever it calls the part.

The inventory says where parts sit (``slot``), logs say it in the words of a board, a driver or a bus:
``DIMM_A1``, ``CPU_SrcID#0_MC#0_Chan#1_DIMM#0``, ``mc0/dimm1``, ``0000:3b:00.0``. A kind's ``labels`` are the
forms of such words: expressions whose named groups are a place. Two words mean one part where all that
the shorter one says of the place is what the longer one says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

Place = Mapping[str, str]

_SEPARATOR = "\x1f"
# What a label says that names nothing; the first two are drivers/edac/edac_mc.c's.
_NO_WORDS = frozenset({"any memory", "unknown memory", "unknown"})


@dataclass(frozen=True, kw_only=True)
class NamedParts:
    """``ids``: the component_id of each row, null where the row is about the host's parts and about none of them.

    ``n_unplaced``: rows without one. ``n_unknown``: distinct parts among ``ids`` that no inventory knows.
    """

    ids: pa.Array
    n_unplaced: int
    n_unknown: int


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A part of the inventory: its name, the plain words of its slot, and the places that both mean."""

    component_id: str
    words: tuple[str, ...]
    places: tuple[Place, ...]


def name_parts(
    rows: pa.Table,
    parts: pa.Table | None,
    *,
    hint: str,
    labels: Sequence[re.Pattern[str]],
    place_columns: Sequence[str] = (),
) -> NamedParts:
    """Return which part each of ``rows`` is about.

    ``rows`` has host_id, the column ``hint`` (what the part is called; null where nothing is said) and
    perhaps integer ``place_columns``. ``parts`` is one row per component of the kind: component_id,
    host_id, slot. The first of these that names exactly one part decides: the hint is a component_id; it
    is the slot, but for case and separators; it is a label of the same place as the slot or the
    component_id; the columns are that place; nothing at all is said, and the host has one such part. A
    named part that is not found, or may be several, is ``<host_id>/<hint>``: it is scored, not dropped.

    Where no place is named ("Memory failure: 0x12345"), or only one that several parts share, there is no
    part that anybody could change: that is an event of the host.
    """
    columns = [name for name in place_columns if name in rows.column_names]
    texts = [rows["host_id"], rows[hint], *(rows[name].cast(pa.string()) for name in columns)]
    joined = pc.binary_join_element_wise(
        *texts, _SEPARATOR, null_handling="replace", null_replacement=""
    ).combine_chunks()
    encoded = joined.dictionary_encode()
    said = [text.split(_SEPARATOR) for text in encoded.dictionary.to_pylist()]
    known = _known_parts({host for host, *_ in said}, parts, labels)
    ids = _ids_of(parts)
    names: list[str | None] = []
    unknown: set[str] = set()
    for host, word, *numbers in said:
        word = word.removeprefix(f"{host}/")
        word = "" if word.casefold() in _NO_WORDS else word
        place = {name: _plain_number(number) for name, number in zip(columns, numbers, strict=True) if number}
        parts_there = known.get(host, ())
        found = _find(host, word, place, parts_there, ids, labels)
        if found is None and (word or (place and not _parts_at(place, parts_there))):
            found = f"{host}/{word or _written(place)}"
            unknown.add(found)
        names.append(found)
    named = pa.array(names, pa.string()).take(encoded.indices)
    return NamedParts(ids=named, n_unplaced=named.null_count, n_unknown=len(unknown))


def read_label(text: str, labels: Sequence[re.Pattern[str]]) -> Place:
    """Return the place that a label means, by the first form that it has; empty if it has none."""
    for form in labels:
        if found := form.fullmatch(text.strip()):
            return {name: _plain_number(value) for name, value in found.groupdict().items() if value}
    return {}


def _find(
    host: str,
    word: str,
    place: Place,
    parts: Sequence[_Part],
    ids: frozenset[str],
    labels: Sequence[re.Pattern[str]],
) -> str | None:
    if word in ids:
        return word
    if f"{host}/{word}" in ids:
        return f"{host}/{word}"
    if not word and not place:
        return parts[0].component_id if len(parts) == 1 else None
    by_slot = [part for part in parts if word and part.words == _words(word)]
    if len(by_slot) == 1:
        return by_slot[0].component_id
    for said in (read_label(word, labels), place):
        there = _parts_at(said, parts)
        if len(there) == 1:
            return there[0].component_id
    return None


def _parts_at(place: Place, parts: Sequence[_Part]) -> list[_Part]:
    return [part for part in parts if any(_is_same_place(place, other) for other in part.places)]


def _is_same_place(one: Place, other: Place) -> bool:
    if not one or not other:
        return False
    return one.items() <= other.items() or other.items() <= one.items()


def _known_parts(
    hosts: set[str], parts: pa.Table | None, labels: Sequence[re.Pattern[str]]
) -> dict[str, list[_Part]]:
    """Return the inventory's parts of those hosts that something is said of."""
    known: dict[str, list[_Part]] = {}
    if parts is None:
        return known
    of_hosts = parts.filter(pc.is_in(parts["host_id"], value_set=pa.array(sorted(hosts), pa.string())))
    for row in of_hosts.select(["component_id", "host_id", "slot"]).to_pylist():
        own_name, slot = row["component_id"].removeprefix(f"{row['host_id']}/"), row["slot"] or ""
        places = (read_label(slot, labels), read_label(own_name, labels))
        known.setdefault(row["host_id"], []).append(
            _Part(component_id=row["component_id"], words=_words(slot), places=places)
        )
    return known


def _ids_of(parts: pa.Table | None) -> frozenset[str]:
    return frozenset() if parts is None else frozenset(parts["component_id"].to_pylist())


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text.casefold()))


def _plain_number(text: str) -> str:
    """Return a number or letter as everybody writes it: ``0000``, ``00`` and ``0`` are the same bus."""
    return text.casefold().lstrip("0") or "0"


def _written(place: Place) -> str:
    return "_".join(f"{name}{number}" for name, number in place.items())
