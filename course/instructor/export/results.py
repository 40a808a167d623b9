"""Read from the gradebook what an export needs: who has which marks, and which are not complete yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbgrader.api import Grade, Gradebook, MissingEntry, SubmittedAssignment, SubmittedNotebook


@dataclass(frozen=True)
class Student:
    """A student as the gradebook knows them; all but the id may be empty."""

    id: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    lms_id: str = ""


@dataclass(frozen=True)
class Result:
    """What one student has for one lab.

    Attributes:
        score: marks so far, automatic ones and those of a person, without the late penalty.
        automatic: marks of the check cells; None if one of them has no mark.
        penalty: marks taken off for being late.
        waiting: whether a person still has to mark something.
        begun: whether a check cell ran or a person gave a mark; of an unreadable notebook, neither is so.
    """

    score: float
    automatic: float | None
    penalty: float
    waiting: bool
    begun: bool = True

    @property
    def so_far(self) -> float | None:
        """Return the marks so far, with the late penalty; never below 0, as nbgrader has it."""
        return max(0.0, self.score - self.penalty) if self.begun else None

    @property
    def total(self) -> float | None:
        """Return the marks, None as long as they are not complete."""
        return None if self.waiting else self.so_far

    @property
    def by_hand(self) -> float | None:
        """Return what a person gave or corrected, None as long as that is not complete."""
        return None if self.waiting or self.automatic is None else self.score - self.automatic


@dataclass(frozen=True)
class Results:
    """The marks of a class.

    Attributes:
        labs: full marks of every exported lab, by id, in order.
        students: all that the gradebook knows, by id.
        marks: by student's id and lab's id; who handed in nothing is not there.
    """

    labs: Mapping[str, float]
    students: Mapping[str, Student]
    marks: Mapping[tuple[str, str], Result]

    def only(self, students: Collection[str]) -> Results:
        """Return the results of some students."""
        return Results(
            self.labs,
            {name: student for name, student in self.students.items() if name in students},
            {key: mark for key, mark in self.marks.items() if key[0] in students},
        )

    def waiting(self, lab: str) -> list[str]:
        """Return the students whose marks of a lab are not complete."""
        return sorted(student for (student, name), mark in self.marks.items() if name == lab and mark.waiting)


def known_labs(gradebook: Gradebook) -> list[str]:
    """Return the ids of all labs that a gradebook knows."""
    return [str(assignment.name) for assignment in gradebook.assignments]


def read_results(gradebook: Gradebook, labs: Sequence[str]) -> Results:
    """Read the marks of some labs.

    Args:
        gradebook: open.
        labs: ids; those that the gradebook does not know are left out.
    """
    students = {
        str(s.id): Student(
            str(s.id), s.last_name or "", s.first_name or "", s.email or "", s.lms_user_id or ""
        )
        for s in gradebook.students
    }
    full_marks: dict[str, float] = {}
    marks: dict[tuple[str, str], Result] = {}
    for lab in labs:
        try:
            assignment = gradebook.find_assignment(lab)
        except MissingEntry:
            continue
        full_marks[lab] = float(assignment.max_score)
        marks.update({(student, lab): result for student, result in _read_lab(gradebook, assignment).items()})
    return Results(full_marks, students, marks)


def _read_lab(gradebook: Gradebook, assignment: Any) -> dict[str, Result]:
    """Return the results of one lab by student, in two queries however large the class is."""
    automatic_cells = _automatic_cells(assignment)
    grades: defaultdict[str, list[Any]] = defaultdict(list)
    for row in (
        gradebook.db.query(
            SubmittedNotebook.assignment_id,
            Grade.cell_id,
            Grade.auto_score,
            Grade.manual_score,
            Grade.needs_manual_grade,
        )
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .filter(SubmittedAssignment.assignment_id == assignment.id)
    ):
        grades[row[0]].append(row[1:])
    submissions = gradebook.db.query(
        SubmittedAssignment.id,
        SubmittedAssignment.student_id,
        SubmittedAssignment.score,
        SubmittedAssignment.late_submission_penalty,
    ).filter(SubmittedAssignment.assignment_id == assignment.id)
    return {
        str(student): _result(float(score or 0.0), float(penalty or 0.0), grades[key], automatic_cells)
        for key, student, score, penalty in submissions
    }


def _automatic_cells(assignment: Any) -> set[str]:
    """Return the database ids of the cells that are marked automatically."""
    cells = set()
    for notebook in assignment.notebooks:
        # A cell that students write in is marked by a person, be it text or code.
        by_hand = {cell.name for cell in notebook.solution_cells}
        cells |= {cell.id for cell in notebook.grade_cells if cell.name not in by_hand}
    return cells


def _result(score: float, penalty: float, grades: Sequence[Any], automatic_cells: set[str]) -> Result:
    """Return one student's result.

    A grade that nobody gave, as autograding leaves it when it fails, is not taken for a 0.
    """
    automatic = [auto for cell, auto, _, _ in grades if cell in automatic_cells]
    missing = any(auto is None and manual is None for _, auto, manual, _ in grades)
    return Result(
        score=score,
        automatic=None if not automatic or None in automatic else float(sum(automatic)),
        penalty=penalty,
        waiting=not grades or missing or any(needs for _, _, _, needs in grades),
        begun=any(auto is not None for auto in automatic)
        or any(manual is not None for _, _, manual, _ in grades),
    )
