"""Grade a simulated class with stock nbgrader, from submissions to a report."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from autograder.instructor.build import run_nbgrader, write_source
from autograder.instructor.demo.students import first_lab, hand_in, simulated_class
from autograder.instructor.demo.writing import empty_folder, ready, say_what_was_made, write_report
from autograder.instructor.gradebook import Mark, read_marks
from autograder.instructor.settings import Course


def run_stock(
    course: Course, console: Console, lab: str | None = None, *, skip_build: bool = False
) -> list[Mark]:
    """Hand in a simulated class, grade it with nbgrader's own commands, and write table, CSV and report.

    Args:
        course: the checkout.
        console: where progress and the table go.
        lab: the lab's id, None for the first; what is written goes to build/demo/<lab>.
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
        status.update("nbgrader generate_assignment …")
        write_source(course, lab)
        shutil.copytree(course.build / "source" / lab, folder / "source" / lab)
        _nbgrader(course, folder, lab, "generate_assignment", "--force")
        status.update(f"nbgrader autograde: {len(students)} submissions …")
        _nbgrader(course, folder, lab, "autograde")
        status.update("nbgrader generate_feedback …")
        _nbgrader(course, folder, lab, "generate_feedback")
    marks = read_marks(f"sqlite:///{folder / 'gradebook.db'}", lab)
    write_report(course, console, lab, folder, students, marks)
    say_what_was_made(course, console, lab, folder, students)
    return marks


def _nbgrader(course: Course, folder: Path, lab: str, command: str, *options: str) -> None:
    """Run a stock nbgrader command in the demo's own course folder."""
    run_nbgrader(
        course,
        command,
        lab,
        *options,
        f"--CourseDirectory.db_url=sqlite:///{folder / 'gradebook.db'}",
        "--CourseDirectory.source_directory=source",
        "--CourseDirectory.release_directory=release",
        course_folder=folder,
    )
