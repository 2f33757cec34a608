"""What makes a ticket the same ticket on every run."""

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

# 64 bits: with a million keys the chance of any two being equal is below 1 in 30 million.
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, kw_only=True)
class TicketKey:
    """One prediction about one part in one place. A part that moves to another host is another key."""

    environment: str
    host_id: str
    component_id: str
    target: str

    @property
    def text(self) -> str:
        """The key for people and logs: its four parts, percent-encoded, so that no part can fake another."""
        parts = (self.environment, self.host_id, self.component_id, self.target)
        return "/".join(quote(part, safe=":") for part in parts)

    @property
    def digest(self) -> str:
        """The key that trackers store and search by: 16 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
