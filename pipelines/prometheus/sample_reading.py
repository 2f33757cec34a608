"""Ask for what series say in a span of time, in pieces as short as the server's limits make them.

Raw samples by remote read or by a range selector (no grid, no fill, so missing scrapes are missing), and
the last value alone by an instant query. ``query_range`` is not used for values: it fills gaps.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pipelines.prometheus.catalogue import Labels, SeriesChoice
from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.errors import (
    BrokenReplyError,
    PrometheusUnreachableError,
    QueryRefusedError,
    TooMuchError,
)
from pipelines.prometheus.remote_read import (
    Matcher,
    SeriesSamples,
    concat_samples,
    decode_read_response,
    encode_read_request,
)

T = TypeVar("T")

_HEADERS = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "accept-encoding": "snappy",
    "x-prometheus-remote-read-version": "0.1.0",
}
# A shorter span than this can't be what is too much.
_SHORTEST_SPAN_MS = 5 * 60 * 1000
# A server that answers nothing in time, even for this little, is not overloaded by us.
_SHORTEST_LATE_SPAN_MS = 3 * 60 * 60 * 1000


@dataclass(frozen=True, kw_only=True)
class LastValue:
    """The last value of one series in a span."""

    labels: Labels
    value: float


def read_samples(
    client: PrometheusClient, choice: SeriesChoice, first_ms: int, last_ms: int
) -> SeriesSamples:
    """Return the raw samples of ``[first_ms, last_ms]``.

    A span that is too much for the server is halved; a series that lies on both sides is then there
    twice, in the order of time.
    """

    def read(first: int, last: int) -> SeriesSamples:
        if client.access.samples_by == "query":
            return _query_samples(client, choice, first, last)
        body = encode_read_request(_matchers(choice), first, last)
        return client.post("/api/v1/read", body, _HEADERS, decode_read_response)

    return concat_samples(_in_pieces(client, choice, first_ms, last_ms, read))


def read_last_values(
    client: PrometheusClient, choice: SeriesChoice, first_ms: int, last_ms: int
) -> list[LastValue]:
    """Return the last value in ``[first_ms, last_ms]`` of each series that has one; the earlier, the sooner
    in the list, where the span had to be halved and a series is there twice."""

    def read(first: int, last: int) -> list[LastValue]:
        query = f"last_over_time({_selector(choice)}[{last - first}ms])"
        return _vector(client, client.ask_json("/api/v1/query", query=query, time=f"{last / 1000:.3f}"))

    return [value for piece in _in_pieces(client, choice, first_ms, last_ms, read) for value in piece]


def _query_samples(
    client: PrometheusClient, choice: SeriesChoice, first_ms: int, last_ms: int
) -> SeriesSamples:
    """Ask by a range selector, which yields raw samples too.

    Whether its older end counts differs between servers (Prometheus 3 leaves it out), so a little more
    is asked for and cut off here.
    """
    query = f"{_selector(choice)}[{last_ms - first_ms + 1}ms]"
    data = client.ask_json("/api/v1/query", query=query, time=f"{last_ms / 1000:.3f}")
    result = data.get("result") if isinstance(data, dict) else None
    parts = []
    try:
        assert isinstance(result, list)
        for series in result:
            times = np.array([round(1000 * float(time)) for time, _ in series["values"]], np.int64)
            values = np.array([float(value) for _, value in series["values"]], np.float64)
            kept = (times >= first_ms) & (times <= last_ms)
            counts = np.array([kept.sum()], np.int64)
            parts.append(
                SeriesSamples(
                    labels=(dict(series["metric"]),), counts=counts, times_ms=times[kept], values=values[kept]
                )
            )
    except (AssertionError, TypeError, KeyError, ValueError) as broken:
        raise BrokenReplyError(
            f"{client.access.url} sent a result that is no matrix. Nothing was written. Re-run that day.",
            url=client.access.url,
        ) from broken
    return concat_samples(parts)


def _in_pieces(
    client: PrometheusClient,
    choice: SeriesChoice,
    first_ms: int,
    last_ms: int,
    read: Callable[[int, int], T],
) -> list[T]:
    try:
        return [read(first_ms, last_ms)]
    except TooMuchError as too_much:
        is_late = bool(too_much.facts.get("is_late"))
        shortest = _SHORTEST_LATE_SPAN_MS if is_late else _SHORTEST_SPAN_MS
        if last_ms - first_ms < 2 * shortest:
            raise _give_up(client, choice, shortest, too_much, is_late) from too_much
    middle = (first_ms + last_ms) // 2
    return [
        *_in_pieces(client, choice, first_ms, middle, read),
        *_in_pieces(client, choice, middle + 1, last_ms, read),
    ]


def _give_up(
    client: PrometheusClient, choice: SeriesChoice, shortest_ms: int, why: TooMuchError, is_late: bool
) -> QueryRefusedError | PrometheusUnreachableError:
    kind = PrometheusUnreachableError if is_late else QueryRefusedError
    return kind(
        f"{client.access.url} can't deliver even {shortest_ms // 60_000} minutes of {choice.metric} "
        f"({why}). Nothing was written. Raise timeout_seconds of the source, or the server's limits "
        "(--storage.remote.read-sample-limit, --query.max-samples).",
        url=client.access.url,
        metric=choice.metric,
    )


def _matchers(choice: SeriesChoice) -> list[Matcher]:
    name = Matcher(name="__name__", value=choice.metric, is_pattern=choice.is_pattern)
    where = [Matcher(name=label, value=value, is_pattern=True) for label, value in choice.where.items()]
    return [name, *where]


def _selector(choice: SeriesChoice) -> str:
    said = (f"{m.name}{'=~' if m.is_pattern else '='}{json.dumps(m.value)}" for m in _matchers(choice))
    return "{" + ",".join(said) + "}"


def _vector(client: PrometheusClient, data: object) -> list[LastValue]:
    result = data.get("result") if isinstance(data, dict) else None
    try:
        assert isinstance(result, list)
        return [LastValue(labels=dict(entry["metric"]), value=float(entry["value"][1])) for entry in result]
    except (AssertionError, TypeError, KeyError, IndexError, ValueError) as broken:
        raise BrokenReplyError(
            f"{client.access.url} sent a result that is no vector. Nothing was written. Re-run that day.",
            url=client.access.url,
        ) from broken
