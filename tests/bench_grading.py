"""`make bench`, second part: a class graded by stock nbgrader and by `course grade`, in one run.

Both grade the same submissions with this course's nbgrader_config.py, which already shrinks exploration
and ends kernels at once: nbgrader as it comes is slower. Whole commands are timed, from start to exit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from rich.console import Console
from rich.table import Table

from autograder.instructor.bank import load_bank
from autograder.instructor.build import run_nbgrader
from autograder.instructor.demo import answer
from autograder.instructor.grade.assignment import enter_or_update
from autograder.instructor.grade.store import Store
from autograder.instructor.gradebook import read_marks
from autograder.instructor.settings import Course, load_course
from autograder.instructor.source import (
    grade_id,
    is_student_cell,
    read_source,
    select_language,
    write_notebook,
)

LAB1 = "lab1_sine_gan"
SIZES = (8, 24, 72)
COMPARED = 24
GOAL = 0.3
# What a class hands in: half of it complete, the rest with one mistake or half done.
KINDS: tuple[tuple[str, ...] | None, ...] = (
    (), ("d_step_no_zero_grad",), (), ("train_sgd",), (), ("discriminator_missing_layer",), (), None,
)  # fmt: skip


def hand_in(course: Course, folder: Path, size: int) -> None:
    """Write the submissions of a class."""
    bank = load_bank(course.bank(LAB1))
    release = nbformat.read(course.release(LAB1, course.language), as_version=4)
    solution = select_language(read_source(course.source(LAB1)), course.language)
    solved = {str(grade_id(cell)): cell.source for cell in solution.cells if is_student_cell(cell)}
    for number in range(size):
        student, kind = f"s{number:04}", KINDS[number % len(KINDS)]
        half = {name: solved[name] for name in ("train_data", "discriminator", "generator")}
        cells = half if kind is None else {**solved, **{bank[name].cell: bank[name].code for name in kind}}
        identity = f'student_id_1 = "{student}"\nsignature_1 = "Name"\nstudent_id_2 = signature_2 = ""'
        notebook = answer(release, {**cells, "identity": identity})
        write_notebook(notebook, folder / "submitted" / student / LAB1 / f"{LAB1}.ipynb")
    store = Store(course.root, folder=folder)
    enter_or_update(course, LAB1, store)
    store.close()


def stock(course: Course, size: int) -> tuple[float, dict[str, float]]:
    """Return the seconds of `nbgrader autograde`, and the marks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(course, folder, size)
        start = time.perf_counter()
        source = f"--CourseDirectory.source_directory={course.build / 'source'}"
        run_nbgrader(course, "autograde", LAB1, source, course_folder=folder)
        return time.perf_counter() - start, marks(folder)


def ours(course: Course, size: int, isolation: str) -> tuple[float, dict[str, float]]:
    """Return the seconds of `course grade`, and the marks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(course, folder, size)
        command = ["grade", LAB1, "--folder", str(folder), "--isolation", isolation]
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "autograder.instructor.cli", *command],
            cwd=course.root,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - start, marks(folder)


def marks(folder: Path) -> dict[str, float]:
    """Return the automatic marks in a gradebook."""
    return {mark.student: mark.auto_score for mark in read_marks(f"sqlite:///{folder}/gradebook.db", LAB1)}


def main() -> None:
    """Measure, print and write build/bench_grading.json."""
    course, console = load_course(), Console()
    stock_s, expected = stock(course, COMPARED)
    rows = [("nbgrader autograde", COMPARED, stock_s, 1.0)]
    for isolation, sizes in (("fork", SIZES), ("bwrap", (COMPARED,))):
        for size in sizes:
            seconds, found = ours(course, size, isolation)
            same = all(found[student] == expected[student] for student in found if student in expected)
            if len(found) != size or not same:
                raise SystemExit(f"course grade --isolation {isolation} gave other marks: {found}")
            ratio = seconds / stock_s * COMPARED / size
            rows.append((f"course grade --isolation {isolation}", size, seconds, ratio))
    table = Table("command", "class", "seconds", "per submission", "of nbgrader's time per submission")
    for name, size, seconds, ratio in rows:
        goal = f" (goal {GOAL:g})" if size == COMPARED and "fork" in name else ""
        colour = "green" if ratio <= GOAL else "white"
        table.add_row(
            name, str(size), f"{seconds:.1f}", f"{seconds / size:.2f}", f"[{colour}]{ratio:.2f}[/]{goal}"
        )
    console.print(table)
    path = Path("build/bench_grading.json")
    path.parent.mkdir(exist_ok=True)
    data = [{"command": n, "class": size, "seconds": s, "ratio": r} for n, size, s, r in rows]
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
