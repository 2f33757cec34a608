"""Where objects lie and how they are reached: ``[lake]``, and ``[publish]`` for readers."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

# A secret of digits only arrives from the environment as a number.
SecretText = Annotated[
    SecretStr, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)
]


class Section(BaseModel):
    """A table of the settings file: unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LakeSettings(Section):
    """Where data lives."""

    root: str = Field(default="lake", description="A folder, or s3://bucket/prefix.")
    endpoint_url: str | None = Field(default=None, description="S3 endpoint, where it is not AWS.")
    region: str | None = Field(default=None, description="S3 region.")
    path_style: bool = Field(default=False, description="Address buckets in the path, not the host name.")
    access_key_id: str | None = Field(default=None, description="S3 key id; the standard AWS chain if unset.")
    secret_access_key: SecretText | None = Field(
        default=None, description="S3 secret; set by environment only."
    )
    session_token: SecretText | None = Field(
        default=None, description="Token of a temporary login; set by environment only."
    )
    profile: str | None = Field(
        default=None, description="Profile of the AWS configuration; may assume a role of its own."
    )
    airflow_connection: str | None = Field(
        default=None, description="Airflow connection (type aws) that DAGs take the credentials from."
    )
    bucket_owner: str | None = Field(
        default=None,
        pattern=r"^\d{12}$",
        description="AWS account that must own the bucket; any other is refused.",
    )
    ca_bundle: str | None = Field(
        default=None, description="File of the certificates to trust, where the system's do not do."
    )
    sse: Literal["none", "sse-s3", "sse-kms"] = Field(
        default="none",
        description="Encryption to ask the server for; none leaves it to the bucket's default.",
    )
    kms_key_id: str | None = Field(
        default=None, description="Key for sse-kms; the account's default key if unset."
    )
    multipart_threshold_mb: int = Field(
        default=64, ge=5, le=5000, description="Objects above this size are sent in parts, side by side."
    )
    time_limit_seconds: int = Field(
        default=300, ge=1, description="How long one request to the storage is tried again in all."
    )

    @field_validator("endpoint_url")
    @classmethod
    def _is_plain_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/@\s?#]+(/[^@\s?#]*)?", value):
            raise ValueError(
                "must be http://host[:port] or https://…, without a user, password or query in it"
            )
        return value
