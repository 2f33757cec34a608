"""Take the entries about hardware from a journal's fields, and count them.

Only fields that journald itself sets (they begin with ``_``) say who wrote an entry: a program can't claim to
be the kernel.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.log_templates import mask_texts, refine_template
from features.signature_reading import are_plain
from features.signatures import Catalogue, Signature
from pipelines.sources.hw_events import NOT_HARDWARE, EventCollector, printable_host
from pipelines.sources.known_lines import KnownLines
from pipelines.sources.log_files import Findings
from pipelines.sources.log_shapes import is_hardware_program, severity_of_priority

BAD_ENTRY = "no journal entry, or a truncated one"
BAD_TIME = "a journal entry without a real-time stamp"
# What is read of an entry; one row per entry, all of them text, null where it has no such field.
FIELDS = pa.schema(
    [
        (name, pa.string())
        for name in (
            *("_TRANSPORT", "_COMM", "_UID", "SYSLOG_IDENTIFIER", "_HOSTNAME", "PRIORITY", "MESSAGE"),
            *("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"),
        )
    ]
)
_LATEST_MICROSECOND = 7_258_118_400_000_000
_SECONDS_A_DAY = 86_400
_MAX_DAYS = 200_000
_MAX_MESSAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Entries:
    """(N,) entries about hardware. ``seconds`` are of the Unix epoch; a host is null where none is named."""

    host_ids: pa.StringArray
    seconds: NDArray[np.float64]
    severities: pa.StringArray
    messages: pa.StringArray


class MessageTable:
    """Remembers templates and signatures of masked messages across files: hosts of a fleet say the same."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[bytes, tuple[str, Signature | None]] = {}

    def look_up(self, masked: Sequence[bytes]) -> tuple[list[str], list[Signature | None]]:
        """Return template and signature of each masked message."""
        known = self._known
        if len(known) > _MAX_MESSAGES:
            # Another thread may hold the old one; it is never emptied under its hands.
            known = self._known = {}
        new = [line for line in masked if line not in known]
        templates = [refine_template(line.decode("utf-8", "replace")) or "(empty)" for line in new]
        known.update(zip(new, zip(templates, self._catalogue.match(templates), strict=True), strict=True))
        found = [known[line] for line in masked]
        return [template for template, _ in found], [signature for _, signature in found]


def select_entries(fields: pa.RecordBatch, findings: Findings) -> Entries:
    """Return the entries of ``FIELDS`` that speak of hardware and have a time; the others are counted."""
    is_kernel = pc.fill_null(pc.equal(fields["_TRANSPORT"], "kernel"), False)
    named = pc.coalesce(_or_null(fields["_COMM"]), _or_null(fields["SYSLOG_IDENTIFIER"]), "")
    programs = pc.if_else(is_kernel, "kernel", named)
    # _UID is set by journald as well: a program of another user may call itself smartd.
    is_roots = pc.equal(pc.fill_null(fields["_UID"], "0"), "0")
    is_trusted = pc.or_(is_kernel, pc.and_(pc.not_equal(programs, "kernel"), is_roots))
    is_chosen = pc.and_(is_trusted, _map_distinct(programs, is_hardware_program, pa.bool_()))
    others = programs.filter(pc.invert(is_chosen))
    findings.add(NOT_HARDWARE, others[0].as_py() if len(others) else "", len(others))
    return _timed_entries(fields.filter(is_chosen), findings)


def _timed_entries(fields: pa.RecordBatch, findings: Findings) -> Entries:
    stamps = pc.coalesce(
        _or_null(fields["_SOURCE_REALTIME_TIMESTAMP"]), _or_null(fields["__REALTIME_TIMESTAMP"]), ""
    )
    is_number = pc.match_substring_regex(stamps, "^[0-9]{1,16}$")
    micros = pc.if_else(is_number, stamps, "0").cast(pa.int64())
    is_time = pc.and_(pc.greater(micros, 0), pc.less(micros, _LATEST_MICROSECOND))
    messages = pc.fill_null(fields["MESSAGE"], "")
    bad = pa.record_batch({"stamp": stamps, "message": messages}).filter(pc.invert(is_time)).to_pylist()
    findings.add(BAD_TIME, f"{bad[0]['stamp']} {bad[0]['message']}" if bad else "", len(bad))
    return Entries(
        host_ids=fields["_HOSTNAME"].filter(is_time),
        seconds=micros.filter(is_time).to_numpy() / 1e6,
        severities=_map_distinct(
            pc.fill_null(fields["PRIORITY"].filter(is_time), ""), severity_of_priority, pa.string()
        ),
        messages=messages.filter(is_time),
    )


def collect_entries(
    batches: Iterable[pa.RecordBatch],
    *,
    host_id: str | None,
    table: MessageTable,
    collector: EventCollector,
    findings: Findings,
    day_numbers: set[int],
) -> None:
    """Count all entries; ``host_id`` is None where each entry names its host."""
    for fields in batches:
        entries = select_entries(fields, findings)
        if not len(entries.messages):
            continue
        day_numbers.update(np.unique(entries.seconds // _SECONDS_A_DAY).astype(np.int64).tolist())
        _collect(entries, host_id, table, collector)


def _collect(entries: Entries, host_id: str | None, table: MessageTable, collector: EventCollector) -> None:
    n_entries = len(entries.messages)
    messages = entries.messages
    if not are_plain(messages):
        messages = pc.replace_substring_regex(messages, "[\r\n]+", " ")
    lines = mask_texts(messages)
    templates, signatures = table.look_up(lines.masked)
    host_ids = (
        pa.repeat(pa.scalar(printable_host(host_id)), n_entries)
        if host_id
        else _map_distinct(pc.fill_null(entries.host_ids, ""), _named_host, pa.string())
    )
    is_known = np.array([signature is not None for signature in signatures])[lines.codes]
    known = np.flatnonzero(is_known)
    if len(known):
        at = pa.array(known)
        of_code = {code: signature for code, signature in enumerate(signatures) if signature is not None}
        numbers = np.zeros(len(signatures), np.int64)
        numbers[list(of_code)] = np.arange(len(of_code))
        collector.add_known_lines(
            KnownLines(
                host_ids=host_ids.take(at),
                seconds=entries.seconds[known],
                signatures=tuple(of_code.values()),
                signature_codes=numbers[lines.codes[known]],
                templates=pa.array(templates, pa.string()).take(pa.array(lines.codes[known])),
                messages=messages.take(at),
            )
        )
    unknown = np.flatnonzero(~is_known)
    hosts = host_ids.dictionary_encode().indices.to_numpy()
    days = (entries.seconds // _SECONDS_A_DAY).astype(np.int64)
    groups = ((hosts.astype(np.int64) * len(templates)) + lines.codes) * _MAX_DAYS + days
    # The earliest line of a group speaks for it, the first of equal ones.
    by_time = unknown[np.argsort(entries.seconds[unknown], kind="stable")]
    _, first, counts = np.unique(groups[by_time], return_index=True, return_counts=True)
    for at, n in zip(by_time[first].tolist(), counts.tolist(), strict=True):
        collector.add_unknown(
            host_id=host_ids[at].as_py(),
            second=float(entries.seconds[at]),
            template=templates[lines.codes[at]],
            message=messages[at].as_py(),
            severity=entries.severities[at].as_py(),
            n_lines=n,
        )


def _named_host(name: str) -> str:
    return printable_host(name or "unknown")


def _or_null(texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _map_distinct(texts: pa.StringArray, change: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    encoded = texts.dictionary_encode()
    return pa.array([change(text) for text in encoded.dictionary.to_pylist()], kind).take(encoded.indices)
