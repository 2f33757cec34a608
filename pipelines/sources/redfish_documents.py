"""Where Redfish documents come from: a service over HTTP, or a folder that holds a copy of one (DMTF mock-up)."""

import base64
import json
import os
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import ConfigError, SourceError, TransientError

# The largest pages of real services hold 1,000 entries, about 1 MB.
MAX_DOCUMENT_BYTES = 16 << 20
ROOT = "/redfish/v1"
Document = dict[str, object]


class Service(BaseModel):
    """How to reach the Redfish service of one host."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host_id: str = Field(min_length=1, description="The host it manages.")
    url: str = Field(pattern=r"^https?://[^/?#@]+/?$", description="Scheme, name and port.")
    username: str | None = None
    password_env: str | None = Field(
        default=None, description="The environment variable that holds the password."
    )
    ca_file: str | None = Field(default=None, description="Certificates to trust instead of the system's.")
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)


class Documents(Protocol):
    """Gives documents by their address, which begins with /redfish/v1."""

    def get(self, address: str) -> Document | None:
        """Return the document; None where there is none."""
        ...


class FolderDocuments:
    """A copy of a service: ``<folder>[/redfish/v1]/<address>/index.json``."""

    def __init__(self, folder: Path) -> None:
        inner = folder / "redfish" / "v1"
        self._folder = inner if inner.is_dir() else folder

    def get(self, address: str) -> Document | None:
        """Return the document. Where a copy lacks a collection's own, it is made of its members' folders."""
        parts = [part for part in urlsplit(address).path.removeprefix(ROOT).split("/") if part]
        if any(part in (".", "..") or "\\" in part or "\0" in part for part in parts):
            return None
        folder = self._folder.joinpath(*parts)
        path = folder / "index.json"
        try:
            if path.is_file():
                with path.open("rb") as stream:
                    return parse_document(stream.read(MAX_DOCUMENT_BYTES + 1), address)
            if not folder.is_dir():
                return None
            names = sorted(each.name for each in folder.iterdir() if each.is_dir())
        except OSError as error:
            raise TransientError(
                f"{address} could not be read: {error.strerror}. Nothing was written of it. Re-run that day.",
                address=address,
            ) from error
        base = "/".join([ROOT, *parts])
        links: list[object] = [{"@odata.id": f"{base}/{name}"} for name in names]
        if not parts:
            return {name: {"@odata.id": f"{base}/{name}"} for name in names}
        return {"Members": links, **{name: {"@odata.id": f"{base}/{name}"} for name in names}}


class HttpDocuments:
    """A live service, with basic authentication where a user is given."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._base = service.url.rstrip("/")
        context = ssl.create_default_context(cafile=service.ca_file)
        # No handler of redirects: one would carry the password to whom the answer names. And no proxy.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            self._opener.add_handler(handler)
        self._headers = {"Accept": "application/json", "OData-Version": "4.0"}
        if service.username is not None:
            password = os.environ.get(service.password_env or "")
            if password is None:
                raise ConfigError(
                    f"The environment variable {service.password_env}, the password for the Redfish service "
                    f"of {service.host_id}, is not set. Nothing was read of it. Set it, then re-run that day.",
                    host_id=service.host_id,
                )
            token = base64.b64encode(f"{service.username}:{password}".encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {token}"

    def get(self, address: str) -> Document | None:
        """Return the document; ``TransientError`` for what may pass, ``SourceError`` for what won't."""
        if not address.startswith(f"{ROOT}"):
            return None  # an answer may name any address; only the service's own are asked for
        request = urllib.request.Request(self._base + address, headers=self._headers)  # noqa: S310  scheme checked
        try:
            with self._opener.open(request, timeout=self._service.timeout_seconds) as answer:
                data: bytes = answer.read(MAX_DOCUMENT_BYTES + 1)
                promised = int(answer.headers.get("Content-Length") or 0)
        except urllib.error.HTTPError as refused:
            with refused:
                if refused.code == 404:
                    return None
                is_transient = refused.code == 429 or refused.code >= 500
            kind = TransientError if is_transient else SourceError
            raise kind(self._message(f"answers {refused.code} to {address}"), address=address) from refused
        except (OSError, HTTPException, ValueError) as error:
            raise TransientError(
                self._message(f"gave no whole answer to {address} ({error})"), address=address
            ) from error
        if len(data) < min(promised, MAX_DOCUMENT_BYTES):
            raise TransientError(self._message(f"gave half an answer to {address}"), address=address)
        return parse_document(data, address)

    def _message(self, what: str) -> str:
        return (
            f"The Redfish service of {self._service.host_id} {what}. Nothing was read of it. "
            "Check its address, user and password, then re-run that day."
        )


def parse_document(data: bytes, address: str) -> Document:
    """Return the JSON object in ``data``; ``SourceError`` where it is anything else, such as a login page."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise SourceError(
            f"{address} is larger than {MAX_DOCUMENT_BYTES >> 20} MiB. Nothing was read of it.",
            address=address,
        )
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as broken:
        raise SourceError(
            f"{address} is not JSON but {data[:60]!r}. Nothing was read of it. Is this a Redfish service?",
            address=address,
        ) from broken
    if not isinstance(document, dict):
        raise SourceError(f"{address} is not a JSON object. Nothing was read of it.", address=address)
    return document
