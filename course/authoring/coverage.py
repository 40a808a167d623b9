"""Where the documents that the course was designed from have their place in its labs: docs/coverage.toml.

Every subject, exercise, figure and question of theirs is listed there: with the cells that hold it, the lab
it is planned for, what is still wanted, or why it is left out. `python -m course.authoring.coverage` writes
docs/coverage.md from the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.source import read_source
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml
from autograder.instructor.twins import shared_name
from course.authoring.listing import Listing, row

LISTING = Listing("coverage")
KINDS = ("subject", "exercise", "figure", "question")

_Text = Annotated[str, Field(strict=True, description="a text in quotes")]
_Kind = Annotated[Literal["subject", "exercise", "figure", "question"], Field(description=" or ".join(KINDS))]
_Figures = Annotated[
    str,
    Field(strict=True, description='numbers of figures, such as "3" or "3-5"', pattern=r"^(\d+(-\d+)?)?$"),
]
_Cells = Annotated[list[_Text], Field(strict=True, description='a list such as ["lab1_sine_gan/run"]')]


@dataclass(frozen=True)
class Subject:
    """One thing that a document holds, and its place.

    Attributes:
        section: of the document.
        kind: one of `KINDS`.
        what: the thing, in a few words.
        figures: numbers of the document's figures that belong to it, such as "3-5".
        cells: that hold it, each LAB/ID; twins in several languages share the id without its end.
        planned: the lab that is to hold it.
        missing: what is still wanted.
        left_out: why it, or a part of it, has no place.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    section: _Text
    kind: _Kind
    what: _Text
    figures: _Figures = ""
    cells: _Cells = field(default_factory=list)
    planned: _Text = ""
    missing: _Text = ""
    left_out: _Text = ""

    @property
    def figure_numbers(self) -> range:
        """Return the numbers of its figures."""
        if not self.figures:
            return range(0)
        first, _, last = self.figures.partition("-")
        return range(int(first), int(last or first) + 1)


@dataclass(frozen=True)
class Document:
    """A document that the course was designed from.

    Attributes:
        id: a short name.
        title: its subject.
        about: what it is, in a sentence.
        figures: how many numbered figures it has.
        subjects: all that it holds, in order; in the list, [[document.subject]] tables.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    id: _Text
    title: _Text
    about: _Text
    figures: Annotated[int, Field(strict=True, description="a number")] = 0
    subjects: tuple[Subject, ...] = ()


def load_coverage(course: Course) -> list[Document]:
    """Read the list and hold it against the labs.

    Raises:
        CourseError: if something has no place and no reason, a figure is in no place, or a cell is not there.
    """
    path = LISTING.data(course)
    data, text = read_toml(path)
    places = {f"{lab}/{name}" for lab in course.labs for name in cell_names(course, lab)}
    documents = []
    for number, entry in enumerate(data.pop("document", [])):
        table = Table(path.name, f"document {number + 1}", ("document", number), text)
        entries = entry.pop("subject", [])
        subjects = tuple(_subject(each, table, place, places) for place, each in enumerate(entries))
        document = replace(checked(Document, entry, table), subjects=subjects)
        _require_figures(document, table)
        documents.append(document)
    if data:
        raise CourseError(f"{path.name}: only [[document]] entries belong here, not {', '.join(data)}.")
    return documents


def cell_names(course: Course, lab: str) -> Iterator[str]:
    """Yield what the cells of a lab may be called: twins in several languages share a name."""
    for cell in read_source(course.source(lab)).cells:
        yield shared_name(cell)


def _subject(entry: object, document: Table, number: int, places: set[str]) -> Subject:
    """Return a subject, once it is known that it has a place that is there, or a reason."""
    name = f"{document.name}, subject {number + 1}"
    table = Table(document.file, name, (*document.keys, "subject", number), document.text)
    subject = checked(Subject, entry, table)
    if not (subject.cells or subject.planned or subject.missing or subject.left_out):
        raise CourseError(f"{table.place()}, {subject.what!r}: give cells, planned, missing or left_out.")
    unknown = [cell for cell in subject.cells if cell not in places]
    if unknown:
        raise CourseError(f"{table.place('cells')}, {subject.what!r}: there is no cell {unknown[0]!r}.")
    return subject


def _require_figures(document: Document, table: Table) -> None:
    """Raise unless each numbered figure of a document belongs to one subject."""
    found = Counter(number for subject in document.subjects for number in subject.figure_numbers)
    wrong = [number for number in range(1, document.figures + 1) if found[number] != 1]
    wrong += [number for number in found if not 1 <= number <= document.figures]
    if wrong:
        raise CourseError(
            f"{table.place()}, {document.title!r}: figure {wrong[0]} must belong to exactly one subject."
        )


# --- the page ------------------------------------------------------------------------------------------


def page(documents: list[Document]) -> str:
    """Return the page."""
    subjects = [subject for document in documents for subject in document.subjects]
    placed = sum(bool(subject.cells) for subject in subjects)
    planned = sum(bool(subject.planned) for subject in subjects)
    whole = sum(bool(subject.cells) and not subject.missing for subject in subjects)
    missing = sum(bool(subject.missing) and not subject.cells for subject in subjects)
    without = len(subjects) - placed - planned - missing
    lines = [
        "# What the course was designed from, and where it is",
        "",
        "Generated by `python -m course.authoring.coverage` from `coverage.toml`; a test looks for every",
        f"cell named. {len(subjects)} subjects, exercises, figures and questions of {len(documents)}",
        f"documents: {placed} have cells, and of {whole} of these nothing is wanting; {planned} are planned;",
        f"{missing} are missing altogether; {without} are left out.",
    ]
    for document in documents:
        lines += ["", f"## {document.title}", "", document.about, ""]
        lines += ["| section | kind | what | cells | planned | missing | left out |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [_row(subject) for subject in document.subjects]
    return "\n".join(lines) + "\n"


def _row(subject: Subject) -> str:
    """Return a line of a table."""
    numbers = subject.figures.replace("-", "–")
    kind = f"{subject.kind}; figure{'s' * ('-' in subject.figures)} {numbers}" if numbers else subject.kind
    cells = ", ".join(f"`{cell}`" for cell in subject.cells)
    places = (cells, subject.planned, subject.missing, subject.left_out)
    return row((subject.section, kind, subject.what, *places))


def main() -> None:
    """Write the page."""
    course = load_course()
    LISTING.page(course).write_text(page(load_coverage(course)), encoding="utf-8")


if __name__ == "__main__":
    main()
