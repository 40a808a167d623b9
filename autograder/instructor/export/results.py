"""Read from the gradebook what an export needs: the labs, the students and their marks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from nbgrader.api import Gradebook, MissingEntry

from autograder.instructor.grade.late import LateRule
from autograder.instructor.gradebook import Mark, marks_of


@dataclass(frozen=True)
class GradebookStudent:
    """A student as the gradebook knows them; all but the id may be empty."""

    id: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    lms_id: str = ""


@dataclass(frozen=True)
class Results:
    """The marks of a class.

    Attributes:
        labs: full marks of every exported lab, by id, in order.
        students: all that the gradebook knows, by id.
        marks: marks by student's id and lab's id; who handed in nothing is not there.
        zone: whose clock times are shown by.
    """

    labs: Mapping[str, float]
    students: Mapping[str, GradebookStudent]
    marks: Mapping[tuple[str, str], Mark]
    zone: tzinfo = UTC

    def only(self, students: Collection[str]) -> Results:
        """Return the results of some students."""
        return Results(
            self.labs,
            {name: student for name, student in self.students.items() if name in students},
            {key: mark for key, mark in self.marks.items() if key[0] in students},
            self.zone,
        )

    def waiting(self, lab: str) -> list[str]:
        """Return the students whose marks of a lab are not complete."""
        return sorted(student for (student, name), mark in self.marks.items() if name == lab and mark.waiting)


def known_labs(gradebook: Gradebook) -> list[str]:
    """Return the ids of all labs that a gradebook knows."""
    return [str(assignment.name) for assignment in gradebook.assignments]


def students_of(gradebook: Gradebook) -> list[GradebookStudent]:
    """Return all students that a gradebook knows."""
    return [
        GradebookStudent(
            str(s.id), s.last_name or "", s.first_name or "", s.email or "", str(s.lms_user_id or "")
        )
        for s in gradebook.students
    ]


def read_results(gradebook: Gradebook, labs: Sequence[str], rule: LateRule | None = None) -> Results:
    """Read the marks of some labs.

    Args:
        gradebook: a gradebook that is open.
        labs: ids; those that the gradebook does not know are left out.
        rule: rule for late submissions as it is now; None: what the gradebook holds, which may not know yet
            what came in since the last grading.
    """
    students = {student.id: student for student in students_of(gradebook)}
    full_marks: dict[str, float] = {}
    marks: dict[tuple[str, str], Mark] = {}
    for lab in labs:
        try:
            assignment = gradebook.find_assignment(lab)
        except MissingEntry:
            continue
        full_marks[lab] = float(assignment.max_score)
        stored = marks_of(gradebook, lab)
        marks |= {(mark.student, lab): mark for mark in (rule.applied(stored) if rule else stored)}
    return Results(full_marks, students, marks)
