"""Read what students wrote into a lab's cells, through the same intake as grading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.instructor.intake import Templates, rebuild
from autograder.instructor.source import grade_id, is_student_cell

# It holds names, and no answer.
_IDENTITY = "identity"
_STUDENT_ID = re.compile(r"^[ \t]*student_id_[12][ \t]*=[ \t]*[rub]*[\"']([^\"'\n]*)[\"']", re.MULTILINE)


@dataclass(frozen=True)
class Work:
    """What one submission holds.

    Attributes:
        student: id of the student whose folder it lies in.
        code: sources of the code cells that students write in, by grade_id, in order.
        texts: answers to open questions, by grade_id.
        named: the ids in the identity cell, folded.
    """

    student: str
    code: Mapping[str, str]
    texts: Mapping[str, str]
    named: frozenset[str] = frozenset()

    def names(self, student: str) -> bool:
        """Tell whether the identity cell names a student."""
        return student.strip().casefold() in self.named


def work_of(student: str, notebook: NotebookNode) -> Work:
    """Return what a notebook holds in the cells that students write in."""
    cells = {str(grade_id(cell)): cell for cell in notebook.cells if is_student_cell(cell)}
    identity = cells.pop(_IDENTITY, None)
    ids = _STUDENT_ID.findall(identity.source) if identity is not None else []
    return Work(
        student,
        {name: cell.source for name, cell in cells.items() if cell.cell_type == "code"},
        {name: cell.source for name, cell in cells.items() if cell.cell_type != "code"},
        frozenset(name.strip().casefold() for name in ids if name.strip()),
    )


def read_work(
    folders: Mapping[str, Path], lab: str, templates: Templates, language: str
) -> Iterator[tuple[str, Work | None, str]]:
    """Yield each submission, by student: what it holds, or why it cannot be read.

    Args:
        folders: submitted/<student>/<lab>, by student.
        lab: the lab's id.
        templates: the notebooks of all labs.
        language: language to assume where a submission does not tell.
    """
    for student, folder in folders.items():
        try:
            rebuilt = rebuild(folder, lab, templates, language)
        except Exception as error:  # one submission must not cost the others their comparison
            yield student, None, type(error).__name__
            continue
        if rebuilt.usable:
            yield student, work_of(student, rebuilt.notebook), ""
        else:
            yield student, None, " ".join(note.render("en") for note in rebuilt.notes)
