"""Read the fields of ``journalctl -o json``: one object a line, in blocks of lines, with Arrow's parser.

A block that it refuses (a damaged line, a field given twice, bytes that are no UTF-8 and so come as a list of
numbers) is halved until few lines are left, and those are read one by one.
"""

import json
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.json

from pipelines.sources.journald import BAD_ENTRY, FIELDS
from pipelines.sources.log_files import Findings

_BLOCK_BYTES = 2 << 20
_FEW_LINES = 32
_PARSE = pyarrow.json.ParseOptions(explicit_schema=FIELDS, unexpected_field_behavior="ignore")


def read_json_fields(chunks: Iterable[bytes], findings: Findings) -> Iterator[pa.RecordBatch]:
    """Yield ``FIELDS`` of all entries; a line that is no entry is counted."""
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= _BLOCK_BYTES:
            yield from _read_block(b"".join(waiting), findings)
            waiting, size = [], 0
    if waiting:
        yield from _read_block(b"".join(waiting), findings)


def read_json_lines(lines: list[bytes], findings: Findings) -> Iterator[pa.RecordBatch]:
    """Yield ``FIELDS`` of lines without blanks around them, in their order."""
    batch = _read_at_once(b"".join(line + b"\n" for line in lines))
    if batch is not None:
        yield batch
    elif len(lines) > _FEW_LINES:
        half = len(lines) // 2
        yield from read_json_lines(lines[:half], findings)
        yield from read_json_lines(lines[half:], findings)
    else:
        yield read_one_by_one(lines, findings)


def _read_block(block: bytes, findings: Findings) -> Iterator[pa.RecordBatch]:
    batch = _read_at_once(block)
    if batch is not None:
        yield batch
    else:
        lines = [line for each in block.split(b"\n") if (line := each.strip())]
        yield from read_json_lines(lines, findings)


def read_one_by_one(lines: list[bytes], findings: Findings) -> pa.RecordBatch:
    """Return ``FIELDS`` of the lines that are entries; the others are counted."""
    rows = []
    for line in lines:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            findings.add(BAD_ENTRY, line)
            continue
        if not isinstance(fields, dict):
            findings.add(BAD_ENTRY, line)
            continue
        rows.append({name: _text(fields[name]) for name in FIELDS.names if fields.get(name) is not None})
    return pa.RecordBatch.from_pylist(rows, FIELDS)


def _read_at_once(block: bytes) -> pa.RecordBatch | None:
    """Return ``FIELDS`` of the lines, None where Arrow refuses one, or might read it as something else."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    n_lines = len(ends)
    # Each line an object from its first byte to its last: then as many rows as lines are one of each.
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    if not n_lines or (text[starts] != ord("{")).any() or (text[ends - 1] != ord("}")).any():
        return None
    try:
        if not block.isascii():
            block.decode()
        read = pyarrow.json.ReadOptions(use_threads=False, block_size=len(block) + 1)
        table = pyarrow.json.read_json(pa.BufferReader(block), read, _PARSE)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return None
    if table.num_rows != n_lines:
        return None
    return table.select(FIELDS.names).combine_chunks().to_batches()[0]


def _text(value: object) -> str:
    """Return a JSON value as text: bytes that are no UTF-8 come as a list of numbers, repeated fields as a list."""
    if isinstance(value, str):
        # Half a surrogate pair is no text that can be written anywhere.
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        if value and all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return bytes(value).decode("utf-8", "replace")
        return _text(value[0]) if value else ""
    return "" if value is None else str(value)
