"""Data Docs: a site that opens, with a page for each suite and for each latest verdict."""

import datetime as dt
import posixpath
import re
from html.parser import HTMLParser

import pytest

from data_contracts.loader import list_contracts, load_contract
from pipelines.errors import ContractBlockedError
from pipelines.lake import Lake
from pipelines.validation import build_data_docs, validate_day
from tests.factories import make_valid_table, with_values

DAY = dt.date(2026, 2, 1)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (
                name in ("href", "src", "data-href")
                and value
                and not re.match(r"https?:|#|mailto:|data:", value)
            ):
                self.targets.add(value.split("#")[0])


def links_of(page: str) -> set[str]:
    parser = _Links()
    parser.feed(page)
    return parser.targets


def pages_of(lake: Lake) -> dict[str, str]:
    keys = [item.key for item in lake.store.list_keys("data_docs/")]
    return {key: lake.store.read(key).decode() for key in keys if key.endswith(".html")}


def test_the_index_leads_to_every_suite_and_to_the_latest_verdicts(lake: Lake) -> None:
    raw = load_contract("raw_drive_smart")
    table = make_valid_table("raw_drive_smart", 100, DAY)
    validate_day(raw, table, DAY - dt.timedelta(days=1), lake)
    validate_day(raw, with_values(table, "smart_5_raw", {3: -5}), DAY, lake, usual_rows=100)
    with pytest.raises(ContractBlockedError):
        validate_day(load_contract("core_failures"), table, DAY, lake)
    uri = build_data_docs(lake)
    pages = pages_of(lake)
    assert uri == lake.store.uri("data_docs/index.html")
    linked = {posixpath.normpath(f"data_docs/{target}") for target in links_of(pages["data_docs/index.html"])}
    assert {f"data_docs/expectations/{dataset}.html" for dataset in list_contracts()} <= linked
    validations = {key for key in pages if key.startswith("data_docs/validations/")}
    assert validations <= linked
    assert {" ".join(key.split("/")[2:4]) for key in validations} == {
        "raw_drive_smart 2026-02-01-quarantined",
        "core_failures 2026-02-01-blocked",
    }
    assert {link for link in linked if not lake.store.exists(link)} == set()
    drives = next(page for key, page in pages.items() if key in validations and "raw_drive_smart" in key)
    assert "-5" in drives
    assert "2026-02-05T00:00:00+00:00" in drives, "the day's own bounds are filled in"
    failures = next(page for key, page in pages.items() if key in validations and "core_failures" in key)
    assert "Failed" in failures


def test_a_page_of_an_earlier_build_does_not_stay(lake: Lake) -> None:
    raw = load_contract("raw_drive_smart")
    table = make_valid_table("raw_drive_smart", 100, DAY)
    validate_day(raw, table, DAY, lake)
    build_data_docs(lake)
    assert any("2026-02-01-passed" in key for key in pages_of(lake))
    validate_day(raw, table.slice(0, 99), DAY + dt.timedelta(days=1), lake)
    build_data_docs(lake)
    validations = [key for key in pages_of(lake) if "/validations/" in key]
    assert [key.split("/")[3] for key in validations] == ["2026-02-02-passed"]


def test_no_page_calls_home(lake: Lake) -> None:
    validate_day(load_contract("core_failures"), make_valid_table("core_failures", 3, DAY), DAY, lake)
    build_data_docs(lake)
    pages = pages_of(lake)
    assert len(pages) == 1 + len(list_contracts()) + 1
    assert [key for key, page in pages.items() if "great-expectations-web-assets" in page] == []
