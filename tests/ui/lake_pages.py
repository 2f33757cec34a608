"""The pages that lie in the lake, opened from its folder as a file share shows them: lists, reports, Data Docs.

A lake in S3 publishes the same files; `prefail lake` and docs/decisions/object-storage.md say how readers get there.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, expect


@dataclass(frozen=True, kw_only=True)
class SeenReport:
    """What a person reads off the top of a day's report; components are those in service, scored or not."""

    path: Path
    title: str
    n_components: int


def open_report(page: Page, lake_folder: Path, day: dt.date) -> SeenReport:
    """Open the index of the published lists, click the day; what stands in the report's tiles comes back."""
    page.goto((lake_folder / "published" / "at_risk_hosts" / "index.html").as_uri())
    page.get_by_role("link", name=day.isoformat(), exact=True).click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_be_visible()
    text = page.locator("body").inner_text()
    return SeenReport(
        path=Path(unquote(urlsplit(page.url).path)),
        title=title.inner_text(),
        n_components=sum(_number_below(text, label) for label in ("scored", "not scored")),
    )


def open_data_docs(page: Page, index: Path, dataset: str) -> str:
    """Open the index of the Data Docs, click the newest verdict on ``dataset``; return that page's text."""
    page.goto(index.as_uri())
    page.get_by_role("link", name=f"validations/{dataset}/").click()
    page.wait_for_url(f"**/validations/{dataset}/**")
    return page.locator("body").inner_text()


def digest_lake(lake_folder: Path) -> dict[str, str]:
    """Return the digest of every file. Hidden locks are left out, and so are the Data Docs: their ids are random."""
    return {
        path.relative_to(lake_folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake_folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and "data_docs" not in path.parts
    }


def _number_below(text: str, label: str) -> int:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return int(lines[lines.index(label) + 1].replace(",", ""))
