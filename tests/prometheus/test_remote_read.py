"""The wire format against Google's own protobuf library as oracle."""

import contextlib
import math

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prometheus.errors import TooMuchError
from pipelines.prometheus.protobuf_fields import BrokenMessageError, encode_varint
from pipelines.prometheus.remote_read import (
    Matcher,
    SeriesSamples,
    concat_samples,
    decode_read_response,
    encode_read_request,
)

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES = {
    "Label": [("name", 1, _FIELD.TYPE_STRING, ""), ("value", 2, _FIELD.TYPE_STRING, "")],
    "Sample": [("value", 1, _FIELD.TYPE_DOUBLE, ""), ("timestamp", 2, _FIELD.TYPE_INT64, "")],
    "TimeSeries": [("labels", 1, None, "Label"), ("samples", 2, None, "Sample")],
    "QueryResult": [("timeseries", 1, None, "TimeSeries")],
    "ReadResponse": [("results", 1, None, "QueryResult")],
    "LabelMatcher": [
        ("type", 1, _FIELD.TYPE_INT32, ""),
        ("name", 2, _FIELD.TYPE_STRING, ""),
        ("value", 3, _FIELD.TYPE_STRING, ""),
    ],
    "Query": [
        ("start", 1, _FIELD.TYPE_INT64, ""),
        ("end", 2, _FIELD.TYPE_INT64, ""),
        ("matchers", 3, None, "LabelMatcher"),
    ],
    "ReadRequest": [("queries", 1, None, "Query")],
}


def _message_class(name: str) -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="oracle", syntax="proto3")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for field_name, number, kind, other in fields:
            added = message.field.add(name=field_name, number=number)
            added.label = _FIELD.LABEL_REPEATED if other else _FIELD.LABEL_OPTIONAL
            added.type = kind or _FIELD.TYPE_MESSAGE
            if other:
                added.type_name = f".oracle.{other}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"oracle.{name}"))


READ_RESPONSE = _message_class("ReadResponse")
READ_REQUEST = _message_class("ReadRequest")

Sample = tuple[int, float]


def reply(*series: tuple[dict[str, str], list[Sample]]) -> bytes:
    """Return a reply as a server would send it."""
    message = READ_RESPONSE()
    result = message.results.add()
    for labels, samples in series:
        added = result.timeseries.add()
        for name, value in labels.items():
            added.labels.add(name=name, value=value)
        for time, number in samples:
            added.samples.add(timestamp=time, value=number)
    compressed: bytes = pa.Codec("snappy").compress(message.SerializeToString(), asbytes=True)
    return compressed


def unpack(samples: SeriesSamples) -> list[tuple[dict[str, str], list[Sample]]]:
    ends = np.cumsum(samples.counts)
    return [
        (dict(labels), list(zip(samples.times_ms[a:b].tolist(), samples.values[a:b].tolist(), strict=True)))
        for labels, a, b in zip(samples.labels, ends - samples.counts, ends, strict=True)
    ]


T0 = 1_767_225_600_000
_values = st.one_of(st.sampled_from([0.0, 0.0, 1.0, -3.5, math.inf]), st.floats(allow_nan=False))
_times = st.one_of(st.integers(T0, T0 + 86_400_000), st.integers(0, 2**62))
_series = st.tuples(
    st.dictionaries(st.text(max_size=4), st.text(max_size=300), max_size=3),
    st.lists(st.tuples(_times, _values), max_size=30),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(_series, max_size=6))
def test_what_a_server_encodes_is_read_back(series: list[tuple[dict[str, str], list[Sample]]]) -> None:
    assert unpack(decode_read_response(reply(*series))) == series


@pytest.mark.parametrize("kind", ["no zeros", "all zeros", "zeros between", "other length of time"])
def test_samples_of_every_length_are_read_back(kind: str) -> None:
    values = {
        "no zeros": [1.5] * 9,
        "all zeros": [0.0] * 9,
        "zeros between": [0.0, 0.0, 2.0, 0.0, 3.0, 4.0, 5.0],
    }
    times = [T0 + 300_000 * i for i in range(9)]
    if kind == "other length of time":
        times[4] = 7
    samples = list(zip(times, values.get(kind, [1.0] * 9), strict=False))
    whole = [({"a": "1"}, [(T0, 4.0)] * 5), ({"a": "2"}, samples), ({"a": "3"}, [(T0, 0.0)])]
    assert unpack(decode_read_response(reply(*whole))) == whole


def test_a_mark_of_staleness_is_kept_as_not_a_number() -> None:
    (read,) = unpack(decode_read_response(reply(({}, [(T0, math.nan), (T0 + 1, 1.0)]))))
    assert math.isnan(read[1][0][1])


def test_an_empty_reply_has_no_series() -> None:
    assert decode_read_response(b"").labels == ()
    assert decode_read_response(reply()).labels == ()


@pytest.mark.parametrize("keep", [1, 7, 40, 200])
def test_half_a_reply_is_broken_not_short(keep: int) -> None:
    whole = reply(
        *[({"instance": f"host-{i}"}, [(T0 + 17 * j, float(i * j)) for j in range(40)]) for i in range(9)]
    )
    assert keep < len(whole)
    with pytest.raises(BrokenMessageError):
        decode_read_response(whole[:keep])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_named_broken(data: bytes) -> None:
    message: bytes = pa.Codec("snappy").compress(data, asbytes=True)
    with contextlib.suppress(BrokenMessageError):
        assert isinstance(decode_read_response(message), SeriesSamples)


def test_a_length_that_is_a_lie_is_not_believed() -> None:
    with pytest.raises(TooMuchError):
        decode_read_response(encode_varint(1 << 40) + b"abc")


def test_a_request_says_span_and_matchers() -> None:
    body = encode_read_request(
        [Matcher(name="__name__", value="node_load1"), Matcher(name="device", value="sd.", is_pattern=True)],
        T0,
        T0 + 9,
    )
    message = READ_REQUEST()
    size = len(message.SerializeToString())
    assert size == 0
    decompressed = pa.Codec("snappy").decompress(body, decompressed_size=_varint_of(body), asbytes=True)
    message.ParseFromString(decompressed)
    (query,) = message.queries
    assert (query.start, query.end) == (T0, T0 + 9)
    assert [(m.type, m.name, m.value) for m in query.matchers] == [
        (0, "__name__", "node_load1"),
        (2, "device", "sd."),
    ]


def _varint_of(data: bytes) -> int:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value


def test_pieces_of_a_span_are_put_one_after_the_other() -> None:
    parts = [decode_read_response(reply(({"a": "1"}, [(T0 + i, float(i))]))) for i in range(3)]
    assert unpack(concat_samples(parts)) == [({"a": "1"}, [(T0 + i, float(i))]) for i in range(3)]
