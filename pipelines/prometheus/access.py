"""Where a Prometheus is and who we are to it; secrets come from the environment, never from the settings."""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import urllib3
from pydantic import Field, field_validator, model_validator

from pipelines.errors import ConfigError
from pipelines.sources.source import SourceOptions

_ADDRESS = re.compile(r"https?://[^/@\s?#]+(/[^@\s?#]*)?")


class Access(SourceOptions):
    """How the server is reached."""

    url: str = Field(description="Address of the server, http(s)://host[:port][/prefix].")
    ca_bundle: str | None = Field(
        default=None, description="File of the certificates to trust, where the system's do not do."
    )
    client_certificate: str | None = Field(
        default=None, description="File with our certificate and key, where the server wants one."
    )
    username: str | None = Field(default=None, description="User of basic authentication.")
    password_variable: str | None = Field(
        default=None, description="Environment variable that holds the password."
    )
    bearer_token_variable: str | None = Field(
        default=None, description="Environment variable that holds the token."
    )
    samples_by: Literal["remote_read", "query"] = Field(
        default="remote_read",
        description="query: by the HTTP query interface, for servers without remote read; several times slower.",
    )
    timeout_seconds: int = Field(default=60, ge=1, description="Longest silence of the server.")
    patience_seconds: int = Field(
        default=180, ge=0, description="How long one request is tried again in all; a restart takes a minute."
    )

    @field_validator("url")
    @classmethod
    def _is_plain_address(cls, value: str) -> str:
        if not _ADDRESS.fullmatch(value):
            raise ValueError(
                "must be http://host[:port] or https://…, without a user, password or query in it"
            )
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> "Access":
        if (self.username is None) != (self.password_variable is None):
            raise ValueError("username and password_variable go together")
        if self.username is not None and self.bearer_token_variable is not None:
            raise ValueError("either username or bearer_token_variable")
        return self


def login_headers(access: Access, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the headers that say who we are; ``ConfigError`` if the secret is not in the environment."""
    if access.bearer_token_variable is not None:
        token = _secret(access.bearer_token_variable, environ)
        return {"authorization": f"Bearer {token}"}
    if access.username is not None and access.password_variable is not None:
        password = _secret(access.password_variable, environ)
        return dict(urllib3.make_headers(basic_auth=f"{access.username}:{password}"))
    return {}


def _secret(variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise ConfigError(
            f"The environment has no {variable}, which the settings name as the secret of a Prometheus. "
            f"Nothing was read. Set it, then re-run that day.",
            variable=variable,
        )
    return value


def tls_context(access: Access, base_folder: Path) -> ssl.SSLContext:
    """Return what is trusted, and our own certificate; ``ConfigError`` if a file can't be used."""
    try:
        context = ssl.create_default_context(
            cafile=None if access.ca_bundle is None else str(base_folder / access.ca_bundle)
        )
        if access.client_certificate is not None:
            context.load_cert_chain(base_folder / access.client_certificate)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"ca_bundle or client_certificate of {access.url} can't be used: {error}. Nothing was read.",
            url=access.url,
        ) from error
    return context
