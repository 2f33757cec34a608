"""A real Request Tracker, started for the tests, and what people do in it."""

import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

SCRIPTS = Path(__file__).parents[2] / "services" / "request_tracker"


@dataclass(frozen=True)
class Server:
    """Where it is, and the tokens of ``pipeline``, ``reader`` and ``root``."""

    url: str
    tokens: dict[str, str]

    def call(self, method: str, path: str, document: object = None, who: str = "root") -> requests.Response:
        """Send one request as somebody; anything above 399 is a failure of the test."""
        reply = requests.request(
            method,
            f"{self.url}/REST/2.0{path}",
            json=document,
            headers={"Authorization": f"token {self.tokens[who]}"},
            timeout=30,
        )
        reply.raise_for_status()
        return reply

    def clear(self) -> None:
        """Delete every ticket of the queue."""
        query = {"query": "Queue = 'Hardware' AND Status != 'deleted'", "per_page": 100}
        for ticket in requests.get(
            f"{self.url}/REST/2.0/tickets",
            params=query,
            headers={"Authorization": f"token {self.tokens['root']}"},
            timeout=30,
        ).json()["items"]:
            self.call("DELETE", f"/ticket/{ticket['id']}")


@contextmanager
def run_server(folder: Path) -> Iterator[Server]:
    """Start Request Tracker in an empty folder and end it with the block."""
    if shutil.which("rt-setup-database-5") is None:
        raise AssertionError("Request Tracker is not installed; run: infra/install_test_servers.sh")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(SCRIPTS / "start.sh"), str(folder), str(port)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, port, folder)
        yield Server(
            url=f"http://127.0.0.1:{port}", tokens=json.loads((folder / "tokens.json").read_text("utf-8"))
        )
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = (folder / "server.log").read_text("utf-8", "replace")[-1000:]
            setup = folder / "setup.log"
            raise AssertionError(
                f"Request Tracker did not start: {said} {setup.read_text() if setup.exists() else ''}"
            )
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("Request Tracker did not answer within two minutes")


@dataclass(frozen=True)
class TrackerPeople:
    """Persons with every right, at work in RT."""

    server: Server

    def close(self, ticket_id: str) -> None:
        self.server.call("PUT", f"/ticket/{ticket_id}", {"Status": "resolved"})

    def set_outcome(self, ticket_id: str, outcome: str) -> None:
        self.server.call("PUT", f"/ticket/{ticket_id}", {"CustomFields": {"PrefailOutcome": outcome}})

    def set_key(self, ticket_id: str, key: str | None) -> None:
        self.server.call("PUT", f"/ticket/{ticket_id}", {"CustomFields": {"PrefailKey": key or ""}})

    def set_text(self, ticket_id: str, text: str) -> None:
        self.server.call("PUT", f"/ticket/{ticket_id}", {"CustomFields": {"PrefailText": text}})

    def say(self, ticket_id: str, text: str) -> None:
        self.server.call(
            "POST", f"/ticket/{ticket_id}/comment", {"Content": text, "ContentType": "text/plain"}
        )

    def delete(self, ticket_id: str) -> None:
        self.server.call("DELETE", f"/ticket/{ticket_id}")
