"""The site as a reader has it: made without a warning, read from the disk, searched, at both widths."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autograder.instructor.settings import Course
from course.authoring.site.build import build_site, missing
from course.authoring.site.modules import packages
from tests.conftest import LAB1, LABS
from tests.instructor.browser import DESKTOP, PHONE, find_violations, open_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
# One of each kind.
KINDS = (
    "index.html", "es/index.html", "en/labs/index.html", f"es/labs/{LAB1}.html", "en/gallery.html",
    "es/docs/glossary.html", "en/docs/authoring.html", "en/reference/autograder.replay.html",
    "es/search.html",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site; Sphinx's warnings and links that lead nowhere would stop it."""
    if missing():
        pytest.skip(f"{', '.join(missing())} is missing: pip install -r requirements-site.txt")
    return build_site(course, tmp_path_factory.mktemp("site") / "site").parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def visit(browser: Browser, path: Path, width: int) -> tuple[Page, list[str]]:
    """Open a page; return it, and what went wrong or came from elsewhere."""
    page, complaints = browser.new_page(viewport={"width": width, "height": 844}), list[str]()
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url.startswith("http") and complaints.append(request.url))
    page.goto(path.as_uri(), wait_until="load")
    return page, complaints


def test_there_is_a_page_for_each_lab_and_package_and_nothing_of_a_solution(site: Path) -> None:
    for language in ("es", "en"):
        for lab in LABS:
            assert (site / language / "labs" / f"{lab}.html").is_file()
            downloads = {path.name for path in (site / language / "downloads").glob(f"{lab}*")}
            assert downloads == {f"{lab}.ipynb", f"{lab}-{language}.zip"}
    assert all((site / "en" / "reference" / f"{name}.html").is_file() for name in packages())
    assert not [path for path in site.rglob("*") if path.suffix in (".py", ".map") or path.name == "_sources"]


def test_the_reference_says_what_the_docstrings_say(site: Path) -> None:
    text = (site / "en" / "reference" / "autograder.html").read_text(encoding="utf-8")
    assert 'id="autograder.marks' in text or 'id="module-autograder.marks"' in text
    assert re.search(r"Return the language that the library.s own texts are in", text)


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", KINDS)
def test_a_page_is_whole_within_its_window_and_open_to_everybody(
    site: Path, browser: Browser, name: str, width: int
) -> None:
    page, complaints = visit(browser, site / name, width)
    assert complaints == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    loaded = "Array.from(document.images).filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
    assert page.evaluate(loaded) == []
    assert find_violations(page) == []
    page.close()


def test_formulas_are_drawn_by_the_browser(site: Path, browser: Browser) -> None:
    page, _ = visit(browser, site / "es" / "labs" / f"{LAB1}.html", DESKTOP)
    assert page.locator("math").count() > 20
    assert "$" not in page.locator("article p").all_inner_texts()[1]
    assert page.locator('math[display="block"]').first.bounding_box()["height"] > 10  # type: ignore[index]
    page.close()


@pytest.mark.parametrize(
    ("language", "words"), [("es", "penalización gradiente"), ("en", "gradient penalty")]
)
def test_search_finds_a_lab_without_a_server(site: Path, browser: Browser, language: str, words: str) -> None:
    page, complaints = visit(browser, site / language / "search.html", DESKTOP)
    page.goto((site / language / "search.html").as_uri() + f"?q={words.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a", timeout=60_000)
    time.sleep(1)  # results come one by one
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    assert any("labs/lab4_wgan_gp.html" in address for address in found)
    assert complaints == []
    page.close()


def test_each_page_leads_to_the_same_in_the_other_language(site: Path, browser: Browser) -> None:
    page, _ = visit(browser, site / "es" / "labs" / f"{LAB1}.html", DESKTOP)
    page.locator("header a[hreflang=en]:visible").first.click()
    page.wait_for_load_state()
    assert page.url == (site / "en" / "labs" / f"{LAB1}.html").as_uri()
    assert page.locator("html").get_attribute("lang") == "en"
    page.close()
