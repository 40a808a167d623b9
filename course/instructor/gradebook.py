"""Read marks from nbgrader's gradebook."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)


@dataclass
class Mark:
    """The marks of one student for one lab.

    Attributes:
        student: the student's id.
        lab: the lab's id.
        score: marks so far.
        max_score: full marks, with those that a person gives.
        auto_score: automatic marks.
        max_auto_score: full automatic marks.
        needs_manual_grade: whether a person still has to mark something.
        blocks: automatic marks by check cell, each with its full marks.
        given: marks by graded cell, whoever gave them; None where nobody has yet.
        points: full marks by graded cell.
        by_hand: the cells that only a person marks.
        timestamp: when it was handed in, in UTC, if that is known.
        late_s: seconds after the due date.
        late_penalty: marks taken off for that; `score` is without it, as in nbgrader.
    """

    student: str
    lab: str
    score: float = 0.0
    max_score: float = 0.0
    auto_score: float = 0.0
    max_auto_score: float = 0.0
    needs_manual_grade: bool = False
    blocks: dict[str, tuple[float, float]] = field(default_factory=dict)
    given: dict[str, float | None] = field(default_factory=dict)
    points: dict[str, float] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()
    timestamp: datetime | None = None
    late_s: float = 0.0
    late_penalty: float = 0.0


def read_marks(db_url: str, lab: str) -> list[Mark]:
    """Return the marks of all submissions of a lab, by student."""
    with Gradebook(db_url) as gradebook:
        return marks_of(gradebook, lab)


def marks_of(gradebook: Gradebook, lab: str) -> list[Mark]:
    """Return the same from a gradebook that is open, in a few queries however large the class is."""
    marks = {mark.student: mark for mark in _submissions(gradebook, lab)}
    # A cell that students write in is marked by a person, be it text or code.
    solutions = (
        gradebook.db.query(SolutionCell.name)
        .join(Notebook, SolutionCell.notebook_id == Notebook.id)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .filter(Assignment.name == lab)
    )
    by_hand = {name for (name,) in solutions}
    columns = (
        Student.id, GradeCell.name, GradeCell.max_score, Grade.auto_score, Grade.manual_score,
        Grade.extra_credit, Grade.needs_manual_grade,
    )  # fmt: skip
    grades = (
        gradebook.db.query(*columns)
        .select_from(Grade)
        .join(GradeCell, Grade.cell_id == GradeCell.id)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(Student, SubmittedAssignment.student_id == Student.id)
        .filter(Assignment.name == lab)
    )
    for student, cell, points, auto, manual, extra, waits in grades:
        _add(marks[student], cell, float(points), auto, manual, extra or 0.0, waits, cell in by_hand)
    return [marks[student] for student in sorted(marks)]


def _submissions(gradebook: Gradebook, lab: str) -> Iterator[Mark]:
    """Yield an empty mark for each submission."""
    columns = (
        Student.id, SubmittedAssignment.timestamp, SubmittedAssignment.extension,
        Assignment.duedate, SubmittedAssignment.late_submission_penalty,
    )  # fmt: skip
    found = (
        gradebook.db.query(*columns)
        .select_from(SubmittedAssignment)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(Student, SubmittedAssignment.student_id == Student.id)
        .filter(Assignment.name == lab)
    )
    for student, timestamp, extension, due, penalty in found:
        late_s = 0.0
        if timestamp is not None and due is not None:
            late_s = max(0.0, (timestamp - (due + extension if extension else due)).total_seconds())
        yield Mark(student, lab, timestamp=timestamp, late_s=late_s, late_penalty=float(penalty or 0.0))


def _add(
    mark: Mark,
    cell: str,
    points: float,
    auto: float | None,
    manual: float | None,
    extra: float,
    waits: bool,
    by_hand: bool,
) -> None:
    """Add the grade of one cell to the marks of a student."""
    given = manual if manual is not None else auto
    mark.given[cell] = None if given is None else float(given) + extra
    mark.points[cell] = points
    mark.score += mark.given[cell] or 0.0
    mark.max_score += points
    mark.needs_manual_grade = mark.needs_manual_grade or bool(waits)
    if by_hand:
        mark.by_hand += (cell,)
        return
    mark.blocks[cell] = (float(auto or 0.0), points)
    mark.auto_score += float(auto or 0.0)
    mark.max_auto_score += points


def write_csv(marks: list[Mark], path: Path) -> Path:
    """Write marks as CSV: student, lab, score, max_score, one row each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "lab", "score", "max_score"])
        for mark in marks:
            writer.writerow([mark.student, mark.lab, f"{mark.score:g}", f"{mark.max_score:g}"])
    return path
