"""Take storage credentials from a scheduler's connection instead of the settings."""

from collections.abc import Mapping

from pydantic import SecretStr

from pipelines.settings import Settings


def with_connection(
    settings: Settings, *, key_id: str | None, secret: str | None, extra: Mapping[str, object]
) -> Settings:
    """Return the settings with the lake's credentials from an AWS connection as Airflow words it.

    Of ``extra`` count aws_session_token, region_name, endpoint_url and profile_name; what the
    connection does not say stays as the settings have it.
    """
    given: dict[str, object] = {
        "access_key_id": key_id,
        "secret_access_key": SecretStr(secret) if secret else None,
        "session_token": SecretStr(str(extra["aws_session_token"]))
        if extra.get("aws_session_token")
        else None,
        "region": extra.get("region_name"),
        "endpoint_url": extra.get("endpoint_url"),
        "profile": extra.get("profile_name"),
    }
    known = {name: value for name, value in given.items() if value}
    return settings.model_copy(update={"lake": settings.lake.model_copy(update=known)})
