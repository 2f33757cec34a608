"""A TCP proxy before the S3 server that breaks things on purpose: for chosen requests only."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.object_storage.seaweed_server import SeaweedServer

_CHUNK = 65_536


@dataclass(frozen=True, kw_only=True)
class CannedAnswer:
    """An error as AWS words it."""

    status: int
    code: str
    headers: tuple[tuple[str, str], ...] = ()

    def to_bytes(self, is_head: bool) -> bytes:
        body = f"<Error><Code>{self.code}</Code><Message>{self.code}</Message></Error>".encode()
        lines = [f"HTTP/1.1 {self.status} No", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if is_head else body)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What to do with a request whose head ``applies``, at most ``times`` times (None: always).

    ``answer``: without asking the server. Otherwise the request is passed on, with the last byte of
    its body changed if ``damage_request``. Of the answer ``reset_after`` bytes come before the
    connection is reset, ``flip_at`` is the byte after the head that is changed, and
    ``delay_seconds`` pass before the first byte.
    """

    applies: Callable[[bytes], bool]
    times: int | None = None
    answer: CannedAnswer | None = None
    damage_request: bool = False
    reset_after: int | None = None
    flip_at: int | None = None
    delay_seconds: float = 0.0


@dataclass(kw_only=True)
class FaultProxy:
    """One connection per request: each answer is closed, so that each request can be broken on its own."""

    server: SeaweedServer
    faults: list[Fault] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    _used: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def add(self, fault: Fault) -> None:
        self.faults.append(fault)

    def answer_if(self, applies: Callable[[bytes], bool], answer: CannedAnswer) -> None:
        self.add(Fault(applies=applies, answer=answer))

    def reset_every_connection(self) -> None:
        self.faults.insert(0, Fault(applies=lambda _: True, reset_after=0))

    def times_used(self, fault: Fault) -> int:
        """Return how often a fault struck; a test whose fault never did has shown nothing."""
        return self._used.get(id(fault), 0)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                request = _read_head(client)
                if request is None:
                    return
                head, rest = request
                fault = self._choose(head)
                if fault is not None and fault.answer is not None:
                    # The body must be taken first, or the client sees a reset instead of the answer.
                    _read_body(client, head, rest)
                    client.sendall(fault.answer.to_bytes(head.startswith(b"HEAD")))
                    return
                self._pass_on(client, head, rest, fault)
            except OSError:
                return

    def _choose(self, head: bytes) -> Fault | None:
        with self._lock:
            self.heads.append(head)
            for fault in self.faults:
                used = self._used.get(id(fault), 0)
                if fault.applies(head) and (fault.times is None or used < fault.times):
                    self._used[id(fault)] = used + 1
                    return fault
        return None

    def _pass_on(self, client: socket.socket, head: bytes, rest: bytes, fault: Fault | None) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as server:
            dropped = (b"connection:", b"expect:")
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(dropped)]
            # The empty line that ends the head is the last two; "close" goes before them.
            server.sendall(b"\r\n".join([*lines[:-2], b"Connection: close", *lines[-2:]]))
            body = _read_body(client, head, rest)
            if fault is not None and fault.damage_request:
                body = body[:-1] + bytes([body[-1] ^ 0xFF])
            server.sendall(body)
            self._pass_back(server, client, fault)

    @staticmethod
    def _pass_back(server: socket.socket, client: socket.socket, fault: Fault | None) -> None:
        answer = b""
        if fault is None:
            while chunk := server.recv(_CHUNK):
                client.sendall(chunk)
            return
        while chunk := server.recv(_CHUNK):
            answer += chunk
        time.sleep(fault.delay_seconds)
        if fault.reset_after is not None:
            client.sendall(answer[: fault.reset_after])
            # Linger 0: the close is a reset, not an end.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        if fault.flip_at is not None:
            at = answer.index(b"\r\n\r\n") + 4 + fault.flip_at
            answer = answer[:at] + bytes([answer[at] ^ 0xFF]) + answer[at + 1 :]
        client.sendall(answer)


def _read_head(client: socket.socket) -> tuple[bytes, bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(_CHUNK)
        if not chunk:
            return None
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _body_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _read_body(client: socket.socket, head: bytes, rest: bytes) -> bytes:
    """Read the whole body: a connection that somebody still reads from can't be reset."""
    if b"expect: 100-continue" in head.lower():
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunks = [rest]
    missing = _body_length(head) - len(rest)
    while missing > 0 and (chunk := client.recv(min(_CHUNK, missing))):
        chunks.append(chunk)
        missing -= len(chunk)
    return b"".join(chunks)
