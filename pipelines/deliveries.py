"""What the sources delivered, day by day: ``ingested/day=…/part-<source>.json``, which ingest writes last."""

import datetime as dt
import re
from collections.abc import Iterator

from pipelines.lake import Lake

_KEY = re.compile(r"^ingested/day=(\d{4}-\d{2}-\d{2})/part-(.+)\.json$")


def delivery_key(source: str, day: dt.date) -> str:
    """Return where the lake keeps what a source's ingest of ``day`` was made of."""
    return f"ingested/day={day}/part-{source}.json"


def has_delivered(source: str, day: dt.date, lake: Lake) -> bool:
    """Return whether ``ingest`` of a source ended well for ``day``, be it with no row."""
    return lake.store.exists(delivery_key(source, day))


def list_deliveries(lake: Lake) -> Iterator[tuple[dt.date, str]]:
    """Yield day and source of each ingest that ended well, by key; only names are read."""
    for item in lake.store.list_keys("ingested/day="):
        if found := _KEY.match(item.key):
            yield dt.date.fromisoformat(found[1]), found[2]
