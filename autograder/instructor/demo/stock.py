"""Grade a simulated class with stock nbgrader's own commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from autograder.instructor.build import run_nbgrader, write_source
from autograder.instructor.settings import Course


def grade_with_nbgrader(course: Course, lab: str, folder: Path, report: Callable[[str], None]) -> None:
    """Make the assignment, grade all that was handed in, and write feedback.

    Args:
        course: the checkout.
        lab: the lab's id.
        folder: of the class, with submitted/; gradebook and pages go there too.
        report: called with each step.
    """
    write_source(course, lab)
    shutil.copytree(course.build / "source" / lab, folder / "source" / lab)
    for command, options in (
        ("generate_assignment", ["--force"]),
        ("autograde", []),
        ("generate_feedback", []),
    ):
        report(f"nbgrader {command} …")
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
