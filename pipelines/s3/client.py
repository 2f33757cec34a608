"""Open an S3 client from the settings; credentials come from them or else from the standard AWS chain."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import boto3.session
import botocore.config
import botocore.exceptions

from pipelines.errors import ConfigError
from pipelines.s3.errors import translate_error

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from pipelines.lake_settings import LakeSettings

_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_CONNECTIONS = 16


def open_client(root: str, options: "LakeSettings") -> "BaseClient":
    """Return a client for ``root``; nothing is sent yet."""
    # botocore's debug lines hold whole requests, session tokens and signatures among them.
    logging.getLogger("botocore").setLevel(logging.INFO)
    if options.ca_bundle is not None and not Path(options.ca_bundle).is_file():
        raise ConfigError(
            f"lake.ca_bundle = {options.ca_bundle!r} is no file. Nothing was read or written. "
            "Name a file of PEM certificates.",
            path=options.ca_bundle,
        )
    secret, token = options.secret_access_key, options.session_token
    try:
        session = boto3.session.Session(profile_name=options.profile)
        return session.client(
            "s3",
            endpoint_url=options.endpoint_url,
            region_name=options.region,
            verify=options.ca_bundle,
            aws_access_key_id=options.access_key_id,
            aws_secret_access_key=None if secret is None else secret.get_secret_value(),
            aws_session_token=None if token is None else token.get_secret_value(),
            config=botocore.config.Config(
                signature_version="s3v4",
                connect_timeout=min(_CONNECT_SECONDS, options.time_limit_seconds),
                read_timeout=min(_READ_SECONDS, options.time_limit_seconds),
                max_pool_connections=_CONNECTIONS,
                # Retries are ours (retries.py): botocore's don't cover the body, nor keep a time limit.
                retries={"mode": "standard", "total_max_attempts": 1},
                s3={"addressing_style": "path" if options.path_style else "auto"},
            ),
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise translate_error(error, where=root, verb="opened") from error
