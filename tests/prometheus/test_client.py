"""What becomes of each wrong thing that a server, or what stands before it, can do."""

import datetime as dt
import pickle
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pipelines.errors import ConfigError, PrefailError
from pipelines.prometheus.access import Access
from pipelines.prometheus.catalogue import SeriesChoice
from pipelines.prometheus.client import PrometheusClient
from pipelines.prometheus.errors import (
    BrokenReplyError,
    LoginRefusedError,
    NotPrometheusError,
    PrometheusBusyError,
    PrometheusUnreachableError,
    QueryRefusedError,
)
from pipelines.prometheus.sample_reading import read_last_values, read_samples
from pipelines.sources import prometheus
from tests.prometheus.prometheus_server import free_port
from tests.prometheus.scripted_server import Asked, Reply, ScriptedServer
from tests.prometheus.test_remote_read import T0, reply, unpack

LOAD = SeriesChoice(metric="node_load1")
GOOD = Reply(body=reply(({"instance": "host-1"}, [(T0, 1.0), (T0 + 1, 2.0)])))


class _Naps:
    """Counts the seconds that a client would have slept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def _client(url: str, naps: _Naps | None = None, **options: object) -> PrometheusClient:
    access = Access.model_validate({"url": url, "patience_seconds": 20, **options})
    return PrometheusClient(access, Path(), sleep=naps or _Naps())


def _in_turn(replies: Iterable[Reply]) -> Callable[[Asked], Reply]:
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=503, body=b"Service Unavailable"),
        Reply(status=429, body=b"slow down"),
        Reply(status=502, body=b"<html>bad gateway</html>", headers={"content-type": "text/html"}),
        Reply(status=500, body=b"oops"),
        Reply(body=GOOD.body[: len(GOOD.body) // 2], promised_bytes=len(GOOD.body)),
        Reply(body=GOOD.body[: len(GOOD.body) // 2]),
        Reply(body=b"not snappy at all"),
    ],
    ids=["503", "429", "502", "500", "half a body", "half a body, well counted", "noise"],
)
def test_trouble_that_may_pass_is_asked_again(trouble: Reply) -> None:
    naps = _Naps()
    with ScriptedServer(_in_turn([trouble, trouble, GOOD])) as server:
        samples = read_samples(_client(server.url, naps), LOAD, T0, T0 + 9)
    assert unpack(samples) == [({"instance": "host-1"}, [(T0, 1.0), (T0 + 1, 2.0)])]
    assert naps.seconds == [0.5, 1.0]


@pytest.mark.parametrize(
    ("trouble", "error", "words"),
    [
        (Reply(status=503, body=b"down"), PrometheusBusyError, "is busy or restarting"),
        (Reply(status=429, body=b"slow"), PrometheusBusyError, r"\(429: slow\)"),
        (Reply(body=GOOD.body[:9], promised_bytes=99), BrokenReplyError, "broke off in the middle"),
        (Reply(body=b"\x05abc"), BrokenReplyError, "can't be read"),
    ],
)
def test_trouble_that_does_not_pass_ends_with_its_own_transient_error(
    trouble: Reply, error: type[PrefailError], words: str
) -> None:
    naps = _Naps()
    with ScriptedServer(lambda _: trouble) as server, pytest.raises(error, match=words) as refused:
        read_samples(_client(server.url, naps), LOAD, T0, T0 + 9)
    assert "Re-run that day" in str(refused.value)
    assert refused.value.exit_code == 75
    assert 10 < sum(naps.seconds) <= 20


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            Reply(
                body=b"<html><title>Please log in</title>",
                headers={"content-type": "text/html; charset=utf-8"},
            ),
            NotPrometheusError,
            "is no Prometheus: it answers 200 with text/html",
        ),
        (Reply(status=302, headers={"location": "https://login"}), NotPrometheusError, "answers 302"),
        (Reply(status=404, body=b"no such page"), NotPrometheusError, "answers 404"),
        (Reply(status=401, body=b"Unauthorized"), LoginRefusedError, "refuses our login"),
        (Reply(status=403, body=b"no"), LoginRefusedError, "refuses our login"),
        (Reply(status=400, body=b"bad matcher"), QueryRefusedError, "will not answer"),
    ],
)
def test_what_only_a_person_can_mend_is_said_at_once(
    answer: Reply, error: type[PrefailError], words: str
) -> None:
    naps = _Naps()
    with ScriptedServer(lambda _: answer) as server, pytest.raises(error, match=words) as refused:
        read_samples(_client(server.url, naps), LOAD, T0, T0 + 9)
    assert naps.seconds == []
    assert refused.value.exit_code == 1


def test_retry_after_is_respected() -> None:
    naps = _Naps()
    busy = Reply(status=429, headers={"retry-after": "7"})
    with ScriptedServer(_in_turn([busy, GOOD])) as server:
        read_samples(_client(server.url, naps), LOAD, T0, T0 + 9)
    assert naps.seconds == [7.0]


def test_a_retry_after_beyond_our_patience_ends_at_once() -> None:
    naps = _Naps()
    busy = Reply(status=429, headers={"retry-after": "3600"})
    with ScriptedServer(lambda _: busy) as server, pytest.raises(PrometheusBusyError):
        read_samples(_client(server.url, naps), LOAD, T0, T0 + 9)
    assert naps.seconds == []


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(PrometheusUnreachableError, match="can't be reached"):
        read_samples(_client(f"http://127.0.0.1:{free_port()}"), LOAD, T0, T0 + 9)


def test_a_span_that_is_too_much_is_halved_and_nothing_is_lost() -> None:
    def script(asked: Asked) -> Reply:
        if len(server.asked) in {1, 2}:
            return Reply(status=400, body=b"exceeded sample limit (5)")
        return Reply(body=reply(({}, [(T0 + len(server.asked), 1.0)])))

    with ScriptedServer(script) as server:
        samples = read_samples(_client(server.url), LOAD, T0, T0 + 86_399_999)
    # The whole, its first half, the two quarters of that, the second half.
    assert len(server.asked) == 5
    assert samples.times_ms.tolist() == [T0 + 3, T0 + 4, T0 + 5]


def test_a_limit_below_any_span_is_said() -> None:
    answer = Reply(status=400, body=b"exceeded sample limit (5)")
    with (
        ScriptedServer(lambda _: answer) as server,
        pytest.raises(QueryRefusedError, match="even 5 minutes of node_load1"),
    ):
        read_samples(_client(server.url), LOAD, T0, T0 + 86_399_999)


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        client = _client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=1)
        with pytest.raises(PrometheusUnreachableError, match="no answer within 1 s"):
            read_samples(client, LOAD, T0, T0 + 4 * 3_600_000)


def test_a_password_and_a_token_come_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_PASSWORD", "s3cret")
    monkeypatch.setenv("PROM_TOKEN", "abc.def")
    with ScriptedServer(lambda _: GOOD) as server:
        read_samples(_client(server.url, username="reader", password_variable="PROM_PASSWORD"), LOAD, T0, T0)
        read_samples(_client(server.url, bearer_token_variable="PROM_TOKEN"), LOAD, T0, T0)
    said = [
        {name.lower(): value for name, value in asked.headers.items()}["authorization"]
        for asked in server.asked
    ]
    assert said == ["Basic cmVhZGVyOnMzY3JldA==", "Bearer abc.def"]


def test_a_secret_that_is_not_there_is_named_but_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROM_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="The environment has no PROM_TOKEN"):
        _client("http://localhost:9090", bearer_token_variable="PROM_TOKEN")


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://user:pw@host:9090"},
        {"url": "host:9090"},
        {"url": "http://host", "username": "reader"},
        {"url": "http://host", "username": "r", "password_variable": "P", "bearer_token_variable": "T"},
        {"url": "http://host", "password": "s3cret"},
    ],
)
def test_options_that_contradict_or_hold_a_secret_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Access.model_validate(options)


def test_a_page_in_an_error_is_one_short_printable_line() -> None:
    page = Reply(body=b"<html>\x1b[31m\n" + b"x" * 9000, headers={"content-type": "text/html"})
    with ScriptedServer(lambda _: page) as server, pytest.raises(NotPrometheusError) as refused:
        read_samples(_client(server.url), LOAD, T0, T0 + 9)
    assert len(str(refused.value)) < 600
    assert "\x1b" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_result_of_another_shape_is_broken() -> None:
    answer = Reply(body=b'{"status": "success", "data": {"result": [{"metric": 3}]}}')
    with ScriptedServer(lambda _: answer) as server, pytest.raises(BrokenReplyError, match="no vector"):
        read_last_values(_client(server.url), LOAD, T0, T0 + 9)


def test_a_clock_that_is_not_told_in_time_is_transient() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        options = prometheus.Options(url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=1)
        with pytest.raises(PrometheusUnreachableError, match=r"does not answer time\(\)") as refused:
            list(prometheus.read_day(options, dt.date(2026, 2, 1), Path()))
    assert refused.value.exit_code == 75


def test_errors_of_a_prometheus_pickle() -> None:
    error = PrometheusBusyError("busy", url="http://h", retry_after_seconds=3.0)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.facts) == (PrometheusBusyError, error.facts)
