"""Look at pages as a reader does: in headless Chromium, without a network."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# What WCAG 2.1 AA asks for: contrast, names, tables, the order of headings, and more.
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
DESKTOP, PHONE = 1280, 390


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Yield a browser; skip the test where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium here to open the page with")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page that was opened, and what happened meanwhile."""

    def __init__(self, browser: Browser, path: Path, width: int = DESKTOP) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 844})
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        # Pictures within the page are no requests; the page itself is one.
        self.page.on("request", lambda r: r.url.startswith("data:") or self.requests.append(r.url))
        self.page.goto(path.as_uri(), wait_until="load")
        assert self.requests == [path.as_uri()]
        self.requests.clear()

    @property
    def too_wide(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def open_all(self) -> None:
        """Open everything that is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")

    def violations(self) -> list[tuple[str, list[Any]]]:
        """Return the rules of accessibility that the page breaks, with the elements that do."""
        return find_violations(self.page)


def find_violations(page: Page) -> list[tuple[str, list[Any]]]:
    """Return the rules of accessibility that a page breaks, with the elements that do."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page, options=_RULES).response
    return [(v["id"], [n["html"][:150] for n in v["nodes"][:3]]) for v in response["violations"]]
