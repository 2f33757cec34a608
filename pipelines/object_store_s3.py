"""The one door to S3: whole objects with checksums, conditional writes, and errors that say what to do.

Works with AWS and with servers that speak its protocol (``lake.endpoint_url``, ``lake.path_style``).
"""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn, Self

import boto3
import botocore.config
import botocore.exceptions

from pipelines.errors import MissingInputError, PermanentError, StorageError, WriteLostError
from pipelines.object_store import ObjectInfo, check_key

if TYPE_CHECKING:
    from pipelines.settings import LakeSettings

log = logging.getLogger(__name__)

# AWS answers 404 to If-Match on a missing key where others answer 412, and 409 while two writers race.
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
_NEXT_STEP = {
    "AccessDenied": "The identity may not do this. Use the role for this step (infra/), or grant it.",
    "AllAccessDisabled": "The bucket or account is closed to this identity.",
    "InvalidAccessKeyId": "The server does not know the key id. Check PREFAIL_LAKE__ACCESS_KEY_ID or the AWS chain.",
    "SignatureDoesNotMatch": "The secret is wrong. Check PREFAIL_LAKE__SECRET_ACCESS_KEY or the AWS chain.",
    "ExpiredToken": "The session token has expired. Renew the login, then run the same command again.",
    "NoSuchBucket": "The bucket does not exist. Create it (infra/), or correct lake.root.",
    "PermanentRedirect": "The bucket is in another region. Set lake.region.",
}


class S3Store:
    """Objects below ``s3://bucket/prefix``."""

    def __init__(self, client: "boto3.client", bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.root = f"s3://{bucket}/{self._prefix}".rstrip("/")

    @classmethod
    def open(cls, root: str, options: "LakeSettings | None") -> Self:
        """Open ``s3://bucket/prefix`` with the settings' endpoint and credentials, else the AWS chain's."""
        bucket, _, prefix = root.removeprefix("s3://").partition("/")
        secret = options.secret_access_key if options else None
        try:
            client = boto3.client(
                "s3",
                endpoint_url=options.endpoint_url if options else None,
                region_name=options.region if options else None,
                aws_access_key_id=options.access_key_id if options else None,
                aws_secret_access_key=secret.get_secret_value() if secret else None,
                config=botocore.config.Config(
                    signature_version="s3v4",
                    connect_timeout=10,
                    read_timeout=60,
                    # "standard" backs off with jitter and honours throttling (503 SlowDown).
                    retries={"mode": "standard", "total_max_attempts": 6},
                    s3={"addressing_style": "path" if options and options.path_style else "auto"},
                ),
            )
        except (botocore.exceptions.BotoCoreError, ValueError) as wrong:
            raise PermanentError(f"{root} can't be opened: {wrong}. Check [lake] of the settings.") from wrong
        return cls(client, bucket, prefix)

    def read(self, key: str) -> bytes:
        return self.read_with_etag(key)[0]

    def read_with_etag(self, key: str) -> tuple[bytes, str]:
        try:
            reply = self._client.get_object(Bucket=self._bucket, Key=self._full(key), ChecksumMode="ENABLED")
            return reply["Body"].read(), reply["ETag"]
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self._raise(error, key, "read")

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        condition = {"IfNoneMatch": "*"} if if_absent else {} if if_match is None else {"IfMatch": if_match}
        try:
            reply = self._client.put_object(
                Bucket=self._bucket,
                Key=self._full(key),
                Body=data,
                ChecksumAlgorithm="SHA256",
                **condition,
            )
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            if condition and _code(error) in _LOST | _MISSING:
                raise WriteLostError(
                    f"{self.uri(key)} was already written by another run.", key=key
                ) from error
            self._raise(error, key, "written")
        etag: str = reply["ETag"]
        return etag

    def delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._full(key))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self._raise(error, key, "deleted")

    def exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._full(key))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            if _code(error) in _MISSING:
                return False
            self._raise(error, key, "looked up")
        return True

    def list_keys(self, prefix: str) -> Iterator[ObjectInfo]:
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self._prefix)
                    yield ObjectInfo(key=key, size_bytes=item["Size"], etag=item["ETag"])
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self._raise(error, prefix, "listed")

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def _full(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _raise(self, error: Exception, key: str, verb: str) -> NoReturn:
        code = _code(error)
        where = self.uri(key)
        if code in _MISSING:
            raise MissingInputError(f"{where} does not exist.", key=key) from error
        if code in _NEXT_STEP:
            raise PermanentError(
                f"{where} could not be {verb} ({code}). {_NEXT_STEP[code]}", key=key, code=code
            ) from error
        if isinstance(error, botocore.exceptions.NoCredentialsError):
            raise PermanentError(
                f"{where} could not be {verb}: no credentials. Set the standard AWS variables, a profile or a role.",
                key=key,
            ) from error
        raise StorageError(
            f"{where} could not be {verb} ({code or type(error).__name__}); try again.", key=key, code=code
        ) from error


def _code(error: Exception) -> str:
    if not isinstance(error, botocore.exceptions.ClientError):
        return ""
    reply = error.response
    code = str(reply.get("Error", {}).get("Code", ""))
    return code or str(reply.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
