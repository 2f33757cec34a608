"""Reading many lines at once is reading each alone: the fast paths against the slow ones."""

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.signature_reading import Messages, read_lines
from features.signatures import Signature, load_catalogue, read_line
from pipelines.sources import event_bounds
from pipelines.sources.hw_events import EventCollector
from pipelines.sources.journald import FIELDS
from pipelines.sources.journald_json import read_json_lines, read_one_by_one
from pipelines.sources.known_lines import KnownLines
from pipelines.sources.log_files import Findings
from pipelines.sources.log_headers import messages_of_lines, split_line
from pipelines.sources.memory_places import PLACES, read_place, read_places

SIGNATURES = load_catalogue().signatures
EXAMPLES = tuple(signature.example for signature in SIGNATURES)
NOON = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC).timestamp()

# What logs hold, and what somebody who wants to be noticed writes.
PIECES = st.one_of(
    st.sampled_from(EXAMPLES),
    st.sampled_from(
        [
            *("row:0x1f", "col:12", "bank:3", "bank_group:2", "bank_address:1", "slot:1 dimm:2", "socket 0"),
            *("rank:99999999999", "row:0xfffffffff", "channel:4294967295", "MC0: 9999999999 CE", "MC1: 0 UE"),
            *(
                "on any memory",
                "on DIMM_A1",
                "Xid (PCI:0000:9b:00): 79,",
                "GPU 0000:3b:00.0",
                "CPU 7",
                "\x1b[2J",
            ),
        ]
    ),
    st.text(alphabet=" aeioxyz019:.#()[]é\u00a0\u0661\n\t\r\0", max_size=12),
)
MESSAGES = st.lists(st.lists(PIECES, max_size=4).map(" ".join), min_size=1, max_size=8)
HEADERS = st.sampled_from(
    [
        *(
            "",
            "Feb  1 12:00:05 db1 kernel: ",
            "Feb 11 12:00:05 db1 kernel[12]: [  12.5] ",
            "<3>Feb  1 12:00:05 db1 sshd: ",
        ),
        *("2026-02-01T12:00:05.000000+00:00 db1 kernel: ", "<3>1 2026-02-01T12:00:05Z db1 kernel - - - "),
        *(
            "[Sun Feb  1 12:00:05 2026] ",
            "kern  :err   : [    5.1] ",
            "3,7,5000,-;",
            "[   12.678901][    T1] ",
        ),
        *(
            "kern  :err   : 2026-02-01T12:00:05,000000+00:00 ",
            "<3>1 - ",
            "[]",
            "Feb 1 ",
            "<3>1 2026-02-01T12:00:05Z db1 ",
        ),
    ]
)


@hypothesis_settings(deadline=None, max_examples=60)
@given(messages=MESSAGES, signature=st.sampled_from(SIGNATURES))
def test_reading_lines_at_once_is_reading_each(messages: list[str], signature: Signature) -> None:
    many = read_lines(signature, Messages.of(pa.array(messages)))
    for at, message in enumerate(messages):
        one = read_line(signature, message)
        assert many.keys[at].as_py() == one.key
        assert many.event_classes[at].as_py() == one.event_class
        assert many.severities[at].as_py() == one.severity
        assert (many.component_hints[at].as_py() or None) == one.component_hint
        assert many.n_events[at] == one.n_events


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.key)
def test_each_signature_reads_all_examples_alike(signature: Signature) -> None:
    many = read_lines(signature, Messages.of(pa.array(EXAMPLES)))
    ones = [read_line(signature, example) for example in EXAMPLES]
    assert many.keys.to_pylist() == [one.key for one in ones]
    assert many.component_hints.to_pylist() == [one.component_hint or "" for one in ones]
    assert many.n_events.tolist() == [one.n_events for one in ones]


@hypothesis_settings(deadline=None, max_examples=100)
@given(messages=MESSAGES)
def test_places_read_at_once_are_those_of_each(messages: list[str]) -> None:
    expected = [[-1 if number is None else number for number in read_place(message)] for message in messages]
    assert read_places(Messages.of(pa.array(messages))).tolist() == expected


@hypothesis_settings(deadline=None, max_examples=100)
@given(lines=st.lists(st.tuples(HEADERS, HEADERS, PIECES).map("".join), min_size=1, max_size=8))
def test_headers_cut_at_once_are_those_of_each(lines: list[str]) -> None:
    lines = [line.replace("\n", " ").rstrip("\r") for line in lines]
    expected = [split_line(line.encode())[1] for line in lines]
    assert messages_of_lines(pa.array(lines)).to_pylist() == expected


JSON_VALUES = st.one_of(
    st.text(max_size=10),
    st.sampled_from(["kernel", "0", "1769947205000000", "3", EXAMPLES[0]]),
    st.just(None),
    st.lists(st.integers(0, 255), max_size=5),
    st.lists(st.text(max_size=4), max_size=2),
    st.integers(),
)
ENTRIES = st.dictionaries(st.sampled_from([*FIELDS.names, "_BOOT_ID", "CODE_LINE"]), JSON_VALUES, max_size=6)
ODD_LINES = st.sampled_from(
    [
        *(
            b'{"MESSAGE": "a"}{"MESSAGE": "b"}',
            b'{"MESSAGE": "a", "MESSAGE": "b"}',
            b"{",
            b'{"MESSAGE": "a',
            b"[1]",
        ),
        *(
            b'{"MESSAGE": "\xff"}',
            b'{"X": "\xff"}',
            b'{"MESSAGE": "\\ud800"}',
            b'{"X": 1e999}',
            b'{"X": NaN}',
            b"null",
        ),
        *(
            b'{"MESSAGE": "a\\u0000b"}',
            b'{"MESSAGE": {"a": {}}}',
            b'{"X": {"MESSAGE": "a"}}',
            b'{"X": 01}',
            b"{}",
        ),
        *(b'{"MESSAGE": "a",', b'"PRIORITY": "3"}', b'{"X": [{}', b'{"X":{}', b'{"MESSAGE": "\x01"}'),
    ]
)
JSON_LINES = st.one_of(
    ENTRIES.map(lambda entry: json.dumps(entry).encode()),
    ENTRIES.map(lambda entry: json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace")),
    ODD_LINES,
)


@hypothesis_settings(deadline=None, max_examples=200)
@given(lines=st.lists(JSON_LINES, max_size=70))
def test_a_journal_read_in_blocks_is_the_journal_read_line_by_line(lines: list[bytes]) -> None:
    slow, fast = Findings(), Findings()
    expected = read_one_by_one(lines, slow).to_pylist()
    batches = list(read_json_lines(lines, fast))
    assert [row for batch in batches for row in batch.to_pylist()] == expected
    assert fast.as_mapping() == slow.as_mapping()


def test_a_journal_of_one_kind_is_read_in_one_block() -> None:
    lines = [json.dumps({"MESSAGE": f"number {n}"}).encode() for n in range(1_000)]
    assert [batch.num_rows for batch in read_json_lines(lines, Findings())] == [1_000]


READINGS = st.tuples(
    st.sampled_from(["db1", "db2"]),
    st.integers(0, 200_000).map(lambda n: NOON + n * 0.5),
    st.sampled_from(
        [each for each in SIGNATURES if "edac" in each.key or "xid" in each.key or "ata" in each.key]
    ),
    st.lists(PIECES, max_size=3).map(lambda pieces: " ".join(" ".join(pieces).split())),
)


def collected(readings: list[tuple[str, float, Signature, str]], *, at_once: bool) -> EventCollector:
    collector = EventCollector()
    for signature in SIGNATURES if at_once else ():
        chosen = [each for each in readings if each[2] is signature]
        if chosen:
            collector.add_known_lines(
                KnownLines(
                    host_ids=pa.array([host for host, _, _, _ in chosen]),
                    seconds=np.array([second for _, second, _, _ in chosen]),
                    signatures=(signature,),
                    signature_codes=np.zeros(len(chosen), np.int64),
                    templates=pa.array(["t"] * len(chosen)),
                    messages=pa.array([message for _, _, _, message in chosen]),
                )
            )
    for host, second, signature, message in () if at_once else readings:
        collector.add_known(host_id=host, second=second, signature=signature, template="t", message=message)
    return collector


@hypothesis_settings(deadline=None, max_examples=60)
@given(readings=st.lists(READINGS, min_size=1, max_size=20))
def test_events_of_many_lines_are_those_of_lines_one_by_one(
    readings: list[tuple[str, float, Signature, str]],
) -> None:
    slow, fast = collected(readings, at_once=False), collected(readings, at_once=True)
    assert fast.days == slow.days
    for day in slow.days:
        assert fast.table_of(day, "x").equals(slow.table_of(day, "x"))


def test_the_first_events_of_a_host_and_day_are_kept_and_the_rest_is_one_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_bounds, "MAX_EVENTS_PER_HOST_DAY", 3)
    monkeypatch.setattr("pipelines.sources.hw_events._MAX_READINGS", 4)
    signature = next(each for each in SIGNATURES if each.key == "ata_failed_command")
    collector = EventCollector()
    for minute in (9, 8, 9, 7, 6, 5, 6, 8, 4):
        collector.add_known(
            host_id="db1", second=NOON + 60 * minute, signature=signature, template="t", message="ata1: x"
        )
    rows = collector.table_of(dt.date(2026, 2, 1), "x").to_pylist()
    assert [(row["happened_at"].minute, row["template"], row["n_events"]) for row in rows] == [
        (4, "(lines of further templates)", 4),
        (7, "t", 1),
        (8, "t", 2),
        (9, "t", 2),
    ]
    assert dict(collector.overflow) == {"known events beyond the bound for a host and day": 4}


def test_the_columns_of_a_place_are_in_the_order_of_the_contract() -> None:
    message = "socket:1 channel:2 slot:3 rank:4 bank:5 row:6 col:7"
    assert dict(zip(PLACES, read_places(Messages.of(pa.array([message])))[0].tolist(), strict=True)) == {
        "socket": 1,
        "channel": 2,
        "dimm": 3,
        "rank": 4,
        "bank": 5,
        "row": 6,
        "column": 7,
    }
