"""A reply as it came, and how its JSON is read without trusting its shape."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from pipelines.errors import PermanentError

Scalar = str | int | float


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Status, headers and bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def header(self, name: str) -> str | None:
        """Return a header, whatever its capitals."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def is_rate_limit(self) -> bool:
        """Return whether we ask too often. GitHub says so with 403 and a header."""
        is_used_up = self.header("X-RateLimit-Remaining") == "0" or self.header("Retry-After") is not None
        return self.status == 429 or (self.status == 403 and is_used_up)

    def is_html(self) -> bool:
        """Return whether this is a page for people: an error page, a login, a proxy's notice."""
        kind = (self.header("Content-Type") or "").lower()
        return "html" in kind or self.content[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))

    def excerpt(self) -> str:
        """Return the reply's first 200 characters on one printable line."""
        text = " ".join(self.content[:2000].decode("utf-8", "replace").split())
        return "".join(character for character in text if character.isprintable())[:200]

    def json(self) -> "JsonValue":
        """Return the document; no content is null. ``ValueError`` if it is no JSON."""
        return JsonValue(json.loads(self.content) if self.content.strip() else None, "reply")


@dataclass(frozen=True)
class JsonValue:
    """A place in a JSON document. Asking for what is not there says where that was."""

    value: object
    path: str

    def __getitem__(self, name: str) -> "JsonValue":
        if not isinstance(self.value, dict) or name not in self.value:
            raise self._wrong(f"has no {name}")
        return JsonValue(self.value[name], f"{self.path}.{name}")

    def get(self, name: str) -> "JsonValue":
        """Return a member, or null where there is none."""
        member = self.value.get(name) if isinstance(self.value, dict) else None
        return JsonValue(member, f"{self.path}.{name}")

    def items(self) -> list["JsonValue"]:
        """Return the elements of an array; null has none."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self._wrong("is no array")
        return [JsonValue(item, f"{self.path}[{position}]") for position, item in enumerate(self.value)]

    def text(self) -> str:
        """Return a string; a number counts as one, null as the empty one."""
        if self.value is None:
            return ""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self._wrong("is no text")
        return str(self.value)

    def day(self) -> dt.date | None:
        """Return the UTC day of an ISO time, null if there is none."""
        text = self.text()
        if not text:
            return None
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError as wrong:
            raise self._wrong(f"is no time: {text[:40]!r}") from wrong
        return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()

    def _wrong(self, what: str) -> PermanentError:
        return PermanentError(
            f"The tracker's answer is not what its interface promises: {self.path} {what}. The published list is "
            "not affected. Check that tickets.options.url and the kind of tracker are right, then run the same "
            "command again.",
            path=self.path,
        )


def read_retry_after(reply: Reply, now: dt.datetime) -> float | None:
    """Return the seconds that the tracker asks us to wait, from either form of Retry-After, or GitHub's."""
    text = reply.header("Retry-After")
    if text is None:
        reset = reply.header("X-RateLimit-Reset") or ""
        is_known = reply.is_rate_limit() and reset.isascii() and reset.isdecimal()
        return max(0.0, int(reset) - now.timestamp()) if is_known else None
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text.strip())
    moment = read_http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def read_http_date(text: str) -> dt.datetime | None:
    """Return the time of an HTTP date, null if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
