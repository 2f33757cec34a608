"""Take an answer's body off the wire, in time and checked against the digest that was stored with it."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol, cast

from pipelines.s3.errors import DamagedBodyError
from pipelines.s3.retries import RetryPolicy

# Small, so that a body that trickles is given up soon after the time limit.
_CHUNK_BYTES = 65_536


class _Body(Protocol):
    def iter_chunks(self, chunk_size: int) -> Iterator[bytes]: ...

    def close(self) -> None: ...


def read_body(reply: Mapping[str, object], policy: RetryPolicy) -> bytes:
    """Return the body; ``DamagedBodyError`` if it is too short, too slow or not what was written.

    The digest is of the whole object: an answer to a range has its length checked only.
    """
    body = cast("_Body", reply["Body"])
    started = policy.clock()
    chunks = []
    try:
        for chunk in body.iter_chunks(_CHUNK_BYTES):
            chunks.append(chunk)
            if policy.clock() - started > policy.time_limit_seconds:
                raise DamagedBodyError(f"the answer took longer than {policy.time_limit_seconds:.0f} s")
    finally:
        body.close()
    data = b"".join(chunks)
    expected = reply.get("ContentLength")
    if expected is not None and len(data) != expected:
        raise DamagedBodyError(f"{len(data):,} of {expected:,} bytes arrived")
    metadata = reply.get("Metadata")
    sha256 = metadata.get("sha256") if isinstance(metadata, dict) and "ContentRange" not in reply else None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedBodyError("the bytes that arrived have another SHA-256 than those written")
    return data
