"""The notebooks that students of a course get, and by what a lab is known among the others."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.instructor.intake.reading import Cell
from autograder.instructor.releases import read_releases
from autograder.instructor.settings import Course
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell

# What a cell can be known by: the kind of sign, and the sign.
Sign = tuple[str, str]


@dataclass(frozen=True)
class AnswerCell:
    """A cell of a lab that students write in.

    Attributes:
        name: its grade_id.
        kind: "code" or "markdown".
        graded: whether a person marks it.
        names: what it defines.
        check: grade_id of the check cell that follows; None where a person marks.
    """

    name: str
    kind: str
    graded: bool
    names: frozenset[str]
    check: str | None


@dataclass(frozen=True)
class Templates:
    """The notebooks that students of a course get, by lab and language."""

    notebooks: Mapping[tuple[str, str], NotebookNode]

    @classmethod
    def load(cls, course: Course, lab: str | None = None) -> Templates:
        """Read the releases of all labs.

        Args:
            course: the checkout.
            lab: the one that must be there; of the others, what cannot be read is left out.

        Raises:
            CourseError: if a notebook of that lab cannot be read.
        """
        return cls(read_releases(course, lab))

    def cells(self, lab: str, language: str) -> list[Cell]:
        """Return the cells of one notebook, as intake sees them."""
        return self._cells[lab, language]

    def languages(self, lab: str) -> list[str]:
        """Return the languages of a lab."""
        return [language for name, language in self.notebooks if name == lab]

    @functools.cached_property
    def labs(self) -> list[str]:
        """Return the ids of all labs, in order."""
        return list(dict.fromkeys(lab for lab, _ in self.notebooks))

    @functools.cached_property
    def grade_ids(self) -> frozenset[str]:
        """Return the ids that nbgrader knows cells of any lab by."""
        return frozenset(c.grade_id for cells in self._cells.values() for c in cells if c.grade_id)

    def answers(self, lab: str) -> list[AnswerCell]:
        """Return the cells of a lab that students write in, in order."""
        return self._answers[lab]

    def texts(self, lab: str) -> frozenset[str]:
        """Return the texts of all cells of a lab, in all languages."""
        return self._texts[lab]

    def share(self, lab: str, cells: Sequence[Cell]) -> float:
        """Return which share of the cells that only this lab has is in a notebook, 0 to 1.

        Labs share cells and their ids: an identity cell, a network, questions. Those say nothing.
        """
        signs = {sign for cell in cells for sign in _signs(cell)}
        shares = []
        for language in self.languages(lab):
            own = self._own_signs[lab, language]
            shares.append(sum(not signs.isdisjoint(found) for found in own) / max(len(own), 1))
        return max(shares, default=0.0)

    @functools.cached_property
    def _cells(self) -> dict[tuple[str, str], list[Cell]]:
        return {
            key: [Cell(c.cell_type, c.source, grade_id(c), c.get("id")) for c in notebook.cells]
            for key, notebook in self.notebooks.items()
        }

    @functools.cached_property
    def _texts(self) -> dict[str, frozenset[str]]:
        return {
            lab: frozenset(c.text for language in self.languages(lab) for c in self.cells(lab, language))
            for lab in self.labs
        }

    @functools.cached_property
    def _own_signs(self) -> dict[tuple[str, str], list[frozenset[Sign]]]:
        """Return the signs of each cell that no other lab has; cells without any are left out."""
        by_lab = {
            lab: {
                sign
                for key in self.notebooks
                if key[0] == lab
                for c in self._cells[key]
                for sign in _signs(c)
            }
            for lab in self.labs
        }
        found = {}
        for (lab, language), cells in self._cells.items():
            others = set().union(*(signs for name, signs in by_lab.items() if name != lab))
            own = (frozenset(_signs(cell)) - others for cell in cells)
            found[lab, language] = [signs for signs in own if signs]
        return found

    @functools.cached_property
    def _answers(self) -> dict[str, list[AnswerCell]]:
        return {lab: list(_answers(self.notebooks[lab, self.languages(lab)[0]].cells)) for lab in self.labs}


def _signs(cell: Cell) -> Iterator[Sign]:
    """Yield what a cell can be known by."""
    yield "text", cell.text
    if cell.grade_id:
        yield "grade_id", cell.grade_id
    if cell.cell_id:
        yield "id", cell.cell_id
    for name in cell.names:
        yield "name", name


def _answers(cells: Iterable[NotebookNode]) -> Iterator[AnswerCell]:
    """Yield the cells that students write in."""
    cells = list(cells)
    for index, cell in enumerate(cells):
        if not is_student_cell(cell):
            continue
        graded = bool(cell.metadata["nbgrader"].get("grade"))
        following = (str(grade_id(c)) for c in cells[index + 1 :] if is_check_cell(c))
        names = Cell(cell.cell_type, cell.source).names
        check = None if graded else next(following, None)
        yield AnswerCell(str(grade_id(cell)), cell.cell_type, graded, names, check)
