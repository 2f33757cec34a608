"""What a Data Docs site needs before it is published: no call home, and a way around without a network."""

import html
import re
from collections.abc import Mapping

# Logos are fetched from their maker's bucket, one with the time of the build in its address.
_BEACON = re.compile(rb"""https://great-expectations-web-assets[^"')]*""")
_INDEX = "index.html"


def finish_site(pages: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a site, by path, without the beacons and with plain links at the index's end.

    The index builds its tables by scripts from public servers, which a data centre may not reach.
    """
    finished = {
        path: _BEACON.sub(b"data:,", page) if path.endswith(".html") else page for path, page in pages.items()
    }
    listed = sorted(path for path in finished if path.endswith(".html") and path != _INDEX)
    links = "\n".join(
        f'<li><a href="{html.escape(path)}">{html.escape(path.removesuffix(".html"))}</a></li>'
        for path in listed
    )
    section = (
        f'<h4 style="margin:2rem 2rem 0">All pages</h4>\n<ul style="margin:0 2rem 2rem">\n{links}\n</ul>\n'
    )
    finished[_INDEX] = finished[_INDEX].replace(b"</body>", section.encode() + b"</body>", 1)
    return finished
