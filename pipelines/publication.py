"""Put a published list where its readers are: a bucket of its own, reached with a role of its own.

The lake keeps what the list was made of and is nobody's business; ``[publish]`` of the settings names
the place for readers. The same order of writes holds there: edition, the day's copies, ``latest.json``.
"""

import datetime as dt
import html
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from pipelines.errors import MissingInputError, PermanentError, WriteLostError
from pipelines.lake import Lake, open_lake
from pipelines.published_list import (
    CSV_FILE,
    MANIFEST_FILE,
    REPORT_FILE,
    ROOT,
    Manifest,
    day_folder,
    move_latest,
    write_day_copies,
    write_edition,
)
from pipelines.settings import Settings

INDEX_KEY = f"{ROOT}/index.html"
_ATTEMPTS = 8
_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>At-risk lists of {environment}</title>
<style>body{{font:15px/1.6 system-ui,sans-serif;margin:2em auto;max-width:40em}}td{{padding-right:2em}}</style></head>
<body><h1>At-risk lists of {environment}</h1>
<p>{n} lists, newest first.</p>
<table>
{rows}
</table></body></html>
"""
_ROW = (
    '<tr><td><a href="day={day}/{report}">{day}</a></td><td><a href="day={day}/{csv}">CSV</a></td>'
    '<td><a href="day={day}/{manifest}">manifest</a></td></tr>'
)


@runtime_checkable
class LinkingStore(Protocol):
    """A store that can give out links for people without an account."""

    def presign(self, key: str, seconds: int) -> str:
        """Return a link that anybody may open for ``seconds``."""
        ...


def open_publication(settings: Settings) -> Lake | None:
    """Open the readers' place, None where the lake itself is it."""
    if settings.publish is None:
        return None
    return open_lake(settings.resolve_path(settings.publish.root), settings.publish)


def publish_for_readers(
    manifest: Manifest, files: Mapping[str, bytes], settings: Settings, lake: Lake
) -> None:
    """Bring an edition that the lake holds to its readers, and list it on the page of past lists.

    Stopped half-way, readers see the list before; running ``prefail publish`` again does the rest.
    """
    readers = open_publication(settings)
    if readers is not None:
        write_edition(manifest, files, readers)
        write_day_copies(manifest, files, readers)
    write_index(readers or lake, settings.environment)
    if readers is not None:
        move_latest(manifest, readers)


def write_index(lake: Lake, environment: str) -> None:
    """Write the page of past lists anew from what is there.

    Another run's page is never overwritten unseen: what was listed before it wrote may lack its day.
    """
    for _ in range(_ATTEMPTS):
        former, etag = _read_page(lake)
        page = render_index(_list_days(lake), environment).encode()
        if page == former:
            return
        try:
            lake.store.write(INDEX_KEY, page, if_absent=etag is None, if_match=etag)
        except WriteLostError:
            continue
        return
    raise WriteLostError(
        f"{lake.store.uri(INDEX_KEY)} was changed by other runs {_ATTEMPTS} times in a row. The list itself is "
        "published. Run the same command again to have it on the page of past lists.",
        key=INDEX_KEY,
    )


def render_index(days: list[dt.date], environment: str) -> str:
    """Return the page: one row per published day, newest first."""
    rows = (
        _ROW.format(day=day.isoformat(), report=REPORT_FILE, csv=CSV_FILE, manifest=MANIFEST_FILE)
        for day in sorted(days, reverse=True)
    )
    return _PAGE.format(environment=html.escape(environment), n=len(days), rows="\n".join(rows))


def link_to_report(day: dt.date, seconds: int, settings: Settings, lake: Lake) -> str:
    """Return a link to the day's report that works for ``seconds`` without an account; on a folder its path.

    ``MissingInputError`` if the day was not published. Whoever has the link may read the report.
    """
    readers = open_publication(settings) or lake
    key = day_folder(day) + REPORT_FILE
    if not readers.store.exists(key):
        raise MissingInputError(
            f"No report of {day} was published: {readers.store.uri(key)} does not exist. "
            f"Run: prefail publish --day {day}",
            day=day.isoformat(),
        )
    if isinstance(readers.store, LinkingStore):
        return readers.store.presign(key, seconds)
    return readers.store.uri(key)


def _read_page(lake: Lake) -> tuple[bytes | None, str | None]:
    try:
        return lake.store.read_with_etag(INDEX_KEY)
    except MissingInputError:
        return None, None


def _list_days(lake: Lake) -> list[dt.date]:
    start = f"{ROOT}/day="
    ended = (item.key for item in lake.store.list_keys(start) if item.key.endswith(f"/{MANIFEST_FILE}"))
    try:
        return [dt.date.fromisoformat(key[len(start) :].partition("/")[0]) for key in ended]
    except ValueError as foreign:
        raise PermanentError(
            f"{lake.store.uri(start)} holds a folder that is no day ({foreign}). Remove it."
        ) from foreign
