"""Objects below ``s3://bucket/prefix``: written whole with checksums, read whole or by range, listed.

Works with AWS and with servers that speak its protocol (``lake.endpoint_url``, ``lake.path_style``).
Every object carries the SHA-256 of its content as metadata, so that a reader can check it whole,
also where it was uploaded in parts; and the id of the write, so that a repeated request whose first
answer was lost knows its own work.
"""

import functools
import hashlib
import mimetypes
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Self, TypeVar

from pipelines.errors import PermanentError, PrefailError, WriteLostError
from pipelines.lake_settings import LakeSettings
from pipelines.object_store import ObjectInfo, check_key
from pipelines.s3.body import read_body
from pipelines.s3.client import open_client
from pipelines.s3.errors import FOREIGN_ERRORS, LOST, MISSING, error_code, translate_error, wrong_account
from pipelines.s3.ranged_object import RangedObject
from pipelines.s3.retries import GaveUpError, RetryPolicy
from pipelines.s3.uploads import Upload, upload_in_parts, upload_whole

if TYPE_CHECKING:
    from botocore.client import BaseClient

Result = TypeVar("Result")

_BYTES_PER_MB = 1_000_000
# A week is the most that signature version 4 allows.
_LONGEST_LINK_SECONDS = 7 * 24 * 3600
_NO_BODY = frozenset({"400", "403"})


class S3Store:
    """An ``ObjectStore`` on S3. ``requests`` counts what was sent, by operation, retries included."""

    def __init__(self, client: "BaseClient", root: str, options: LakeSettings) -> None:
        bucket, _, prefix = root.removeprefix("s3://").partition("/")
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options = options
        self._policy = RetryPolicy(time_limit_seconds=options.time_limit_seconds)
        self._is_bucket_known = False
        self._counting = threading.Lock()
        self.requests: Counter[str] = Counter()
        self.root = f"s3://{bucket}/{self._prefix}".rstrip("/")

    @classmethod
    def open(cls, root: str, options: LakeSettings | None = None) -> Self:
        """Open ``s3://bucket/prefix`` with the settings' endpoint and credentials, else the AWS chain's."""
        chosen = options or LakeSettings()
        return cls(open_client(root, chosen), root, chosen)

    def read(self, key: str) -> bytes:
        return self.read_with_etag(key)[0]

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        full = self._full(key)

        def get(_: int) -> tuple[bytes, str]:
            reply = self._send("get_object", Key=full, ChecksumMode="ENABLED")
            return read_body(reply, self._policy), str(reply["ETag"])

        return self._reach(get, key, "read")

    def open_ranged(self, key: str) -> RangedObject:
        """Open one version of the object for reading parts of it; ``MissingInputError`` if there is none."""
        full = self._full(key)

        def get(byte_range: str, etag: str | None) -> tuple[bytes, str, int]:
            condition = {} if etag is None else {"IfMatch": etag}

            def attempt(_: int) -> tuple[bytes, str, int]:
                try:
                    reply = self._send("get_object", Key=full, Range=byte_range, **condition)
                except FOREIGN_ERRORS as error:
                    if error_code(error) == "InvalidRange":
                        # An empty object has no range that could be asked for.
                        return b"", "", 0
                    raise
                size = int(str(reply["ContentRange"]).rpartition("/")[2])
                return read_body(reply, self._policy), str(reply["ETag"]), size

            return self._reach(attempt, key, "read")

        return RangedObject(get, self.uri(key))

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        condition = {"IfNoneMatch": "*"} if if_absent else {} if if_match is None else {"IfMatch": if_match}
        sha256, write_id = hashlib.sha256(data).hexdigest(), uuid.uuid4().hex
        upload = Upload(
            send=self._send,
            retry=functools.partial(self._run, deadline=self._policy.deadline()),
            key=self._full(key),
            data=data,
            condition=condition,
            stored_as={
                "ContentType": mimetypes.guess_type(key)[0] or "application/octet-stream",
                "Metadata": {"sha256": sha256, "write-id": write_id},
                **self._encryption(),
            },
            is_ours=lambda: self._write_id(key) == write_id,
        )
        is_large = len(data) > self._options.multipart_threshold_mb * _BYTES_PER_MB
        try:
            return upload_in_parts(upload) if is_large and not condition else upload_whole(upload)
        except GaveUpError as gave_up:
            if condition and error_code(_cause(gave_up)) in LOST:
                raise WriteLostError(
                    f"{self.uri(key)} was already written by another run.", key=key
                ) from gave_up.__cause__
            raise self._translate(gave_up, key, "written") from gave_up.__cause__

    def delete(self, key: str) -> None:
        full = self._full(key)
        self._reach(lambda _: self._send("delete_object", Key=full), key, "deleted")

    def exists(self, key: str) -> bool:
        full = self._full(key)
        try:
            self._run(lambda _: self._send("head_object", Key=full))
        except GaveUpError as gave_up:
            if error_code(_cause(gave_up)) not in MISSING:
                raise self._translate(gave_up, key, "looked up") from gave_up.__cause__
            self._check_bucket(key)
            return False
        return True

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        arguments = {"Prefix": self._prefix + prefix}
        while True:
            send_page = functools.partial(self._send, "list_objects_v2", **arguments)
            # mypy infers no lambda with a default; without one it would hold the variable of the loop.
            reply = self._reach(lambda _, send_page=send_page: send_page(), prefix, "listed")  # type: ignore[misc]
            for item in reply.get("Contents", ()):
                key = str(item["Key"]).removeprefix(self._prefix)
                yield ObjectInfo(key=key, size_bytes=int(item["Size"]), etag=str(item["ETag"]))
            if not reply.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = str(reply["NextContinuationToken"])

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def presign(self, key: str, seconds: int) -> str:
        """Return a link that anybody may open for ``seconds``, at most a week; treat it like a password.

        Signed with a role's temporary credentials it ends when they do.
        """
        if not 1 <= seconds <= _LONGEST_LINK_SECONDS:
            raise PermanentError(
                f"A link can't live {seconds:,} seconds: 1 to {_LONGEST_LINK_SECONDS:,} (a week).", key=key
            )
        parameters = {"Bucket": self._bucket, "Key": self._full(key)}
        try:
            link: str = self._client.generate_presigned_url("get_object", parameters, ExpiresIn=seconds)
        except FOREIGN_ERRORS as error:
            raise translate_error(error, where=self.uri(key), verb="linked") from error
        return link

    def _full(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _encryption(self) -> Mapping[str, str]:
        if self._options.sse == "sse-s3":
            return {"ServerSideEncryption": "AES256"}
        if self._options.sse == "sse-kms":
            key_id = self._options.kms_key_id
            return {"ServerSideEncryption": "aws:kms", **({"SSEKMSKeyId": key_id} if key_id else {})}
        return {}

    def _send(self, operation: str, **arguments: object) -> dict[str, object]:
        with self._counting:
            self.requests[operation] += 1
        owner = self._options.bucket_owner
        if owner is not None:
            arguments["ExpectedBucketOwner"] = owner
        reply: dict[str, object] = getattr(self._client, operation)(Bucket=self._bucket, **arguments)
        return reply

    def _run(self, attempt: Callable[[int], Result], *, deadline: float | None = None) -> Result:
        return self._policy.run(attempt, FOREIGN_ERRORS, deadline=deadline)

    def _reach(self, attempt: Callable[[int], Result], key: str, verb: str) -> Result:
        try:
            return self._run(attempt)
        except GaveUpError as gave_up:
            raise self._translate(gave_up, key, verb) from gave_up.__cause__

    def _write_id(self, key: str) -> str | None:
        """Return the id of the write that made the object, None if there is no object."""
        try:
            reply = self._run(lambda _: self._send("head_object", Key=self._full(key)))
        except GaveUpError as gave_up:
            if error_code(_cause(gave_up)) in MISSING:
                return None
            raise self._translate(gave_up, key, "looked up") from gave_up.__cause__
        metadata = reply.get("Metadata")
        return metadata.get("write-id") if isinstance(metadata, dict) else None

    def _check_bucket(self, key: str) -> None:
        """Raise if the bucket is missing, which the answer to a HEAD does not tell from a missing object."""
        if not self._is_bucket_known:
            self._reach(
                lambda _: self._send("list_objects_v2", MaxKeys=1, Prefix=self._prefix), key, "looked up"
            )
            self._is_bucket_known = True

    def _translate(self, gave_up: GaveUpError, key: str, verb: str) -> PrefailError:
        cause = _cause(gave_up)
        if error_code(cause) in _NO_BODY:
            # The answer to a HEAD has no body; a GET says what is wrong.
            cause = self._ask_why(key) or cause
        owner = self._options.bucket_owner
        is_refused = error_code(cause) in {"AccessDenied", "403"}
        if owner is not None and is_refused and self._is_bucket_of_another_account():
            return wrong_account(self.uri(key), verb, owner)
        return translate_error(
            cause,
            where=self.uri(key),
            verb=verb,
            n_attempts=gave_up.n_attempts,
            seconds=gave_up.seconds,
        )

    def _ask_why(self, key: str) -> Exception | None:
        try:
            self._send("get_object", Key=self._full(key), Range="bytes=0-0")
        except FOREIGN_ERRORS as error:
            return error
        return None

    def _is_bucket_of_another_account(self) -> bool:
        """Return whether the bucket answers as soon as its owner does not matter."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except FOREIGN_ERRORS:
            return False
        try:
            self._client.head_bucket(Bucket=self._bucket, ExpectedBucketOwner=self._options.bucket_owner)
        except FOREIGN_ERRORS:
            return True
        return False


def _cause(gave_up: GaveUpError) -> Exception:
    cause = gave_up.__cause__
    assert isinstance(cause, Exception)
    return cause
