"""Which host a series is about, by its labels."""

import re
from dataclasses import dataclass

from pipelines.prometheus.catalogue import Catalogue, Labels

_PORT = re.compile(r":\d{1,5}$")


@dataclass(frozen=True, kw_only=True)
class HostNaming:
    """How a source names hosts: ``labels`` in place of the catalogue's, and whether domains are cut off."""

    labels: tuple[str, ...] = ()
    strip_domain: bool = False

    def host_of(self, labels: Labels, catalogue: Catalogue) -> str | None:
        """Return the host, without port; None where no label names one."""
        for name in self.labels or catalogue.host_labels:
            if text := labels.get(name, "").strip():
                host = _PORT.sub("", text) if text.count(":") == 1 or "]:" in text else text
                host = host.strip("[]")
                is_address = host.replace(".", "").isdigit() or ":" in host
                return host.split(".")[0] if self.strip_domain and not is_address else host
        return None
