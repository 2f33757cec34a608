"""What an S3 server's refusals mean here: try again, lost a race, missing, or call a person with the next step."""

import botocore.exceptions
import urllib3.exceptions

from pipelines.errors import MissingInputError, PermanentError, PrefailError, StorageError

# AWS answers 404 to If-Match on a missing key where others answer 412.
LOST = frozenset({"PreconditionFailed", "NoSuchKey", "412", "404"})
MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
SLOW_DOWN = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "503", "429"})
# The last three: the body was damaged on its way to the server.
_MAY_PASS = SLOW_DOWN | {
    *(
        "InternalError",
        "ServiceUnavailable",
        "RequestTimeout",
        "OperationAborted",
        "ConditionalRequestConflict",
    ),
    *("BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"),
}
_CREDENTIALS = "PREFAIL_LAKE__ACCESS_KEY_ID and PREFAIL_LAKE__SECRET_ACCESS_KEY, or the standard AWS chain"
_NEXT_STEP = {
    "AccessDenied": "This identity may not do that. Use the role meant for the step (infra/cloudformation), or "
    "grant it; reading needs s3:ListBucket too, without which a missing object looks forbidden. If the bucket "
    "may be another account's, set lake.bucket_owner to be told.",
    "AllAccessDisabled": "The bucket is closed to everybody. Ask the owner of the account.",
    "AccountProblem": "The account is suspended. Ask the owner of the account.",
    "InvalidAccessKeyId": f"The server does not know the key id. Check {_CREDENTIALS}.",
    "SignatureDoesNotMatch": f"The secret does not belong to the key id. Check {_CREDENTIALS}.",
    "ExpiredToken": "The session token has expired. Log in again, then run the same command.",
    "InvalidToken": "The session token is not one of this server. Log in again, then run the same command.",
    "NoSuchBucket": "The bucket does not exist. Create it (infra/cloudformation), or correct lake.root.",
    "InvalidBucketName": "That is no bucket name. Correct lake.root.",
    "PermanentRedirect": "The bucket is in another region. Set lake.region.",
    "AuthorizationHeaderMalformed": "The bucket is in another region. Set lake.region.",
    "RequestTimeTooSkewed": "This machine's clock differs from the server's by more than 15 minutes. Set the clock.",
    "KMS.NotFoundException": "There is no such KMS key. Correct lake.kms_key_id.",
    "KMS.DisabledException": "The KMS key is disabled. Enable it, or set lake.kms_key_id to another.",
}
_BEFORE_SENDING = (
    (
        botocore.exceptions.NoCredentialsError,
        f"There are no credentials. Set {_CREDENTIALS}: environment, profile or role.",
    ),
    (
        botocore.exceptions.PartialCredentialsError,
        "Half of the credentials is missing. Set key id and secret.",
    ),
    (
        botocore.exceptions.ProfileNotFound,
        "The AWS profile does not exist. Correct lake.profile or AWS_PROFILE.",
    ),
    (botocore.exceptions.NoRegionError, "The region is not known. Set lake.region."),
    (botocore.exceptions.SSOError, "The single sign-on has expired. Run: aws sso login"),
    (botocore.exceptions.UnauthorizedSSOTokenError, "The single sign-on has expired. Run: aws sso login"),
    (
        botocore.exceptions.SSLError,
        "The server's certificate is not trusted. Set lake.ca_bundle to the authority's certificates.",
    ),
    (botocore.exceptions.ParamValidationError, "Correct lake.root: s3://bucket/prefix."),
)
_CREDENTIAL_SOURCE_FAILED = "The AWS chain's source of credentials did not answer; see the cause above."
# What botocore raises when the network or a body breaks.
TRANSPORT_ERRORS = (
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.IncompleteReadError,
    botocore.exceptions.ResponseStreamingError,
    botocore.exceptions.FlexibleChecksumError,
    # Where the body of a refusal breaks off, botocore lets the error below it through.
    urllib3.exceptions.HTTPError,
)


class DamagedBodyError(Exception):
    """The bytes that arrived are not those that were written: another digest, or too few."""


FOREIGN_ERRORS = (
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
    urllib3.exceptions.HTTPError,
    DamagedBodyError,
)


def error_code(error: Exception) -> str:
    """Return the server's code, its HTTP status where an answer has no body, '' if it never answered."""
    if not isinstance(error, botocore.exceptions.ClientError):
        return ""
    reply = error.response
    code = str(reply.get("Error", {}).get("Code", ""))
    return code or str(reply.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def may_pass(error: Exception) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, botocore.exceptions.ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return error_code(error) in _MAY_PASS or (status >= 500 and status != 501)
    if isinstance(error, botocore.exceptions.SSLError):
        return False
    return isinstance(error, (*TRANSPORT_ERRORS, DamagedBodyError))


def retry_after_seconds(error: Exception) -> float:
    """Return how long the server asks to be left alone, 0 if it does not say."""
    if not isinstance(error, botocore.exceptions.ClientError):
        return 0.0
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    text = str(headers.get("retry-after", ""))
    # The header may also be a date; no S3 server is known to send one.
    return float(text) if text.isdecimal() else 0.0


def translate_error(
    error: Exception, *, where: str, verb: str, n_attempts: int = 1, seconds: float = 0.0
) -> PrefailError:
    """Return our error for a foreign one. Never holds a credential: only codes and addresses."""
    _forget_requests(error)
    code = error_code(error)
    told = f"{where} could not be {verb}"
    if code in MISSING:
        return MissingInputError(f"{where} does not exist.", where=where)
    if code in _NEXT_STEP:
        return PermanentError(
            f"{told} ({code}). Nothing was changed. {_NEXT_STEP[code]}", where=where, code=code
        )
    if code in LOST:
        return StorageError(
            f"{where} was replaced by another run while it was {verb}. Run the same command again.",
            where=where,
            code=code,
        )
    for kind, next_step in _BEFORE_SENDING:
        if isinstance(error, kind):
            return PermanentError(f"{told}. {next_step}", where=where, code=kind.__name__)
    if isinstance(error, botocore.exceptions.CredentialRetrievalError):
        return StorageError(f"{told}. {_CREDENTIAL_SOURCE_FAILED}", where=where, code=type(error).__name__)
    if may_pass(error):
        reason = str(error) if isinstance(error, DamagedBodyError) else code or type(error).__name__
        return StorageError(
            f"{told}: {reason}, after {n_attempts} attempts in {seconds:.0f} s. "
            "What was stored before is unchanged. Run the same command again later.",
            where=where,
            code=code or type(error).__name__,
            n_attempts=n_attempts,
        )
    return PermanentError(
        f"{told} ({code or type(error).__name__}). Nothing was changed. Check [lake] of the settings: "
        "root, endpoint_url, region, path_style.",
        where=where,
        code=code or type(error).__name__,
    )


def wrong_account(where: str, verb: str, bucket_owner: str) -> PermanentError:
    """Return the error for a bucket that answers, but not as ``bucket_owner``'s."""
    return PermanentError(
        f"{where} could not be {verb}: the bucket belongs to another account than {bucket_owner}. Nothing was "
        "changed. Correct lake.root (bucket names are shared by all of AWS) or lake.bucket_owner.",
        where=where,
        code="BucketOfAnotherAccount",
    )


def _forget_requests(error: BaseException | None) -> None:
    """Take whole requests out of botocore's errors: their headers hold the session token and the signature.

    The errors stay as the cause of ours, and some tools print all that an error holds.
    """
    while error is not None:
        if isinstance(error, botocore.exceptions.BotoCoreError):
            error.kwargs.pop("request", None)
        # HTTPClientError keeps it as an attribute of its own.
        if hasattr(error, "request"):
            error.request = None
        error = error.__cause__ or error.__context__
