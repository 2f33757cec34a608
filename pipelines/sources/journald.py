"""Read the kernel's entries of a journal, as ``journalctl -o json`` or ``-o export`` writes it.

Only fields that journald itself sets (they begin with ``_``) say who wrote an entry: a program can't claim to
be the kernel.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from features.log_templates import mask_lines, refine_template
from features.signatures import Catalogue
from pipelines.sources.hw_events import NOT_HARDWARE, EventCollector
from pipelines.sources.log_files import Findings
from pipelines.sources.log_shapes import is_hardware_program, severity_of_priority

BAD_ENTRY = "no journal entry, or a truncated one"
BAD_TIME = "a journal entry without a real-time stamp"
_NEWLINES = re.compile(r"[\r\n]+")
LONG_FIELD = "a field of a journal entry beyond the bound; the entry's other fields count"
_MAX_FIELD_BYTES = 64 << 10
_MAX_SKIPPED_BYTES = 1 << 30
_LATEST_MICROSECOND = 7_258_118_400_000_000
_BATCH = 5_000
_NEEDED = (
    *("_TRANSPORT", "_COMM", "_UID", "SYSLOG_IDENTIFIER", "_HOSTNAME", "PRIORITY", "MESSAGE"),
    *("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"),
)
# A line of another transport is not worth parsing; a program can't write its own _TRANSPORT.
_NOT_HARDWARE_LINE = re.compile(rb'"_TRANSPORT" ?: ?"(?:audit|stdout)"')


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry. ``second`` is of the Unix epoch."""

    host_id: str | None
    second: float
    severity: str | None
    message: str


def read_json_entries(chunks: Iterable[bytes], findings: Findings) -> Iterator[Entry]:
    """Yield the entries about hardware of ``journalctl -o json``: one object a line, all values text."""
    for chunk in chunks:
        for line in chunk.split(b"\n"):
            if not line.strip():
                continue
            if _NOT_HARDWARE_LINE.search(line):
                findings.add(NOT_HARDWARE, b"journal transport audit or stdout")
                continue
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError):
                findings.add(BAD_ENTRY, line)
                continue
            if not isinstance(fields, dict):
                findings.add(BAD_ENTRY, line)
                continue
            entry = _entry_of({name: _text(fields[name]) for name in _NEEDED if name in fields}, findings)
            if entry is not None:
                yield entry


def read_export_entries(blocks: Iterable[bytes], findings: Findings) -> Iterator[Entry]:
    """Yield the entries about hardware of ``journalctl -o export``: NAME=value lines, a blank line after each.

    Values with line ends come as a name, a length (64 bit, little endian) and the bytes.
    """
    fields: dict[str, str] = {}
    pending = b""
    n_to_skip = 0
    for block in blocks:
        data = pending + block
        at = min(n_to_skip, len(data))
        n_to_skip -= at
        while not n_to_skip and (end := data.find(b"\n", at)) >= 0:
            line = data[at:end]
            if not line:
                at = end + 1
                if fields and (entry := _entry_of(fields, findings)) is not None:
                    yield entry
                fields = {}
                continue
            name, is_text, value = line.partition(b"=")
            after = end + 1
            if not is_text:
                if len(data) < end + 9:
                    break
                length = int.from_bytes(data[end + 1 : end + 9], "little")
                after = end + 10 + length
                if length > _MAX_FIELD_BYTES:
                    findings.add(LONG_FIELD, line)
                    # A length beyond reason is damage: go on at the next line, do not skip the rest of the file.
                    n_to_skip = max(after - len(data), 0) if length < _MAX_SKIPPED_BYTES else 0
                    at = min(after, len(data)) if length < _MAX_SKIPPED_BYTES else end + 1
                    continue
                if len(data) < after:
                    break
                value = data[end + 9 : end + 9 + length]
            fields[name.decode("ascii", "replace")] = value.decode("utf-8", "replace")
            at = after
        pending = data[at:]
        if len(pending) > 2 * _MAX_FIELD_BYTES:
            findings.add(LONG_FIELD, pending)
            pending = b""
    if fields or pending.strip():
        # journalctl ends each entry with a blank line: without it the journal was cut, maybe in a value.
        findings.add(BAD_ENTRY, "the last entry has no end")


def collect_entries(
    entries: Iterable[Entry],
    *,
    host_id: str | None,
    catalogue: Catalogue,
    collector: EventCollector,
    day_numbers: set[int],
) -> None:
    """Count all entries; ``host_id`` is None where each entry names its host."""
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) >= _BATCH:
            _collect(batch, host_id, catalogue, collector, day_numbers)
            batch = []
    if batch:
        _collect(batch, host_id, catalogue, collector, day_numbers)


def _collect(
    batch: list[Entry],
    host_id: str | None,
    catalogue: Catalogue,
    collector: EventCollector,
    day_numbers: set[int],
) -> None:
    messages = [_NEWLINES.sub(" ", entry.message) for entry in batch]
    lines = mask_lines(b"".join(m.encode("utf-8", "replace") + b"\n" for m in messages))
    templates = [refine_template(masked.decode("utf-8", "replace")) or "(empty)" for masked in lines.masked]
    signatures = catalogue.match(templates)
    unknown: dict[tuple[int, int, str], tuple[int, int]] = {}
    for at, (entry, code) in enumerate(zip(batch, lines.codes.tolist(), strict=True)):
        day_number = int(entry.second // 86_400)
        day_numbers.add(day_number)
        host = host_id or entry.host_id or "unknown"
        signature = signatures[code]
        if signature is None:
            first, n = unknown.get((code, day_number, host), (at, 0))
            first = first if batch[first].second <= entry.second else at
            unknown[code, day_number, host] = first, n + 1
        else:
            collector.add_known(
                host_id=host,
                second=entry.second,
                signature=signature,
                template=templates[code],
                message=messages[at],
            )
    for (code, _, host), (first, n) in unknown.items():
        collector.add_unknown(
            host_id=host,
            second=batch[first].second,
            template=templates[code],
            message=messages[first],
            severity=batch[first].severity,
            n_lines=n,
        )


def _text(value: object) -> str:
    """Return a JSON value as text: bytes that are no UTF-8 come as a list of numbers, repeated fields as a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if value and all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return bytes(value).decode("utf-8", "replace")
        return _text(value[0]) if value else ""
    return "" if value is None else str(value)


def _entry_of(fields: Mapping[str, str], findings: Findings) -> Entry | None:
    is_kernel = fields.get("_TRANSPORT") == "kernel"
    program = "kernel" if is_kernel else fields.get("_COMM") or fields.get("SYSLOG_IDENTIFIER") or ""
    # _UID is set by journald as well: a program of another user may call itself smartd.
    is_trusted = is_kernel or (program != "kernel" and fields.get("_UID", "0") == "0")
    if not is_trusted or not is_hardware_program(program):
        findings.add(NOT_HARDWARE, program)
        return None
    stamp = fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields.get("__REALTIME_TIMESTAMP") or ""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 17 and 0 < int(stamp) < _LATEST_MICROSECOND):
        findings.add(BAD_TIME, f"{stamp} {fields.get('MESSAGE', '')}")
        return None
    return Entry(
        host_id=fields.get("_HOSTNAME"),
        second=int(stamp) / 1e6,
        severity=severity_of_priority(fields.get("PRIORITY", "")),
        message=fields.get("MESSAGE", ""),
    )
