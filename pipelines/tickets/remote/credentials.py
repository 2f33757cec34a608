"""Who we are to a tracker: from the environment only, so that no secret lies in a settings file.

Airflow's tasks put a connection's login, password and token there; a shell or a unit file does so elsewhere.
"""

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.errors import ConfigError

USER_VARIABLE = "PREFAIL_TRACKER_USER"
PASSWORD_VARIABLE = "PREFAIL_TRACKER_PASSWORD"  # noqa: S105 the name of a variable
TOKEN_VARIABLE = "PREFAIL_TRACKER_TOKEN"  # noqa: S105 the name of a variable


@dataclass(frozen=True, kw_only=True)
class TrackerCredentials:
    """A user with password, a token, or a user with a token. Secrets never show in ``repr``."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "TrackerCredentials":
        """Read the three variables; an empty one counts as not set."""
        environ = os.environ if environ is None else environ
        return cls(
            user=environ.get(USER_VARIABLE) or None,
            password=environ.get(PASSWORD_VARIABLE) or None,
            token=environ.get(TOKEN_VARIABLE) or None,
        )

    def as_basic(self) -> str:
        """Return the value of an Authorization header for user and password (or token instead of one)."""
        secret = self.password or self.token
        if not self.user or not secret:
            raise _missing(f"{USER_VARIABLE} and {PASSWORD_VARIABLE} (or {TOKEN_VARIABLE})")
        return "Basic " + base64.b64encode(f"{self.user}:{secret}".encode()).decode("ascii")

    def as_token(self, scheme: str = "Bearer") -> str:
        """Return the value of an Authorization header for a token."""
        return f"{scheme} {self.require_token()}"

    def require_token(self) -> str:
        """Return the token; ``ConfigError`` names the variable if it is not set."""
        if not self.token:
            raise _missing(TOKEN_VARIABLE)
        return self.token

    def list_secrets(self) -> Iterator[str]:
        """Yield every text that must not appear in an error, the longest form first."""
        if self.user and (self.password or self.token):
            yield self.as_basic().removeprefix("Basic ")
        yield from (secret for secret in (self.password, self.token) if secret)


def _missing(names: str) -> ConfigError:
    return ConfigError(
        f"The tracker needs credentials: set {names} in the environment, or the Airflow connection "
        "that the DAGs read. No ticket was touched. Then run the same command again.",
        variables=names,
    )
