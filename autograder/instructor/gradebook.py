"""Read marks from nbgrader's gradebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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

from autograder.instructor.files import Row, as_csv, write


@dataclass
class Mark:
    """The marks of one student for one lab.

    Attributes:
        student: the student's id.
        lab: the lab's id.
        auto_score: automatic marks, whatever a person made of them.
        given: marks by graded cell, whoever gave them; None where nobody has yet.
        points: full marks by graded cell.
        manual: the cells that only a person marks.
        waits: the cells that a person has still to mark, or to confirm.
        begun: whether a check cell ran or a person gave a mark; of an unreadable notebook, neither is so.
        timestamp: when it was handed in, in UTC, if that is known.
        due: when it was due, in UTC, with the student's extension.
        extension: how much later that is than for others.
        late_s: seconds after the due date.
        late_penalty: marks taken off for that.
        marked_by_hand: whether a person gave a mark.
        late_unknown: whether marks would be taken off if it was late, and nobody knows.
    """

    student: str
    lab: str
    auto_score: float = 0.0
    given: dict[str, float | None] = field(default_factory=dict)
    points: dict[str, float] = field(default_factory=dict)
    manual: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    begun: bool = False
    timestamp: datetime | None = None
    due: datetime | None = None
    extension: timedelta = timedelta()
    late_s: float = 0.0
    late_penalty: float = 0.0
    marked_by_hand: bool = False
    late_unknown: bool = False

    @property
    def score(self) -> float:
        """Return the marks given, before anything is taken off."""
        return sum(mark for mark in self.given.values() if mark is not None)

    @property
    def max_score(self) -> float:
        """Return the full marks, with those that a person gives."""
        return sum(self.points.values())

    @property
    def waiting(self) -> bool:
        """Tell whether a person has still something to do; nothing marked at all is no 0 either."""
        return bool(self.waits) or not self.given or self.late_unknown

    @property
    def automatic(self) -> float | None:
        """Return the marks of all check cells, as a person corrected them; None while one has none."""
        return self._sum(cell for cell in self.given if cell not in self.manual)

    @property
    def by_hand(self) -> float | None:
        """Return the marks of what only a person marks; None while one is missing."""
        return self._sum(self.manual)

    @property
    def so_far(self) -> float | None:
        """Return the marks so far, less what was taken off for being late; never below 0, as in nbgrader."""
        return max(0.0, self.score - self.late_penalty) if self.begun else None

    @property
    def total(self) -> float | None:
        """Return `so_far`, None as long as the marks are not complete."""
        return None if self.waiting else self.so_far

    def _sum(self, cells: Iterable[str]) -> float | None:
        given = [self.given[cell] for cell in cells]
        return None if None in given or not self.given else sum(mark or 0.0 for mark in given)


def read_marks(db_url: str, lab: str) -> list[Mark]:
    """Return the marks of all submissions of a lab, by student."""
    with Gradebook(db_url) as gradebook:
        return marks_of(gradebook, lab)


def marks_of(gradebook: Gradebook, lab: str) -> list[Mark]:
    """Return the marks of all submissions of a lab, by student, from a gradebook that is open.

    It takes a few queries, however large the class is.
    """
    marks = {mark.student: mark for mark in _submissions(gradebook, lab)}
    # A cell that students write in is marked by a person, be it text or code.
    solutions = (
        gradebook.db.query(SolutionCell.name)
        .join(Notebook, SolutionCell.notebook_id == Notebook.id)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .filter(Assignment.name == lab)
    )
    manual_cells = {name for (name,) in solutions}
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
        _add(marks[student], cell, float(points), auto, manual, extra or 0.0, waits, cell in manual_cells)
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
        due = due + extension if due and extension else due
        yield Mark(
            student,
            lab,
            timestamp=timestamp,
            due=due,
            extension=extension or timedelta(),
            late_s=lateness(timestamp, due),
            late_penalty=float(penalty or 0.0),
        )


def lateness(timestamp: datetime | None, due: datetime | None) -> float:
    """Return the seconds after the due date; 0 where one of the two is not known."""
    return max(0.0, (timestamp - due).total_seconds()) if timestamp and due else 0.0


def _add(
    mark: Mark,
    cell: str,
    points: float,
    auto: float | None,
    manual: float | None,
    extra: float,
    waits: bool,
    is_manual: bool,
) -> None:
    """Add the grade of one cell to the marks of a student."""
    given = manual if manual is not None else auto
    mark.given[cell] = None if given is None else float(given) + extra
    mark.points[cell] = points
    if waits or given is None:
        mark.waits += (cell,)
    # nbgrader gives 0 to a question that nobody answered: that alone is no beginning.
    mark.marked_by_hand = mark.marked_by_hand or manual is not None
    mark.begun = mark.begun or manual is not None or (auto is not None and not is_manual)
    if is_manual:
        mark.manual += (cell,)
    else:
        mark.auto_score += float(auto or 0.0)


def write_csv(marks: list[Mark], path: Path) -> Path:
    """Write marks as CSV: student, lab, score, max_score, one row each."""
    rows: list[Row] = [[mark.student, mark.lab, mark.score, mark.max_score] for mark in marks]
    return write(path, as_csv([["student", "lab", "score", "max_score"], *rows]))
