"""The distribution's Chromium, headless: what a person sees of Airflow's pages and of ours."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Page, Route, expect, sync_playwright

_WINDOW = {"width": 1280, "height": 800}
_LOCAL = ("http://localhost:", "file://", "data:", "blob:")


@contextlib.contextmanager
def open_chromium() -> Iterator[Page]:
    """Yield one page of a new browser. Only this machine answers it; fonts and scripts from afar are refused.

    Fails where there is no Chromium: a test of the user interface that is skipped says nothing.
    """
    program = shutil.which("chromium")
    assert program, "no chromium on PATH; infra/install_test_servers.sh installs it (make test does)"
    with sync_playwright() as playwright:
        # Its sandbox needs a user namespace, which root and most build machines do not have.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport=_WINDOW, locale="en-GB", timezone_id="UTC")
            page.route("**/*", _answer_from_this_machine_only)
            # A busy machine draws a page in seconds; the limits are for what will never come.
            page.set_default_timeout(60_000)
            expect.set_options(timeout=60_000)
            yield page
        finally:
            browser.close()


def _answer_from_this_machine_only(route: Route) -> None:
    if route.request.url.startswith(_LOCAL):
        route.continue_()
    else:
        route.abort()
