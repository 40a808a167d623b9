"""Grade a simulated class, from submissions to a report and feedback."""

from __future__ import annotations

import contextlib
from pathlib import Path

from nbgrader.api import Gradebook
from rich.console import Console

from autograder.instructor.demo.stock import grade_with_nbgrader
from autograder.instructor.demo.students import first_lab, hand_in, simulated_class
from autograder.instructor.demo.writing import empty_folder, ready, say_what_was_made, write_report
from autograder.instructor.feedback.production import FeedbackOptions, give_feedback
from autograder.instructor.grade.grader import GradeOptions, Grader
from autograder.instructor.grade.terminal import grading_progress, show_end, show_start
from autograder.instructor.gradebook import Mark, read_marks
from autograder.instructor.kernels.isolation import choose
from autograder.instructor.settings import Course, CourseError


def run(
    course: Course,
    console: Console,
    lab: str | None = None,
    *,
    stock: bool = False,
    skip_build: bool = False,
) -> list[Mark]:
    """Hand in a simulated class, grade it, and write a report and feedback.

    Args:
        course: the checkout.
        console: where progress and the table go.
        lab: the lab's id, None for the first; what is written goes to build/demo/<lab>.
        stock: whether nbgrader's own commands grade, in place of `course grade`.
        skip_build: use the notebooks as they are, also where their sources have changed.

    Returns:
        One mark per student.

    Raises:
        CourseError: if there is no such lab, or its simulated class is not valid.
    """
    lab = first_lab(course) if lab is None else lab
    students = simulated_class(course, lab)
    folder = empty_folder(course, lab)
    with console.status("building …") as status:
        ready(course, lab, status.update, skip_build=skip_build)
        hand_in(course, lab, students, folder)
        if stock:
            grade_with_nbgrader(course, lab, folder, status.update)
    database = f"sqlite:///{folder / 'gradebook.db'}"
    if not stock:
        with Gradebook(database) as gradebook:
            for student in students:
                gradebook.update_or_create_student(student.id)
        _grade(course, console, lab, folder)
        with console.status("feedback …"):
            give_feedback(course, lab, FeedbackOptions(folder=folder))
    marks = read_marks(database, lab)
    write_report(course, console, lab, folder, students, marks)
    say_what_was_made(course, console, lab, folder, students)
    return marks


def _grade(course: Course, console: Console, lab: str, folder: Path) -> None:
    """Grade all that was handed in, as isolated as this machine allows."""
    options = GradeOptions(folder=folder, isolation=_isolation(console))
    with contextlib.closing(Grader(course, lab, options)) as grader:
        show_start(console, lab, grader.plan, grader.isolation)
        with grading_progress(console, len(grader.plan.grade)) as advance:
            grading = grader.run(advance)
    show_end(console, grading)


def _isolation(console: Console) -> str:
    """Return the best isolation that works here; the class is our own, so none will do for it."""
    try:
        return choose(None).way
    except CourseError as error:
        console.print(
            f"[yellow]![/] {error}\nThis class is simulated, so it is graded without.", highlight=False
        )
        return "none"
