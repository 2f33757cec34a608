"""The one door to a Prometheus: one HTTP request at a time, tried again while that may help.

Whatever the server does wrong becomes one of ``pipelines.prometheus.errors`` here.
"""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import urllib3

from pipelines.errors import TransientError
from pipelines.prometheus.access import Access, login_headers, tls_context
from pipelines.prometheus.errors import (
    BrokenReplyError,
    LoginRefusedError,
    NotPrometheusError,
    PrometheusBusyError,
    PrometheusUnreachableError,
    QueryRefusedError,
    TlsRefusedError,
    TooMuchError,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_REPLY_BYTES = 512 << 20
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_BUSY = frozenset({429, 502, 503, 504})
_AGAIN = "Nothing was written. Re-run that day."


class PrometheusClient:
    """One server. Used by one or more threads at once."""

    def __init__(
        self, access: Access, base_folder: Path, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.access = access
        self._sleep = sleep
        self._login = login_headers(access)
        self._pool = urllib3.PoolManager(
            maxsize=4,
            retries=False,
            timeout=urllib3.Timeout(connect=min(10, access.timeout_seconds), read=access.timeout_seconds),
            ssl_context=tls_context(access, base_folder),
        )

    def post(self, path: str, body: bytes, headers: dict[str, str], read: Callable[[bytes], T]) -> T:
        """Return what ``read`` makes of the reply's body; a reply it can't read is asked for again."""
        return self._until_patience_ends(lambda: self._attempt(path, body, headers, read))

    def ask_json(self, path: str, **parameters: str) -> object:
        """Return the ``data`` of a reply of the HTTP interface."""
        # POST, because an address has a length limit and a query may be longer.
        body = urlencode(parameters).encode()
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        return self._until_patience_ends(lambda: self._attempt(path, body, headers, _read_json))

    def _until_patience_ends(self, attempt: Callable[[], T]) -> T:
        waited, pause = 0.0, _FIRST_PAUSE_SECONDS
        while True:
            try:
                return attempt()
            except TransientError as error:
                asked = error.facts.get("retry_after_seconds")
                wait = float(asked) if isinstance(asked, int | float) else pause
                if waited + wait > self.access.patience_seconds:
                    raise
                log.info(f"asking Prometheus again: waited_seconds={waited:.0f} because={error}")
                self._sleep(wait)
                waited += wait
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _attempt(self, path: str, body: bytes, headers: dict[str, str], read: Callable[[bytes], T]) -> T:
        url = f"{self.access.url}{path}"
        try:
            response = self._pool.request(
                "POST",
                url,
                body=body,
                headers={**headers, **self._login, "user-agent": "prefail"},
                preload_content=False,
                decode_content=False,
                redirect=False,
            )
            try:
                content = _read_bounded(response)
            finally:
                response.release_conn()
        except urllib3.exceptions.ReadTimeoutError as late:
            # More patience would not help where the question is too large; the caller asks for less.
            raise TooMuchError(
                f"no answer within {self.access.timeout_seconds} s", url=url, is_late=True
            ) from late
        except (urllib3.exceptions.SSLError, urllib3.exceptions.LocationParseError) as refused:
            raise TlsRefusedError(
                f"{self.access.url} and we do not agree on certificates: {refused}. Nothing was read. "
                "Correct url, ca_bundle or client_certificate of the source.",
                url=url,
            ) from refused
        except (urllib3.exceptions.IncompleteRead, urllib3.exceptions.ProtocolError) as broken:
            if isinstance(broken.args[-1] if broken.args else None, ConnectionRefusedError):
                raise self._unreachable(broken) from broken
            raise BrokenReplyError(
                f"{self.access.url} broke off in the middle of a reply ({broken}). {_AGAIN}", url=url
            ) from broken
        except urllib3.exceptions.HTTPError as failed:
            raise self._unreachable(failed) from failed
        self._check_status(response, content, url)
        try:
            return read(content)
        except ValueError as broken:
            raise BrokenReplyError(
                f"{self.access.url} sent a reply that can't be read: {broken}. {_AGAIN}", url=url
            ) from broken

    def _unreachable(self, failed: Exception) -> PrometheusUnreachableError:
        return PrometheusUnreachableError(
            f"{self.access.url} can't be reached: {failed}. {_AGAIN}", url=self.access.url
        )

    def _check_status(self, response: urllib3.BaseHTTPResponse, content: bytes, url: str) -> None:
        status, kind = response.status, response.headers.get("content-type", "")
        said = _one_line(content)
        if status in {401, 403}:
            raise LoginRefusedError(
                f"{self.access.url} refuses our login ({status}: {said}). Nothing was read. "
                "Correct username, password_variable or bearer_token_variable of the source.",
                url=url,
                status=status,
            )
        if status in _BUSY:
            raise PrometheusBusyError(
                f"{self.access.url} is busy or restarting ({status}: {said}). {_AGAIN}",
                url=url,
                status=status,
                retry_after_seconds=_seconds(response.headers.get("retry-after")),
            )
        if status == 413 or (status in {400, 422} and _is_about_size(said)):
            raise TooMuchError(f"{status}: {said}", url=url, status=status)
        if kind.startswith("text/html") or 300 <= status < 400 or status == 404:
            raise NotPrometheusError(
                f"{url} is no Prometheus: it answers {status} with {kind or 'nothing'} ({said}). "
                "Nothing was read. Correct the source's url; behind a login page, ask for a token.",
                url=url,
                status=status,
            )
        if 400 <= status < 500:
            raise QueryRefusedError(
                f"{self.access.url} will not answer ({status}: {said}). Nothing was read.",
                url=url,
                status=status,
            )
        if status != 200:
            raise PrometheusBusyError(
                f"{self.access.url} failed ({status}: {said}). {_AGAIN}", url=url, status=status
            )


def _read_bounded(response: urllib3.BaseHTTPResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read(1 << 20, decode_content=False):
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            response.close()
            raise TooMuchError(f"a reply of more than {MAX_REPLY_BYTES >> 20} MiB")
        chunks.append(chunk)
    return b"".join(chunks)


def _read_json(content: bytes) -> object:
    document = json.loads(content)
    if not isinstance(document, dict) or document.get("status") != "success":
        raise ValueError(f"not a result: {_one_line(content)}")
    return document.get("data")


def _is_about_size(said: str) -> bool:
    return any(
        word in said for word in ("sample limit", "too many samples", "maximum resolution", "too large")
    )


def _one_line(content: bytes) -> str:
    """The first words of a reply, for a message: printable, on one line, never the whole of a page."""
    text = content[:300].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _seconds(text: str | None) -> float | None:
    # The other form, a date, needs the server's clock to agree with ours; our own pause does as well.
    return float(text) if text is not None and text.isdecimal() else None
