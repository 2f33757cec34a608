"""The door to trackers: every bad reply has its own error, no secret gets out, and patience has an end."""

import datetime as dt
import ipaddress
import pickle
import socket
import ssl
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from small_server import Answer, Request, SmallServer, serve

from pipelines.errors import ConfigError, PermanentError, PrefailError, TrackerError
from pipelines.tickets.claimed_tracker import CLAIM_WAIT
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import LONGEST_CALL_SECONDS, HttpDoor
from pipelines.tickets.remote.options import HttpOptions
from pipelines.tickets.ticket_errors import is_without_effect

SECRET = "secret-token-0123456789"
HTML = {"Content-Type": "text/html"}


class Echo(SmallServer):
    """Answers with a document, once its troubles are through."""

    def answer(self, request: Request) -> Answer:
        return Answer(200, {"ok": True})


@pytest.fixture
def server() -> Iterator[Echo]:
    server = Echo()
    with serve(server):
        yield server


@pytest.fixture
def pauses() -> list[float]:
    return []


def open_door(url: str, pauses: list[float], **options: object) -> HttpDoor:
    return HttpDoor(
        options=HttpOptions.model_validate({"url": url, **options}),
        headers={"Authorization": f"Bearer {SECRET}"},
        secrets=(SECRET,),
        sleep=pauses.append,
    )


@pytest.fixture
def door(server: Echo, pauses: list[float]) -> HttpDoor:
    return open_door(server.url, pauses)


def fail(door: HttpDoor, method: str = "GET") -> PrefailError:
    with pytest.raises((PermanentError, TrackerError)) as caught:
        door.send(method, "/x", document=None if method == "GET" else {})
    error = caught.value
    assert "The published list is not affected" in str(error)
    assert SECRET not in str(error) + repr(error.facts) + repr(door)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401, {}), PermanentError, "credentials are not accepted"),
        (Answer(403, {"message": "no right"}), PermanentError, r"'{\"message\": \"no right\"}'.*lacks a right"),
        (Answer(404, {}), PermanentError, "no such thing"),
        (Answer(412, {}), TrackerError, "Somebody else changed the ticket"),
        (Answer(422, {}), PermanentError, "does not accept what was sent"),
        (Answer(302, {}, {"Location": "http://evil.example/?x=1"}), PermanentError, r"redirects to 'http://evil.example/'"),
        (Answer(200, b"<!DOCTYPE html>Log in", HTML), PermanentError, "a web page instead of data.*Log in"),
        (Answer(200, b"surprise", {"Content-Type": "text/plain"}), PermanentError, "no JSON instead of data"),
        (Answer(200, b"<html>said to be JSON</html>"), PermanentError, "a web page instead"),
        (Answer(400, b"<html>proxy</html>", HTML), PermanentError, "400 with a web page"),
    ],
)  # fmt: skip
def test_each_bad_reply_has_its_own_error_and_is_not_repeated(
    server: Echo, door: HttpDoor, pauses: list[float], answer: Answer, kind: type[PrefailError], words: str
) -> None:
    server.troubles.append(answer)
    error = fail(door)
    assert isinstance(error, kind)
    with pytest.raises(kind, match=words):
        raise error
    assert (len(server.requests), pauses) == (1, [])


def test_a_redirect_never_takes_the_credentials_along(server: Echo, door: HttpDoor) -> None:
    other = Echo()
    with serve(other):
        server.troubles.append(Answer(307, {}, {"Location": f"{other.url}/x"}))
        fail(door)
    assert other.requests == []


@pytest.mark.parametrize(
    "trouble", [Answer(502), Answer(503, b"<html>", {"Content-Type": "text/html"}), None]
)
def test_reading_is_repeated_with_growing_pauses(
    server: Echo, door: HttpDoor, pauses: list[float], trouble: Answer | None
) -> None:
    server.troubles += [trouble, trouble, trouble]
    assert door.get("/x").status == 200
    assert pauses == [1.0, 2.0, 4.0]
    server.troubles += [trouble] * 4
    assert isinstance(fail(door), TrackerError)
    assert not is_without_effect(fail_with(server, door, trouble))


def fail_with(server: Echo, door: HttpDoor, trouble: Answer | None) -> PrefailError:
    server.troubles += [trouble] * 4
    return fail(door)


@pytest.mark.parametrize("trouble", [Answer(500, {}), Answer(502), None])
def test_opening_is_not_repeated_where_it_may_have_worked(
    server: Echo, door: HttpDoor, trouble: Answer | None
) -> None:
    server.troubles.append(trouble)
    error = fail(door, "POST")
    assert len(server.requests) == 1
    assert isinstance(error, TrackerError)
    assert not is_without_effect(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "answer",
    [Answer(429, {}, {"Retry-After": "7"}), Answer(403, {}, {"Retry-After": "7"})],
    ids=["429", "GitHub's 403"],
)
def test_a_rate_limit_is_waited_out_as_long_as_it_asks(
    server: Echo, door: HttpDoor, pauses: list[float], method: str, answer: Answer
) -> None:
    server.troubles.append(answer)
    assert door.send(method, "/x").status == 200
    assert pauses == [7.0]


def test_a_date_or_an_epoch_as_the_end_of_a_rate_limit_is_understood(
    server: Echo, door: HttpDoor, pauses: list[float]
) -> None:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40)
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(end.timestamp()))}
    server.troubles += [
        Answer(429, {}, {"Retry-After": format_datetime(end, usegmt=True)}),
        Answer(403, {}, used_up),
    ]
    door.get("/x")
    assert all(30 < pause <= 41 for pause in pauses)
    assert len(pauses) == 2


def test_a_longer_limit_is_left_to_the_scheduler_who_is_told_how_long(
    server: Echo, door: HttpDoor, pauses: list[float]
) -> None:
    server.troubles.append(Answer(429, {}, {"Retry-After": "3600"}))
    error = fail(door, "POST")
    assert (error.exit_code, error.facts["retry_after_seconds"], pauses) == (75, 3600.0, [])
    assert is_without_effect(error)
    assert "in 3,600 seconds: it goes on where this one stopped" in str(error)


def test_a_clock_that_is_off_is_named_before_anything_is_changed(server: Echo, door: HttpDoor) -> None:
    off = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    server.troubles += [Answer(200, {}, {"Date": format_datetime(off, usegmt=True)})]
    error = fail(door)
    assert isinstance(error, PermanentError)
    assert "the tracker's clock says" in str(error)
    assert "NTP" in str(error)
    # A cached reply is old on purpose.
    server.troubles += [Answer(200, {}, {"Date": format_datetime(off, usegmt=True), "Age": "86400"})]
    assert door.get("/x").status == 200


def test_a_secret_that_the_server_sends_back_is_blotted_out(server: Echo, door: HttpDoor) -> None:
    server.troubles.append(Answer(400, {"message": f"bad header Bearer {SECRET}"}))
    assert "(secret)" in str(fail(door))


def test_a_reply_of_control_characters_reaches_no_log(server: Echo, door: HttpDoor) -> None:
    server.troubles.append(Answer(400, b"\x1b[31mred\x00\r\nINFO faked line", {"Content-Type": "text/plain"}))
    message = str(fail(door))
    assert message.isprintable()


def test_a_tracker_that_is_not_there_had_no_effect(pauses: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    error = fail(open_door(url, pauses), "POST")
    assert isinstance(error, TrackerError)
    assert "could not be reached" in str(error)
    assert is_without_effect(error)
    assert len(pauses) == 3


def test_a_tracker_that_never_answers_is_given_up_in_time(pauses: list[float]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        door = open_door(f"http://127.0.0.1:{silent.getsockname()[1]}", pauses, timeout_seconds=0.2)
        error = fail(door, "POST")
    assert "gave no answer in time" in str(error)
    assert not is_without_effect(error)
    assert door.n_calls == 1


def write_certificate(folder: Path, *, address: str, days: tuple[int, int]) -> ssl.SSLContext:
    """Write a certificate of its own authority, valid from and to so many days from now, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tracker.test.invalid")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(
    ("address", "days", "is_trusted", "words"),
    [
        ("127.0.0.1", (-1, 1), True, None),
        ("127.0.0.1", (-1, 1), False, "signed by itself or by an unknown authority"),
        ("127.0.0.1", (-9, -1), True, "expired: or is this machine's clock wrong"),
        ("127.0.0.1", (1, 9), True, "not valid yet: is this machine's clock right"),
        ("10.0.0.1", (-1, 1), True, "it is for another address"),
    ],
)
def test_only_a_right_certificate_is_accepted_and_the_error_says_what_is_wrong(
    tmp_path: Path,
    pauses: list[float],
    address: str,
    days: tuple[int, int],
    is_trusted: bool,
    words: str | None,
) -> None:
    server = Echo()
    options = {"ca_bundle": str(tmp_path / "certificate.pem")} if is_trusted else {}
    with serve(server, write_certificate(tmp_path, address=address, days=days)):
        door = open_door(server.url, pauses, **options)
        if words is None:
            assert door.get("/x").status == 200
            return
        error = fail(door, "POST")
    assert words in str(error)
    assert "tickets.options.ca_bundle" in str(error)
    assert isinstance(error, PermanentError)
    assert is_without_effect(error)
    assert server.requests == []


def test_a_claim_outlasts_the_longest_search_and_creation() -> None:
    assert dt.timedelta(seconds=2 * LONGEST_CALL_SECONDS) < CLAIM_WAIT


def test_credentials_are_not_sent_in_the_clear_to_other_machines() -> None:
    with pytest.raises(ConfigError, match=r"unencrypted.*Use https"):
        HttpDoor(options=HttpOptions(url="http://tracker.test.invalid"), headers={})
    HttpDoor(options=HttpOptions(url="http://tracker.test.invalid", allow_plain_http=True), headers={})
    HttpDoor(options=HttpOptions(url="http://localhost:8080/rt"), headers={})
    with pytest.raises(ConfigError, match="unencrypted"):
        HttpDoor(options=HttpOptions(url="http://127.0.0.1.evil.example"), headers={})


def test_a_bundle_of_certificates_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    options = HttpOptions(url="https://tracker.test.invalid", ca_bundle=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"none\.pem does not exist"):
        HttpDoor(options=options, headers={})


def test_a_netrc_entry_does_not_replace_our_credentials(
    server: Echo, door: HttpDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    door.get("/x")
    assert server.requests[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_credentials_come_from_the_environment_and_never_show() -> None:
    environ = {"PREFAIL_TRACKER_USER": "me", "PREFAIL_TRACKER_PASSWORD": "pass", "PREFAIL_TRACKER_TOKEN": ""}
    credentials = TrackerCredentials.from_environment(environ)
    assert credentials.as_basic() == "Basic bWU6cGFzcw=="
    assert "pass" not in repr(credentials)
    assert list(credentials.list_secrets()) == ["bWU6cGFzcw==", "pass"]
    with pytest.raises(ConfigError, match="set PREFAIL_TRACKER_TOKEN in the environment"):
        credentials.as_token()
    with pytest.raises(ConfigError, match="set PREFAIL_TRACKER_USER and PREFAIL_TRACKER_PASSWORD"):
        TrackerCredentials.from_environment({}).as_basic()
