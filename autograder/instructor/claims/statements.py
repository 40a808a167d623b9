"""Which sentences of a lab's prose say something of its outputs, and have no claim.

They are recognised by their words. Some that say nothing of the kind are among them: a list of exceptions
says why those need no claim.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.instructor.claims.cells import fits, read_claims
from autograder.instructor.claims.exceptions import load_exceptions
from autograder.instructor.claims.words import says_something
from autograder.instructor.demands import load_demands
from autograder.instructor.sentences import sentences_of
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_source, versions

# Ids of cells that list works begin so: titles say nothing of outputs.
_REFERENCES = "references"


@dataclass(frozen=True)
class Statement:
    """A sentence that says something of outputs.

    Attributes:
        prose: id of the cell in which it stands.
        language: of the sentence.
        text: the sentence.
    """

    prose: str
    language: str
    text: str


def open_statements(course: Course, lab: str) -> list[Statement]:
    """Return the sentences about outputs that no claim backs and that are no declared exception.

    What the text demands of an answer is looked at by a check, and needs no claim.

    Args:
        course: the checkout.
        lab: the lab's id.

    Raises:
        CourseError: if an exception is none: its sentence is not there, has a claim, or needs no exception.
    """
    backed = {
        (b.prose[x], text)
        for claim in read_claims(course, lab)
        for b in claim.sentences
        for x, text in b.text.items()
    }
    demanded = _demanded(course, lab)
    found = [
        statement
        for statement in statements(read_source(course.source(lab)).cells, course.language, course.languages)
        if (statement.prose, statement.text) not in backed
        and not any(part in statement.text or statement.text in part for part in demanded)
    ]
    excepted: list[Statement] = []
    for exception in load_exceptions(course, lab):
        for language, quotation in exception.text.items():
            fitting = [s for s in found if s.language == language and fits(quotation, s.text)]
            if not fitting:
                raise CourseError(
                    f"{exception.place}: no sentence about outputs without a claim is {quotation!r} "
                    f"({language}). Write it as it stands there, … for a part of it, or take it out."
                )
            excepted += fitting
    return [statement for statement in found if statement not in excepted]


def statements(cells: list[NotebookNode], usual: str, languages: Collection[str]) -> Iterator[Statement]:
    """Yield the sentences of prose whose words say something of outputs.

    Args:
        cells: of a notebook in all languages.
        usual: language of cells without a tag.
        languages: of the course.
    """
    for cell in cells:
        if cell.cell_type == "markdown" and not cell.id.startswith(_REFERENCES):
            for language, version in versions(cell, usual, languages).items():
                for sentence in sentences_of(version):
                    if says_something(sentence, language):
                        yield Statement(cell.id, language, sentence)


def _demanded(course: Course, lab: str) -> list[str]:
    """Return the demands of a lab's text, in all languages."""
    if not course.demands(lab).exists():
        return []
    parts = load_demands(course, lab).parts
    return [text for part in parts if part.kind == "demand" for text in part.text.values()]
