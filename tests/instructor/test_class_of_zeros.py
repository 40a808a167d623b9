"""A whole class never gets 0 because the kernels, and not the answers, are at fault."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.instructor.grade.guard import Trouble
from autograder.instructor.grade.records import Record
from autograder.instructor.grade.silence import FEW, Silence
from autograder.instructor.grade.trust import Reference
from autograder.instructor.grade.work import Job, Outcome
from autograder.instructor.intake import Templates
from autograder.instructor.limits import Limits
from autograder.instructor.settings import CourseError
from autograder.instructor.source import grade_id
from tests.conftest import LAB1
from tests.instructor.conftest import Classroom

BLANK = Job("", "", "en", (), True, {}, Reference("lab1", 1, {}, {}), "", "none", Limits(), ())


def record(student: str, silence: str | None) -> Record:
    return Record(Outcome(student, "graded", "", {}, silence=silence), "", "", 1)


def silence_of(blank: str | None) -> tuple[Silence, list[Job]]:
    """Return what watches over a run in whose kernels the students' notebook says this, and its runs."""
    runs: list[Job] = []

    def run(job: Job) -> Outcome | Trouble:
        runs.append(job)
        return Outcome("", "graded", "", {}, silence=blank)

    return Silence("lab1", BLANK, run), runs


def let_through(watch: Silence, *silences: str | None) -> list[str]:
    """Return whose results are stored, as they come."""
    stored = []
    for number, said in enumerate(silences):
        stored += [r.outcome.student for r in watch.let_through(record(str(number), said))]
    return stored


def test_results_are_stored_at_once_where_kernels_hand_on_something() -> None:
    watch, runs = silence_of("")
    assert let_through(watch, "", "", "imports: boom") == ["0", "1", "2"] and not runs


def test_a_silent_submission_waits_for_one_that_is_not() -> None:
    watch, runs = silence_of("")
    assert let_through(watch, "imports: boom") == []
    assert let_through(watch, "") == ["0", "0"] and not runs


def test_what_was_never_run_is_stored_and_proves_nothing() -> None:
    watch, _ = silence_of("imports: boom")
    assert let_through(watch, None) == ["0"]
    with pytest.raises(CourseError):
        let_through(watch, *["imports: boom"] * FEW)


def test_a_few_silent_ones_are_stored_where_the_notebook_of_students_is_heard() -> None:
    watch, runs = silence_of("")
    assert let_through(watch, *["identity: boom"] * FEW) == ["0", "1", "2"] and runs == [BLANK]


def test_a_few_silent_ones_stop_the_run_where_that_is_silent_too() -> None:
    watch, _ = silence_of("imports: ModuleNotFoundError: No module named 'rnn'")
    with pytest.raises(
        CourseError, match=r"No check cell of lab1 .* no marks .*imports: ModuleNotFoundError"
    ):
        let_through(watch, *["imports: boom"] * FEW)


def test_a_class_that_is_smaller_than_that_is_looked_at_in_the_end() -> None:
    watch, _ = silence_of("imports: boom")
    assert let_through(watch, "imports: boom") == []
    with pytest.raises(CourseError, match="imports: boom"):
        list(watch.end())


# --- a real run ------------------------------------------------------------------------------------


@pytest.fixture
def broken(classroom: Classroom, tmp_path: Path) -> Classroom:
    """A class whose lab has a cell of its own that stops in kernels, though not where it is built."""
    root = tmp_path / "checkout"
    for name in ("release", "source_notebooks", "course/keys"):
        shutil.copytree(classroom.course.root / name, root / name)
    for name in ("nbgrader_config.py", "course.toml"):
        shutil.copy(classroom.course.root / name, root / name)
    course = replace(classroom.course, root=root, labs={LAB1: {"seed": 2023}})
    path = course.release(LAB1, "es")
    notebook = nbformat.read(path, as_version=4)
    own = next(cell for cell in notebook.cells if cell.cell_type == "code" and not grade_id(cell))
    own.source = f"raise OSError('the data are not here')\n{own.source}"
    nbformat.write(notebook, path)
    return Classroom(course, tmp_path / "class", Templates.load(course, LAB1), classroom.answers)


@pytest.mark.slow
def test_grading_stops_and_stores_nothing(broken: Classroom) -> None:
    for student in ("ana", "eva"):
        broken.hand_in(student, broken.notebook())
    with pytest.raises(CourseError, match="OSError: the data are not here"):
        broken.grade()
    assert broken.totals() == {}
