"""The one door to trackers over HTTP: time-outs, retries, and every bad reply in our words.

A request lives at most ``_CONNECT_SECONDS`` to connect, ``_REPLY_SECONDS`` for the reply's pieces and
``timeout_seconds`` for the last of them; ``LONGEST_CALL_SECONDS`` is that with all repetitions and pauses.
"""

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import requests

from pipelines.errors import PrefailError
from pipelines.tickets.remote import http_errors
from pipelines.tickets.remote.options import LONGEST_TIMEOUT_SECONDS, HttpOptions
from pipelines.tickets.remote.reply import Reply, Scalar, read_retry_after

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 1.0
# A longer wish is the scheduler's to grant: it retries the whole step, which goes on where it stopped.
_LONGEST_PAUSE_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_REPLY_SECONDS = 60.0
_REPLY_BYTES = 64 * 1024 * 1024
_BUSY = frozenset({502, 503, 504})
_ONE_ATTEMPT_SECONDS = _CONNECT_SECONDS + _REPLY_SECONDS + LONGEST_TIMEOUT_SECONDS
LONGEST_CALL_SECONDS = _ATTEMPTS * _ONE_ATTEMPT_SECONDS + (_ATTEMPTS - 1) * _LONGEST_PAUSE_SECONDS


def _read_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(kw_only=True)
class HttpDoor:
    """Requests to one tracker. ``headers`` hold the credentials; ``secrets`` are kept out of errors.

    ``n_calls`` counts the requests sent, repeated ones too. Where ``is_reply_read`` is false only the status
    of a reply counts, not what is in it.
    """

    options: HttpOptions
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], dt.datetime] = _read_clock
    is_reply_read: bool = True
    n_calls: int = 0

    def __post_init__(self) -> None:
        self.options.check_encryption()
        self._session = requests.Session()
        # Given as a function, or requests would let an entry of ~/.netrc win over our header.
        self._session.auth = self._sign

    def get(self, path: str, params: Mapping[str, Scalar] | None = None) -> Reply:
        """Read; repeated as often as it takes."""
        return self.send("GET", path, params=params)

    def send(
        self,
        method: Method,
        path: str,
        *,
        params: Mapping[str, Scalar] | None = None,
        document: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool | None = None,
    ) -> Reply:
        """Return a reply below 400, as JSON.

        A request that is not repeatable (POST, unless said otherwise) is sent again only where the tracker
        surely did nothing: it could not be reached, or asked us to come back later (429).

        ``TrackerError`` where trying again may help; then ``had_no_effect`` among its facts says whether
        the request surely did nothing. ``PermanentError`` where a person must act.
        """
        repeatable = method != "POST" if is_repeatable is None else is_repeatable
        data = body if document is None else json.dumps(document).encode()
        sent = {"Accept": "application/json", **(headers or {})}
        if document is not None:
            sent["Content-Type"] = "application/json"
        for attempt in range(_ATTEMPTS):
            pause = _FIRST_PAUSE_SECONDS * 2**attempt
            try:
                reply = self._send_once(method, path, params, data, sent)
            except requests.RequestException as error:
                mine = http_errors.translate(error, self._place(method, path))
                may_repeat = repeatable or mine.facts.get("had_no_effect") is True
                if mine.exit_code != 75 or not may_repeat or attempt == _ATTEMPTS - 1:
                    raise self._clean(mine) from None
            else:
                problem = http_errors.judge(
                    reply, self._place(method, path), self.clock(), is_reply_read=self.is_reply_read
                )
                if problem is None:
                    return reply
                asked = read_retry_after(reply, self.clock())
                pause = max(pause, asked or 0.0)
                may_repeat = reply.is_rate_limit() or (reply.status in _BUSY and repeatable)
                if not may_repeat or pause > _LONGEST_PAUSE_SECONDS or attempt == _ATTEMPTS - 1:
                    raise self._clean(problem) from None
            self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _send_once(
        self,
        method: Method,
        path: str,
        params: Mapping[str, Scalar] | None,
        data: bytes | None,
        headers: Mapping[str, str],
    ) -> Reply:
        self.n_calls += 1
        started = time.monotonic()
        with self._session.request(
            method,
            self.options.url + path,
            params=params,
            data=data,
            headers=headers,
            timeout=(min(_CONNECT_SECONDS, self.options.timeout_seconds), self.options.timeout_seconds),
            # With each request: REQUESTS_CA_BUNDLE of the environment goes before what a session says.
            verify=self.options.ca_bundle,
            allow_redirects=False,
            stream=True,
        ) as response:
            content = b""
            for piece in response.iter_content(65536):
                content += piece
                if len(content) > _REPLY_BYTES or time.monotonic() - started > _REPLY_SECONDS:
                    raise requests.Timeout(f"a reply of {len(content):,} bytes that does not end")
            return Reply(status=response.status_code, headers=dict(response.headers), content=content)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers)
        return request

    def _place(self, method: Method, path: str) -> str:
        return f"{method} {self.options.url}{path}"

    def _clean(self, error: PrefailError) -> PrefailError:
        """Return the error without any secret that a server may have sent back to us."""
        message = error.message
        facts = dict(error.facts)
        for secret in self.secrets:
            message = message.replace(secret, "(secret)")
            facts = {
                name: value.replace(secret, "(secret)") if isinstance(value, str) else value
                for name, value in facts.items()
            }
        return type(error)(message, **facts)
