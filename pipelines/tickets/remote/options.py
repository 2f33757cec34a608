"""What can be set for a tracker in ``[tickets.options]``, and what is wrong with it."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipelines.errors import ConfigError

_ADDRESS = re.compile(r"https?://[^/@\s?#]+(/[^@\s?#]*)?")
LONGEST_TIMEOUT_SECONDS = 60.0
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)")


class TrackerOptions(BaseModel):
    """Base of every tracker's ``Options``: unknown names are errors, values never change. None hold secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpOptions(TrackerOptions):
    """How a tracker is reached."""

    url: str = Field(description="Address of the tracker, without user, password or query.")
    ca_bundle: str | None = Field(
        default=None, description="File of the certificates to trust, where the system's do not do."
    )
    allow_plain_http: bool = Field(
        default=False, description="Send credentials unencrypted to other machines; think twice."
    )
    timeout_seconds: float = Field(
        default=30, gt=0, le=LONGEST_TIMEOUT_SECONDS, description="Longest wait for one reply."
    )

    @field_validator("url")
    @classmethod
    def _is_plain_address(cls, value: str) -> str:
        # Never repeat the value: a wrong one may hold a password.
        if not _ADDRESS.fullmatch(value):
            raise ValueError("must be https://host[:port][/path], without a user, password or query in it")
        return value.rstrip("/")

    def check_encryption(self) -> "HttpOptions":
        """Return itself; ``ConfigError`` if credentials would cross a network in the clear."""
        if self.ca_bundle is not None and not Path(self.ca_bundle).exists():
            raise ConfigError(
                f"tickets.options.ca_bundle = {self.ca_bundle} does not exist. No ticket was touched. "
                "Name the file of the authority's certificate by its whole path, then run the same command again.",
                ca_bundle=self.ca_bundle,
            )
        if self.url.startswith("https://") or _LOOPBACK.match(self.url) or self.allow_plain_http:
            return self
        raise ConfigError(
            f"tickets.options.url = {self.url} would send the tracker's credentials unencrypted. No ticket was "
            "touched. Use https://, or set allow_plain_http = true if the network is yours alone.",
            url=self.url,
        )


def describe_problems(kind: str, wanted: type[TrackerOptions], options: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the options of a tracker, one line each; values are not repeated."""
    try:
        wanted.model_validate(dict(options))
    except ValidationError as invalid:
        known = ", ".join(sorted(wanted.model_fields)) or "it has none"
        return [
            _describe(kind, error["type"], error["loc"], error["msg"], known) for error in invalid.errors()
        ]
    return []


def _describe(kind: str, error: str, place: tuple[int | str, ...], message: str, known: str) -> str:
    name = ".".join(str(part) for part in place) or "options"
    if error == "extra_forbidden":
        return f"tickets.options.{name} is not an option of {kind}; valid: {known}"
    if error == "missing":
        return f"tickets.options.{name} is missing: {kind} needs it"
    return f"tickets.options.{name}: {message[:1].lower()}{message[1:]}"
