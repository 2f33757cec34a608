"""Decode what drives report, vendor by vendor, into signals that mean the same for every drive.

Where the rules come from:

- Seagate packs two numbers into SMART 1 (raw read error rate) and 7 (seek error rate): the low four
  bytes count operations, the bytes above count errors (Seagate, "SMART Attribute Specification
  Appendix", 3.1: "Raw [3 - 0] = number of sector reads, Raw [6 - 4] = number of read errors"; for
  seeks the same split was measured by users, see the pages of F. Zabkar). Of the 48 bits that tools
  report, the errors are the high 16. The operations say how busy a drive is, not how ill.
- Seagate's 188 (command timeout) is three 16-bit words: "Raw [1 - 0] = total number of command
  timeouts, with max hold of FFFFh; Raw [3 - 2] = commands slower than 5 seconds; Raw [5 - 4] = slower
  than 7.5 seconds" (same document, 3.11; smartmontools' drive database has the same split as
  ``188,raw16``). So 4295032833 is one timeout, not four billion.
- 9 (power-on hours) and 240 (head flying hours): hours in the low 24 or 32 bits, minutes or
  milliseconds of the running hour above them (smartmontools, ``raw24(raw8)`` and ``msec24hour32``).
  The low 32 bits are hours under both, except where a raw24(raw8) drive uses the fourth byte as
  well; that one is far above the bound and becomes null, as do drives that count in seconds.
- 190 and 194 (temperature): the current value is the low byte, lowest and highest lie above it
  (smartmontools, ``tempminmax``).
- 5 and 196: the count is the low word, some vendors keep other numbers in the high words
  (smartmontools, ``raw16(raw16)``). Low 32 bits, because counts above 65,535 are real in large drives.
- HGST's (Hitachi's) 1 and 7 are packed as well, in a way that nobody published: not decoded, null.
- 193: load cycles in the low 32 bits; the high word is the vendor's.
- NVMe: health log page 02h of the NVMe base specification, as smartctl names it. SCSI: the grown
  defect list and the totals of uncorrected errors; smartctl's power-on time and temperature arrive in
  the columns of their ATA equivalents.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.shards import component_keys
from features.signals import DecodingRule, Signal, SignalSource, Vendor, load_signals

# "ST4000DM000" and, from SCSI and some controllers, "SEAGATE ST4000NM0043". Seagate's SSDs (ZA…,
# XS…) are not hard disks and pack nothing.
_VENDOR_OF_NAME = (
    (re.compile(r"(?:SEAGATE\s+)?ST\d{2,}", re.IGNORECASE), Vendor.SEAGATE),
    (re.compile(r"HGST|Hitachi", re.IGNORECASE), Vendor.HGST),
)
_SHIFT_AND_MASK = {
    DecodingRule.LOW_8_BITS: (0, 0xFF),
    DecodingRule.LOW_16_BITS: (0, 0xFFFF),
    DecodingRule.LOW_32_BITS: (0, 0xFFFF_FFFF),
    DecodingRule.HIGH_16_OF_48_BITS: (32, 0xFFFF),
}


@dataclass(frozen=True, kw_only=True)
class SignalGlitches:
    """How many drives reported a value of ``signal`` that can't be true, and got null instead."""

    signal: str
    count: int


@dataclass(frozen=True, kw_only=True)
class DecodedDrives:
    """``table``: core_drive_days, one row per drive, sorted by component_key."""

    table: pa.Table
    glitches: tuple[SignalGlitches, ...]
    n_unknown_hosts: int

    @property
    def n_glitches(self) -> int:
        """All glitches together."""
        return sum(entry.count for entry in self.glitches)


def decode_drive_smart(
    raw: pa.Table, inventory: pa.Table | None = None, signals: Sequence[Signal] | None = None
) -> DecodedDrives:
    """Return one day's raw_drive_smart as core_drive_days.

    ``raw`` has one row per serial_number, ``inventory`` (raw_inventory) one row per component_id; a
    drive that it does not name gets the host ``unknown:<component_id>``. A decoded value below 0 (of
    a counter) or above the signal's upper bound is null and counted. Raw columns that are absent
    count as never reported.
    """
    signals = load_signals() if signals is None else signals
    ids = raw["serial_number"].combine_chunks()
    keys = component_keys(ids)
    vendors = _vendors_of(raw["model"])
    hosts, n_unknown = _hosts_of(ids, inventory)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "component_key": pa.array(keys, pa.uint64()),
        "component_id": ids,
        "model": raw["model"],
        "host_id": hosts,
        "capacity_bytes": _only_positive(raw["capacity_bytes"]),
    }
    glitches = []
    for signal in signals:
        columns[signal.name], n_glitches = _decode_signal(raw, signal, vendors)
        if n_glitches:
            glitches.append(SignalGlitches(signal=signal.name, count=n_glitches))
    columns["known_at"] = raw["known_at"]
    order = pa.array(np.argsort(keys, kind="stable"))
    return DecodedDrives(
        table=pa.table(columns).take(order), glitches=tuple(glitches), n_unknown_hosts=n_unknown
    )


def vendor_of(model: str) -> Vendor | None:
    """Return the maker of the hard disk, by its model name, if its raw values have rules of their own."""
    return next((vendor for name, vendor in _VENDOR_OF_NAME if name.match(model)), None)


def _vendors_of(models: pa.ChunkedArray) -> pa.Array:
    # A fleet has a few dozen models and many drives: ask once per model.
    encoded = models.combine_chunks().dictionary_encode()
    answers = [None if name is None else vendor_of(name) for name in encoded.dictionary.to_pylist()]
    return pa.array(answers, pa.string()).take(encoded.indices)


def _hosts_of(ids: pa.Array, inventory: pa.Table | None) -> tuple[pa.Array, int]:
    unknown = pc.binary_join_element_wise("unknown", ids, ":")
    if inventory is None or inventory.num_rows == 0:
        return unknown, len(ids)
    at = pc.index_in(ids, value_set=inventory["component_id"].combine_chunks())
    hosts = inventory["host_id"].combine_chunks().take(at)
    return pc.coalesce(hosts, unknown), hosts.null_count


def _only_positive(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Some controllers report a capacity of -1 or 0: not known."""
    return pc.if_else(pc.greater(values, 0), values, pa.scalar(None, values.type))


def _decode_signal(raw: pa.Table, signal: Signal, vendors: pa.Array) -> tuple[pa.Array, int]:
    """Return the signal's column, and in how many rows a value was reported but none is believable."""
    kind = pa.int64() if signal.kind == "counter" else pa.float32()
    reported = [
        _decode_source(raw[source.column].combine_chunks(), source, vendors)
        for source in signal.sources
        if source.column in raw.column_names
    ]
    if not reported:
        return pa.nulls(raw.num_rows, kind), 0
    believable = [_believe(values, signal).cast(kind) for values in reported]
    chosen = believable[0] if len(believable) == 1 else pc.coalesce(*believable)
    is_reported = reduce(pc.or_, [pc.is_valid(values) for values in reported])
    n_reported = pc.sum(is_reported, min_count=0).as_py()
    return chosen, n_reported - (len(chosen) - chosen.null_count)


def _decode_source(values: pa.Array, source: SignalSource, vendors: pa.Array) -> pa.Array:
    decoded = _apply(source.rule, values)
    for vendor, rule in source.by_vendor.items():
        is_theirs = pc.fill_null(pc.equal(vendors, vendor.value), False)
        decoded = pc.if_else(is_theirs, _apply(rule, values), decoded)
    return decoded


def _apply(rule: DecodingRule, values: pa.Array) -> pa.Array:
    if rule is DecodingRule.PLAIN:
        return values
    if rule is DecodingRule.NOT_PUBLISHED:
        return pa.nulls(len(values), values.type)
    shift, mask = _SHIFT_AND_MASK[rule]
    return pc.bit_wise_and(pc.shift_right(values, shift) if shift else values, pa.scalar(mask, pa.int64()))


def _believe(values: pa.Array, signal: Signal) -> pa.Array:
    limit = pa.scalar(signal.upper_bound, values.type)
    is_believable = pc.less_equal(values, limit)
    if signal.kind == "counter":
        is_believable = pc.and_(is_believable, pc.greater_equal(values, pa.scalar(0, values.type)))
    return pc.if_else(is_believable, values, pa.scalar(None, values.type))
