"""The checkout's documents as pages of the site: links that lead out of it lose their address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from autograder.instructor.settings import Course

# Documents that say everything in each language, a title above each part: the order of their parts.
IN_BOTH = {"docs/students.md": ("es", "en"), "SECURITY.md": ("en", "es")}
# Pages that are made anew for each language.
_MADE_ANEW = ("docs/glossary.md",)
_ABOVE = ("CONTRIBUTING.md", "CHANGELOG.md")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^]]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")


def documents(course: Course) -> dict[str, str]:
    """Return the documents that are in English only, by their path within the checkout."""
    paths = [*map(Path, _ABOVE), *(path.relative_to(course.root) for path in _in_docs(course))]
    names = [path.as_posix() for path in paths if path.as_posix() not in {*IN_BOTH, *_MADE_ANEW}]
    inside = {*names, *IN_BOTH, *_MADE_ANEW}
    return {name: _read(course, name, inside) for name in names}


def shared_documents(course: Course, language: str, others: Iterable[str]) -> dict[str, str]:
    """Return one language's part of each document that is in both, by its path within the checkout.

    Args:
        course: the checkout.
        language: of the part.
        others: the documents that this language's pages can lead to besides.
    """
    inside = {*others, *IN_BOTH, *_MADE_ANEW}
    return {name: part_in(_read(course, name, inside), language, order) for name, order in IN_BOTH.items()}


def _in_docs(course: Course) -> list[Path]:
    """Return the documents of docs/, those on the labs' texts last."""
    pages = [course.demands_page(lab) for lab in course.labs]
    return [*sorted((course.root / "docs").glob("*.md")), *(page for page in pages if page.is_file())]


def _read(course: Course, name: str, inside: set[str]) -> str:
    """Return a document whose links lead to documents `inside` the site only."""
    path = course.root / name
    return within(path.read_text(encoding="utf-8"), path, course.root, inside)


def within(text: str, path: Path, root: Path, inside: set[str]) -> str:
    """Return a document whose links lead to pages of the site only; other files are named, and folders too.

    Args:
        text: of the document.
        path: where it lies.
        root: of the checkout.
        inside: documents that are pages of the site, by their path within the checkout.
    """

    def kept(link: re.Match[str]) -> str:
        target = link["target"]
        file = path.parent / target
        if not target or not file.exists():  # within the page, in the network, or no link but code
            return link[0]
        place = file.resolve().relative_to(root.resolve()).as_posix()
        if place == "docs/demands":
            return f"[{link['text']}]({target}index.md)"
        return link[0] if place in inside else link["text"]

    return _LINK.sub(kept, text)


def part_in(text: str, language: str, order: tuple[str, ...]) -> str:
    """Return one language's part of a document that says everything in each, a title above each part.

    Args:
        text: of the document.
        language: to keep.
        order: languages of the parts.
    """
    parts = [f"# {part}" for part in re.split(r"^# ", text, flags=re.MULTILINE)[1:]]
    return parts[order.index(language)]
