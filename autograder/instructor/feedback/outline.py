"""What a feedback page shows and in which order: marks first, the text of the lab folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Float, List, Unicode

from autograder.instructor.feedback.circumstances import circumstances_of
from autograder.instructor.grade.late import LateRule
from autograder.instructor.grade.marked import OUTPUTS_CELL
from autograder.instructor.grade.work import REPORT_CELL
from autograder.instructor.headings import headings, question_title
from autograder.instructor.settings import is_language
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell
from autograder.language import LANGUAGES
from autograder.opening import opening

_NO_RESPONSE = "No response."  # what nbgrader says of an answer that nobody wrote


@dataclass
class FeedbackPart:
    """A part of the page: cells up to one that has marks, and that one.

    Attributes:
        title: heading of the part.
        graded: the cell that has the marks; None for what comes after the last one.
        answers: the student's cells.
        question: the text just before an answer that a person marks.
        context: all other cells, in order.
    """

    title: str
    graded: NotebookNode | None = None
    answers: list[NotebookNode] = field(default_factory=list)
    question: NotebookNode | None = None
    context: list[NotebookNode] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Return the name that links lead to."""
        return f"part-{grade_id(self.graded)}" if self.graded is not None else "rest"

    @property
    def is_check(self) -> bool:
        """Tell whether the marks are automatic."""
        return self.graded is not None and is_check_cell(self.graded)

    @property
    def points(self) -> float:
        """Return the full marks."""
        return float(self._data.get("points", 0.0))

    @property
    def score(self) -> float | None:
        """Return the marks; None where nobody has given any yet."""
        return None if self.waiting else float(self._data.get("score", 0.0))

    @property
    def waiting(self) -> bool:
        """Tell whether marks are still to be given."""
        return bool(self._data.get("waiting"))

    @property
    def state(self) -> str:
        """Return how good it is: "waiting", "full", "part" or "none"."""
        if self.score is None:
            return "waiting"
        return "full" if self.score >= self.points else "part" if self.score > 0 else "none"

    @property
    def _data(self) -> dict[str, Any]:
        return dict(self.graded.metadata["nbgrader"]) if self.graded is not None else {}


class OutlineFeedback(NbGraderPreprocessor):
    """Finds the parts of a marked notebook, for the template: `resources["feedback"]`."""

    course = Unicode("", help="folder of the course, which knows its zone and its model answers").tag(
        config=True
    )
    names = Dict(help="names of students, by id, where the gradebook has none").tag(config=True)
    totals = List(Float(), help="complete marks of the class, if pages say how it did").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as it is, and resources with the outline."""
        cells = [cell for cell in nb.cells if cell.get("id") not in (REPORT_CELL, OUTPUTS_CELL)]
        sections = list(split(cells))
        language = language_of(nb)
        ungraded = all(section.waiting for section in sections if section.graded is not None)
        known = resources["nbgrader"]
        if ungraded:
            known = {**known, "score": None}
        found = circumstances_of(
            known,
            language,
            Path(self.course) if self.course else None,
            self.names,
            self.totals,
            LateRule(self.config).per_day,
        )
        resources["feedback"] = {
            "language": language,
            "circumstances": found,
            "title": next(iter(headings(cells)), resources["nbgrader"]["assignment"]),
            "notes": [cell for cell in nb.cells if cell.get("id") == REPORT_CELL],
            "whose_outputs": [cell for cell in nb.cells if cell.get("id") == OUTPUTS_CELL],
            "sections": sections,
            "missing": sum(section.points for section in sections if section.waiting),
            "ungraded": ungraded,
        }
        return nb, resources


def split(cells: Sequence[NotebookNode]) -> Iterator[FeedbackPart]:
    """Yield the parts of a notebook: each ends with a cell that has marks."""
    section = FeedbackPart("")
    for cell in cells:
        data = cell.metadata.get("nbgrader", {})
        if is_student_cell(cell):
            if data.get("comment") == _NO_RESPONSE:
                data["comment"], data["no_response"] = None, True
            section.answers.append(cell)
        if data.get("grade"):
            section.graded = cell
            section.title = _title(section, cell)
            yield section
            section = FeedbackPart("")
        elif not is_student_cell(cell):
            section.context.append(cell)
    if section.context or section.answers:
        yield section


def _title(section: FeedbackPart, graded: NotebookNode) -> str:
    """Return what a part is about; takes the question out of the context where a person marks."""
    if not is_check_cell(graded):
        if section.context and section.context[-1].cell_type == "markdown":
            section.question = section.context.pop()
            if title := question_title([section.question]):
                return title
    elif found := headings(section.context):
        return found[-1]
    return str(grade_id(graded)).removesuffix("_check").replace("_", " ")


def language_of(nb: NotebookNode) -> str:
    """Return the language of a lab's notebook, also of one whose metadata an editor lost."""
    said = nb.metadata.get("language")
    if not is_language(said):
        found = (opening(cell.source) for cell in nb.cells if cell.cell_type == "code")
        opened = next((opened.language for opened in found if opened), None)
        said = opened if is_language(opened) else LANGUAGES[0]
    return str(said)
