"""What Sphinx makes the site of: a tree of Markdown and notebooks for each language."""

from __future__ import annotations

import io
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from autograder.catalogue import Table, load
from autograder.instructor.bundle import bundle_labs
from autograder.instructor.files import write
from autograder.instructor.settings import Course
from autograder.instructor.source import write_notebook
from course.authoring.glossary import Term, load_glossary
from course.authoring.site.documents import documents, shared_documents
from course.authoring.site.lab_page import LabPage, anchor, lab_page
from course.authoring.site.modules import reference_pages
from course.authoring.thumbnails import load_thumbnails, small, thumbnail_path

# The language that documents and docstrings are in.
DOCUMENTS_IN = "en"
# What Sphinx copies as it is.
EXTRA = "extra"


@dataclass(frozen=True)
class Site:
    """What a tree is written with.

    Attributes:
        course: the checkout.
        language: of the tree.
        root: of the tree.
        texts: of the site, by key and language.
    """

    course: Course
    language: str
    root: Path
    texts: Table

    def say(self, key: str) -> str:
        """Return a text of the site in the tree's language."""
        return self.texts[key][self.language]


def write_sources(course: Course, folder: Path) -> dict[str, Path]:
    """Write the trees of all languages; what the folder holds already goes.

    Args:
        course: the checkout, with all labs built.
        folder: to write to.

    Returns:
        The roots of the trees, by language.

    Raises:
        CourseError: if a lab is not built, or something cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    zips = list(bundle_labs(course, list(course.labs), folder / "zips"))
    texts = load(str(Path(__file__).parent), "texts")
    roots = {language: folder / language for language in course.languages}
    for language, root in roots.items():
        site = Site(course, language, root, texts)
        pages = {lab: _write_lab(site, lab, zips) for lab in course.labs}
        _write_labs(site)
        write(root / "gallery.md", _gallery(site, pages))
        write(root / "docs" / "glossary.md", _glossary(site, load_glossary(course)))
        _write_documents(site)
    return roots


# --- labs -------------------------------------------------------------------------------------------


def _write_lab(site: Site, lab: str, zips: list[Path]) -> LabPage:
    """Write a lab's page, with its downloads and films, and return it."""
    page = lab_page(site.course, lab, site.language, film=site.say("film"))
    archive = next(path for path in zips if path.stem == f"{lab}-{site.language}")
    downloads = {archive.name: archive, f"{lab}.ipynb": site.course.release(lab, site.language)}
    for name, path in downloads.items():
        write(site.root / EXTRA / "downloads" / name, path.read_bytes())
    zipped, notebook = (f"../downloads/{name}" for name in downloads)
    about = site.say("lab_about").format(zip=zipped, notebook=notebook)
    title, _, rest = page.notebook.cells[0].source.partition("\n")
    page.notebook.cells[0].source = f"{title}\n\n{about}\n{rest}"
    write_notebook(page.notebook, site.root / "labs" / f"{lab}.ipynb")
    for name, film in page.films.items():
        write(site.root / EXTRA / "films" / name, film)
    return page


def _write_labs(site: Site) -> None:
    """Write the list of the labs, and the first page, which shows it too."""
    for lab in site.course.labs:
        write(site.root / EXTRA / "thumbnails" / f"{lab}.png", thumbnail_path(site.course, lab).read_bytes())
    home = (site.course.root / "docs" / "site" / f"home.{site.language}.md").read_text(encoding="utf-8")
    write(site.root / "index.md", home.replace("{labs}", _cards(site, "")))
    lines = [f"# {site.say('labs')}", "", site.say("labs_about"), "", _cards(site, "../"), ""]
    lines += ["```{toctree}", ":hidden:", "", *site.course.labs, "```", ""]
    write(site.root / "labs" / "index.md", "\n".join(lines))


def _cards(site: Site, up: str) -> str:
    """Return all labs as pictures with titles, for a page from which `up` leads to the first one."""
    return _grid(
        _linked_picture(
            f"{up}labs/{lab}.html",
            f"{up}thumbnails/{lab}.png",
            thumbnail_path(site.course, lab).read_bytes(),
            site.say("ends_with").format(alt=thumbnail.alt[site.language]),
            lab_title(site, lab),
        )
        for lab, thumbnail in load_thumbnails(site.course).items()
    )


def _gallery(site: Site, pages: Mapping[str, LabPage]) -> str:
    """Return the page with all figures, and write their small pictures."""
    lines = [f"# {site.say('gallery')}", "", site.say("gallery_about")]
    for lab, page in pages.items():
        pictures = []
        for figure in page.figures:
            png, address = small(figure.png), f"gallery/{lab}-{figure.cell}.png"
            write(site.root / EXTRA / address, png)
            pictures.append(
                _linked_picture(f"labs/{lab}.html#{anchor(figure.cell)}", address, png, figure.alt)
            )
        lines += ["", f"## {lab_title(site, lab)}", "", _grid(pictures)]
    return "\n".join(lines) + "\n"


def lab_title(site: Site, lab: str) -> str:
    """Return a lab's title, its id where course.toml gives none."""
    return site.course.titles(lab).get(site.language, lab)


def _grid(pictures: Iterable[str]) -> str:
    """Return pictures side by side, as many as the window is wide for."""
    return "\n".join(['<ul class="grid">', *(f"<li>{each}</li>" for each in pictures), "</ul>"])


def _linked_picture(target: str, address: str, png: bytes, alt: str, title: str = "") -> str:
    """Return a picture that leads somewhere, with its size: the page keeps its place while pictures come."""
    with Image.open(io.BytesIO(png)) as picture:
        width, height = picture.size
    size = f'width="{width}" height="{height}" loading="lazy"'
    caption = f"<span>{escape(title)}</span>" if title else ""
    return f'<a href="{target}"><img alt="{escape(alt)}" {size} src="{address}">{caption}</a>'


# --- other pages ------------------------------------------------------------------------------------


def _glossary(site: Site, terms: Sequence[Term]) -> str:
    """Return the terms in one language, in order, each with the other language's."""
    (other,) = (language for language in site.course.languages if language != site.language)
    lines = [f"# {site.say('glossary')}", "", site.say("glossary_about"), "", "```{glossary}", ""]
    for term in sorted(terms, key=lambda each: _order(each.name(site.language))):
        lines += [term.name(site.language), f"  {term.means[site.language]} (*{term.name(other)}*)", ""]
    return "\n".join([*lines, "```", ""])


def _order(term: str) -> str:
    """Return what a term is sorted by: accents and capitals do not count."""
    return unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode().lower()


def _write_documents(site: Site) -> None:
    """Write the documents; those in one language only, and the reference, are in its tree alone."""
    found = documents(site.course)
    is_theirs = site.language == DOCUMENTS_IN
    shared = shared_documents(site.course, site.language, found if is_theirs else ())
    for path, text in {**shared, **(found if is_theirs else {})}.items():
        write(site.root / path, text)
    lines = [f"# {site.say('documents')}", "", site.say("documents_about"), ""]
    if is_theirs:
        pages = ["../SECURITY.md", *(_from_docs(path) for path in found if "demands/" not in path)]
        lines += _toctree([*pages, "demands/index"])
        _write_reference(site)
    else:
        lines += [*_toctree(["../SECURITY.md"]), *_links_to_documents(site, found)]
    write(site.root / "docs" / "index.md", "\n".join([*lines, ""]))


def _write_reference(site: Site) -> None:
    """Write the pages of the library's modules, and the list of those on the labs' texts."""
    demands = [f"# {site.say('demands')}", "", *_toctree(site.course.labs)]
    write(site.root / "docs" / "demands" / "index.md", "\n".join(demands))
    for name, text in reference_pages(site.say("reference"), site.say("reference_about")).items():
        write(site.root / "reference" / f"{name}.md", text)


def _links_to_documents(site: Site, found: Mapping[str, str]) -> Iterator[str]:
    """Yield links to the documents and the reference in another language's tree."""
    places = {path.removesuffix(".md"): _title(text) for path, text in found.items()}
    places["reference/index"] = site.say("reference").replace("`", "")
    for place, title in places.items():
        address = f"../../{DOCUMENTS_IN}/{place}.html"
        yield f'- <a href="{address}" hreflang="{DOCUMENTS_IN}" lang="{DOCUMENTS_IN}">{title}</a>'


def _from_docs(path: str) -> str:
    """Return the way from docs/ to a document."""
    return path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"


def _title(text: str) -> str:
    """Return the title of a document, as HTML."""
    return escape(re.sub(r"^# (.*)\n(?s:.*)", r"\1", text).replace("`", ""))


def _toctree(pages: Iterable[str]) -> list[str]:
    """Return a list of pages, in the lines that Sphinx makes a tree of."""
    return ["```{toctree}", ":maxdepth: 1", "", *pages, "```", ""]
