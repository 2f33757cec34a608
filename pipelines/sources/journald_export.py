"""Read the fields of ``journalctl -o export``: NAME=value lines, a blank line after each entry."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipelines.sources.journald import BAD_ENTRY, FIELDS
from pipelines.sources.log_files import Findings

LONG_FIELD = "a field of a journal entry beyond the bound; the entry's other fields count"
_MAX_FIELD_BYTES = 64 << 10
_MAX_SKIPPED_BYTES = 1 << 30
_ENTRIES_AT_A_TIME = 5_000


def read_export_fields(blocks: Iterable[bytes], findings: Findings) -> Iterator[pa.RecordBatch]:
    """Yield ``FIELDS`` of all entries.

    Values with line ends come as a name, a length (64 bit, little endian) and the bytes.
    """
    entries: list[dict[str, str]] = []
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
                if fields:
                    entries.append({name: fields[name] for name in FIELDS.names if name in fields})
                fields = {}
                if len(entries) >= _ENTRIES_AT_A_TIME:
                    yield pa.RecordBatch.from_pylist(entries, FIELDS)
                    entries = []
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
    if entries:
        yield pa.RecordBatch.from_pylist(entries, FIELDS)
