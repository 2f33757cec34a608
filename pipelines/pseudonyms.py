"""Names that stand for serials and host names: the same for the same key, and nothing without it.

A pseudonym is an HMAC-SHA-256 under the owner's key (RFC 2104), 80 bits of it in base 32. Plain hashes
would not do: serials are few enough to try them all. The hash that Prefail itself uses as
``component_key`` is a plain one, so it never leaves either; pseudonyms of components are made from it,
so that a list and a training set name a component alike.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from features.shards import component_keys
from pipelines.errors import ConfigError

_LEAST_KEY_LENGTH = 16
_PSEUDONYM_BYTES = 10


class Pseudonyms:
    """Makes pseudonyms under one key."""

    def __init__(self, key: SecretStr | None) -> None:
        if key is None or len(key.get_secret_value()) < _LEAST_KEY_LENGTH:
            raise ConfigError(
                f"Pseudonyms need a key of {_LEAST_KEY_LENGTH} characters or more. Nothing was written. Set "
                "PREFAIL_PSEUDONYM_KEY in the environment, and keep it: the same key gives the same pseudonyms."
            )
        self._key = key.get_secret_value().encode()

    def name_keys(self, keys: npt.NDArray[np.uint64]) -> list[str]:
        """Return the pseudonym of each component key (N,)."""
        distinct, place = np.unique(keys, return_inverse=True)
        names = [self._make("c", int(key).to_bytes(8, "big")) for key in distinct]
        return [names[n] for n in place]

    def name_components(self, ids: Sequence[str]) -> list[str]:
        """Return the pseudonym of each component id."""
        return self.name_keys(component_keys(ids)) if ids else []

    def name_hosts(self, host_ids: Sequence[str]) -> list[str]:
        """Return the pseudonym of each host."""
        return [self._make("h", host_id.encode()) for host_id in host_ids]

    def _make(self, kind: str, value: bytes) -> str:
        mac = hmac.new(self._key, kind.encode() + b"\0" + value, hashlib.sha256).digest()
        return f"{kind}-{base64.b32encode(mac[:_PSEUDONYM_BYTES]).decode().lower()}"
