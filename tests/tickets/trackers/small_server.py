"""A small HTTP server for tests: real sockets, one method of a subclass a request, trouble on demand."""

import datetime as dt
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """What arrived. ``path`` is as sent, without the query."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def parts(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]


@dataclass(frozen=True)
class Answer:
    """What goes back: a document as JSON, or bytes as they are."""

    status: int
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)


class SmallServer:
    """Answers by ``answer``; keeps every request; ``troubles`` go out first, one a request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.troubles: list[Answer | None] = []
        self.url = ""
        self.lock = threading.Lock()

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def now(self) -> str:
        return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


@contextmanager
def serve(server: SmallServer, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    """Run a server on a free port of loopback. A trouble of null closes the connection without a word."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            split = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                method=self.command,
                path=split.path,
                query=dict(parse_qsl(split.query, keep_blank_values=True)),
                headers=dict(self.headers.items()),
                body=self.rfile.read(length),
            )
            with server.lock:
                server.requests.append(request)
                answer = server.troubles.pop(0) if server.troubles else server.answer(request)
            if answer is None:
                self.close_connection = True
                return
            is_bytes = isinstance(answer.document, bytes)
            content = answer.document if is_bytes else json.dumps(answer.document).encode()
            if answer.status == 204 or answer.document is None:
                content = b""
            assert isinstance(content, bytes)
            # Not send_response: it would add a Date of its own beside the answer's.
            self.send_response_only(answer.status)
            headers = {"Date": self.date_time_string(), "Content-Type": "application/json", **answer.headers}
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815  the base class calls them so

        def log_message(self, *arguments: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: object) -> None:
            return  # A client that refuses our certificate hangs up: that is a test, not an error.

    listener = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
