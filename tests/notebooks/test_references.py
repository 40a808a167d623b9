"""A claim of a paper stands beside a reference: each lab ends with those that its prose cites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autograder.instructor.settings import Course
from autograder.instructor.source import language_of, read_source
from tests.conftest import LABS

HEADINGS = {"es": "Referencias", "en": "References"}
ENTRY = re.compile(r"- (?P<authors>\D+?) \((?P<year>\d{4})\)\. \*(?P<title>[^*]+)\*\. (?P<where>.+)\.")
ARXIV = re.compile(r"\[arXiv:(?P<number>\d{4}\.\d{4,5})\]\(https://arxiv\.org/abs/(?P=number)\)")
JOURNAL = re.compile(r"\D+ \d+, \d+–\d+")
# (Name et al., 2017), Name and Name (2017), Name, 2017.
CITATION = re.compile(
    r"(?P<first>[A-Z][\w-]+)(?: et al\.| (?:y|and) (?P<second>[A-Z][\w-]+))?,? \(?(?P<year>(?:19|20)\d\d)\b"
)
INTRODUCED = {
    "es": ("tutorial de PyTorch", "tesis de grado", "práctica de Keras"),
    "en": ("PyTorch tutorial", "bachelor's thesis", "Keras assignment"),
}


@dataclass(frozen=True)
class Reference:
    """An entry of a list of references."""

    authors: str
    year: int
    title: str
    where: str

    def is_cited_as(self, citation: re.Match[str]) -> bool:
        """Tell whether a citation of names and a year means this entry."""
        others = [name for name in (citation["second"],) if name]
        named = self.authors.startswith(f"{citation['first']},") and all(o in self.authors for o in others)
        return named and self.year == int(citation["year"])


def prose(course: Course, lab: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield id and text of the prose cells in one language."""
    for cell in read_source(course.source(lab)).cells:
        if cell.cell_type == "markdown" and language_of(cell) == language:
            yield cell.id, cell.source


def references(text: str) -> list[Reference]:
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    found = [ENTRY.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return [Reference(m["authors"], int(m["year"]), m["title"], m["where"]) for m in found if m]


@pytest.fixture(params=HEADINGS)
def language(request: pytest.FixtureRequest) -> str:
    """Every language in turn."""
    return str(request.param)


def test_a_lab_ends_with_references(course: Course, lab: str, language: str) -> None:
    *_, (name, text) = prose(course, lab, language)
    assert name == f"references-{language}" and text.startswith(f"## {HEADINGS[language]}\n")
    assert len(references(text)) >= 3


def test_an_entry_says_where_it_is_found(course: Course, lab: str, language: str) -> None:
    *_, (_, text) = prose(course, lab, language)
    for entry in references(text):
        assert ARXIV.fullmatch(entry.where) or JOURNAL.fullmatch(entry.where), entry


def test_the_list_is_the_same_in_both_languages_and_in_order(course: Course, lab: str) -> None:
    spanish, english = (references(dict(prose(course, lab, each))[f"references-{each}"]) for each in HEADINGS)
    assert spanish == english and len(set(spanish)) == len(spanish)


def test_a_paper_is_called_the_same_in_all_labs(course: Course) -> None:
    entries = {e for lab in LABS for e in references(dict(prose(course, lab, "es"))["references-es"])}
    assert len({entry.title for entry in entries}) == len({entry.where for entry in entries}) == len(entries)


def test_what_the_prose_cites_is_in_the_list(course: Course, lab: str, language: str) -> None:
    cells = dict(prose(course, lab, language))
    listed = references(cells.pop(f"references-{language}"))
    citations = [match for text in cells.values() for match in CITATION.finditer(" ".join(text.split()))]
    assert citations or lab == LABS[0]
    for citation in citations:
        assert any(entry.is_cited_as(citation) for entry in listed), citation[0]


def test_both_languages_cite_the_same(course: Course, lab: str) -> None:
    spanish, english = (
        [(m["first"], m["second"], m["year"]) for _, text in prose(course, lab, each)
         for m in CITATION.finditer(" ".join(text.split()))]
        for each in HEADINGS
    )  # fmt: skip
    assert spanish == english


def test_the_original_is_introduced_where_it_is_first_spoken_of(
    course: Course, lab: str, language: str
) -> None:
    first = next((text for _, text in prose(course, lab, language) if "original" in text), None)
    text = first or dict(prose(course, lab, language))[f"references-{language}"]
    assert any(words in " ".join(text.split()) for words in INTRODUCED[language])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(Goodfellow et al., 2014)", [("Goodfellow", None, "2014")]),
        ("Arjovsky y Bottou (2017)", [("Arjovsky", "Bottou", "2017")]),
        ("(two rates, Heusel et al., 2017; and others)", [("Heusel", None, "2017")]),
        ("MNIST has 2017 pictures", []),
    ],
)
def test_citations_are_found(text: str, found: list[tuple[str, str | None, str]]) -> None:
    assert [(m["first"], m["second"], m["year"]) for m in CITATION.finditer(text)] == found
