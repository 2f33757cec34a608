"""Send an object in one piece, or in parts that appear together at the end.

A conditional write is one request whatever its size: AWS decides a condition on the completion of
parts atomically, but SeaweedFS 4.48 let up to four of four racing completions win.
"""

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pipelines.s3.errors import FOREIGN_ERRORS, LOST, error_code

# S3 wants at least 5 MiB a part and at most 10,000 parts.
_PART_BYTES = 16 * 2**20
_MAX_PARTS = 10_000
_N_THREADS = 4

Result = TypeVar("Result")


class Send(Protocol):
    """Send one request to the bucket and return its answer."""

    def __call__(self, operation: str, **arguments: object) -> dict[str, object]: ...


class Retry(Protocol):
    """Call a function with the number of the attempt until it works; ``GaveUpError`` if it never does."""

    def __call__(self, attempt: Callable[[int], Result], /) -> Result: ...


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What to store where. ``condition`` is If-None-Match or If-Match, or nothing.

    ``is_ours`` says whether the stored object comes from this very upload.
    """

    send: Send
    retry: Retry
    key: str
    data: bytes
    condition: Mapping[str, str]
    stored_as: Mapping[str, object]
    is_ours: Callable[[], bool]

    def conclude(self, operation: str, attempt: int, **arguments: object) -> str:
        """Send the request that makes the object visible, and return its etag.

        If an earlier attempt's answer was lost on the way, its success shows as a lost race with
        ourselves: that is no loss.
        """
        try:
            reply = self.send(operation, Key=self.key, **arguments, **self.condition)
        except FOREIGN_ERRORS as error:
            is_refused = bool(self.condition) and error_code(error) in LOST
            was_gone = error_code(error) == "NoSuchUpload"
            if attempt > 1 and (is_refused or was_gone) and self.is_ours():
                reply = self.send("head_object", Key=self.key)
            else:
                raise
        return str(reply["ETag"])


def upload_whole(upload: Upload) -> str:
    """Store the object in one request; the server checks its SHA-256."""
    return upload.retry(
        lambda attempt: upload.conclude(
            "put_object", attempt, Body=upload.data, ChecksumAlgorithm="SHA256", **upload.stored_as
        )
    )


def upload_in_parts(upload: Upload) -> str:
    """Store the object in parts, side by side; it appears when they are put together.

    Given up half-way, the parts are removed; where even that fails, the bucket's lifecycle does it.
    """
    started = upload.retry(
        lambda _: upload.send(
            "create_multipart_upload", Key=upload.key, ChecksumAlgorithm="SHA256", **upload.stored_as
        )
    )
    upload_id = started["UploadId"]
    assert not upload.condition, "a conditional write goes in one piece"
    try:
        size = max(_PART_BYTES, -(-len(upload.data) // _MAX_PARTS))
        offsets = range(0, len(upload.data), size)
        with ThreadPoolExecutor(_N_THREADS) as threads:
            send_part = functools.partial(_send_part, upload, upload_id, size)
            parts = list(threads.map(send_part, range(1, len(offsets) + 1), offsets))
        return upload.retry(
            lambda attempt: upload.conclude(
                "complete_multipart_upload", attempt, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        )
    except BaseException:
        _abort(upload, upload_id)
        raise


def _send_part(upload: Upload, upload_id: object, size: int, number: int, offset: int) -> dict[str, object]:
    reply = upload.retry(
        lambda _: upload.send(
            "upload_part",
            Key=upload.key,
            UploadId=upload_id,
            PartNumber=number,
            Body=upload.data[offset : offset + size],
            ChecksumAlgorithm="SHA256",
        )
    )
    part = {"PartNumber": number, "ETag": reply["ETag"]}
    # AWS wants the checksum back; a server that keeps none gives none.
    return {**part, "ChecksumSHA256": reply["ChecksumSHA256"]} if "ChecksumSHA256" in reply else part


def _abort(upload: Upload, upload_id: object) -> None:
    try:
        upload.send("abort_multipart_upload", Key=upload.key, UploadId=upload_id)
    except FOREIGN_ERRORS:
        return
