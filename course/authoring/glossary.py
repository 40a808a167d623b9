"""The terms of the field in both languages, one per concept: docs/glossary.toml.

`python -m course.authoring.glossary` writes docs/glossary.md from the list. The labs' prose keeps to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from nbformat import NotebookNode
from pydantic import ConfigDict, Field

from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.source import language_of, read_source
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml
from course.authoring.listing import Listing, row

LISTING = Listing("glossary")

_Text = Annotated[str, Field(strict=True, description="a text in quotes", min_length=1)]
_Texts = Annotated[dict[str, _Text], Field(description='texts by language, such as means.en = "…"')]
_Words = Annotated[
    dict[str, list[_Text]], Field(description='wordings by language, such as rejected.es = ["…"]')
]

# What is no prose: code, formulas, and what stands in italics within parentheses: the other language's word.
_NO_PROSE = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
_OTHER_WORD = re.compile(r" ?\(\*[^)]*\)|, \*[^*]+\*,?")


@dataclass(frozen=True)
class Term:
    """One concept.

    Attributes:
        es: its name in Spanish.
        en: its name in English.
        means: a definition in each language.
        rejected: wordings that are not used for it, by language.
        form: a pattern that finds it in a text, by language, where it varies.
        shown: whether a lab gives the other language's term where it first uses it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    es: _Text
    en: _Text
    means: _Texts
    rejected: _Words = field(default_factory=dict)
    form: _Texts = field(default_factory=dict)
    shown: Annotated[bool, Field(strict=True, description="true or false")] = False

    def name(self, language: str) -> str:
        """Return its name in a language."""
        return self.es if language == "es" else self.en

    def pattern(self, language: str) -> re.Pattern[str]:
        """Return what finds it in a text."""
        form = self.form.get(language) or re.escape(self.name(language))
        return re.compile(rf"(?<![\w-])(?:{form})(?![\w-])", re.IGNORECASE)

    def rejected_in(self, text: str, language: str) -> list[str]:
        """Return the rejected wordings that a text holds."""
        words = self.rejected.get(language, [])
        return [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)]


def load_glossary(course: Course) -> list[Term]:
    """Read the list.

    Raises:
        CourseError: if a term is there twice, or is rejected as a name of another.
    """
    path = LISTING.data(course)
    data, text = read_toml(path)
    terms = []
    for number, entry in enumerate(data.pop("term", [])):
        terms.append(checked(Term, entry, Table(path.name, f"term {number + 1}", ("term", number), text)))
    if data:
        raise CourseError(f"{path.name}: only [[term]] entries belong here, not {', '.join(data)}.")
    for language in ("es", "en"):
        names = [term.name(language) for term in terms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise CourseError(f"{path.name}: {twice!r} is there twice ({language}).")
        for term in terms:
            clash = next((word for word in term.rejected.get(language, []) if word in names), None)
            if clash:
                raise CourseError(
                    f"{path.name}: {clash!r} is a term, and rejected for {term.name(language)!r}."
                )
    return terms


def prose(course: Course, lab: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield id and text of a lab's prose cells in one language."""
    for cell in read_source(course.source(lab)).cells:
        if cell.cell_type == "markdown" and language_of(cell) == language:
            yield str(cell.id), str(cell.source)


def said(text: str) -> str:
    """Return a text of prose on one line, without code and formulas."""
    return " ".join(_NO_PROSE.sub("…", text).split())


def without_other_words(text: str) -> str:
    """Return a text without words of the other language: those in italics and parentheses."""
    return _OTHER_WORD.sub("", text)


def running_text(text: str) -> str:
    """Return the sentences of a cell, without its headings and tables, code and formulas."""
    lines = [line for line in text.splitlines() if not line.startswith(("#", "|"))]
    return said("\n".join(lines))


def shared_comments(cell: NotebookNode) -> list[str]:
    """Return the comments of a code cell that stand in all languages."""
    found = re.findall(r"(?:^|\s)# (.+)$", cell.source, re.MULTILINE)
    return [comment for comment in found if not re.match(r"(es|en)(: |$)", comment)]


def page(terms: list[Term]) -> str:
    """Return the page."""
    lines = [
        "# Glosario · Glossary",
        "",
        "Generated by `python -m course.authoring.glossary` from `glossary.toml`. One term per concept; the",
        "labs use no other: a test looks for the wordings that are rejected.",
        "",
        "| English | español | definition | definición | not |",
        "|---|---|---|---|---|",
    ]
    for term in terms:
        rejected = dict.fromkeys(word for words in term.rejected.values() for word in words)
        lines.append(row((term.en, term.es, term.means["en"], term.means["es"], ", ".join(rejected))))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    course = load_course()
    LISTING.page(course).write_text(page(load_glossary(course)), encoding="utf-8")


if __name__ == "__main__":
    main()
