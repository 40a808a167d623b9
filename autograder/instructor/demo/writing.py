"""What a simulated class leaves behind: a folder of its own, a report, and a word on what to open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from autograder.instructor.build import build_lab
from autograder.instructor.demo.students import Student
from autograder.instructor.gradebook import Mark, write_csv
from autograder.instructor.keys import is_stale
from autograder.instructor.report.terminal import show_table
from autograder.instructor.report.writer import collect_report, write_files
from autograder.instructor.settings import Course


def empty_folder(course: Course, lab: str) -> Path:
    """Return build/demo/<lab>, without what an earlier class left there."""
    folder = course.build / "demo" / lab
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def ready(course: Course, lab: str, report: Callable[[str], None], *, skip_build: bool) -> None:
    """Build a lab where it is not built, or its sources have changed since.

    Args:
        course: the checkout.
        lab: the lab's id.
        report: called with each step.
        skip_build: whether to use what is built although its sources have changed.
    """
    built = course.key(lab).is_file() and course.release(lab, course.language).is_file()
    if not built or (not skip_build and is_stale(course, lab)):
        build_lab(course, lab, report=report)


def write_report(
    course: Course, console: Console, lab: str, folder: Path, students: Sequence[Student], marks: list[Mark]
) -> None:
    """Write report.html, CSV and JSON beside it, and marks.csv; show the table."""
    write_csv(marks, folder / "marks.csv")
    report = collect_report(course, lab, folder, {student.id: student.what for student in students})
    write_files(report, folder / "report.html")
    show_table(console, report)


def say_what_was_made(
    course: Course, console: Console, lab: str, folder: Path, students: Sequence[Student]
) -> None:
    """Say in five lines what there is to open, and where to go on."""
    place = folder.relative_to(course.root)
    shown = next((student.id for student in students if student.mistakes), students[0].id)
    rows = {
        place / "report.html": "the class: marks, mistakes by frequency, checks, times, whom to review",
        place / "feedback" / shown / lab / f"{lab}.html": f"what student {shown} reads: marks and hints",
        place / "marks.csv": "marks as a table; report.json has all of it as data",
        place / "gradebook.db": "nbgrader's gradebook: formgrader and its other tools work with it",
    }
    for path, what in rows.items():
        console.print(f"[green]✓[/] {escape(str(path))}: {what}", highlight=False, soft_wrap=True)
    document = "docs/instructors.md"
    term = f"; {document} goes through a term" if (course.root / document).is_file() else ""
    console.print(f"Go on with `course doctor` and `course --help`{term}.", highlight=False, soft_wrap=True)
