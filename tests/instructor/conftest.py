"""Submissions of a simulated class."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from PIL import Image

from autograder.instructor.bank import load_bank
from autograder.instructor.demo import answer
from autograder.instructor.grade.grader import GradeOptions, Grader, Grading
from autograder.instructor.intake import Templates
from autograder.instructor.kernels import isolation
from autograder.instructor.settings import Course
from autograder.instructor.source import grade_id, is_student_cell, read_source, select_language
from tests.conftest import LAB1


@pytest.fixture
def elsewhere(course: Course, tmp_path: Path) -> Course:
    """Return a course like the checkout that keeps its verdicts in a folder of its own."""
    for name in ("source_notebooks", "autograder", "course", "course.toml"):
        (tmp_path / name).symlink_to(course.root / name)
    return replace(course, root=tmp_path)


@pytest.fixture(scope="session")
def templates(course: Course) -> Templates:
    return Templates.load(course)


@pytest.fixture(scope="session")
def answers(course: Course) -> dict[str, str]:
    """The reference's answers, by grade_id."""
    solution = select_language(read_source(course.source(LAB1)), "es")
    return {str(grade_id(c)): c.source for c in solution.cells if is_student_cell(c)}


@dataclass
class Classroom:
    """A folder with submissions, and ways to hand in and to grade."""

    course: Course
    folder: Path
    templates: Templates
    answers: dict[str, str]

    def notebook(self, *names: str, language: str = "es", mistakes: tuple[str, ...] = ()) -> NotebookNode:
        """Return a notebook with some cells answered, all if none is named, and some mistakes."""
        bank = load_bank(self.course.bank(LAB1))
        chosen = {name: self.answers[name] for name in names or self.answers}
        wrong = {bank[name].cell: bank[name].code for name in mistakes}
        return answer(self.templates.notebooks[LAB1, language], {**chosen, **wrong})

    def identified(self, notebook: NotebookNode, *students: str) -> NotebookNode:
        """Write ids into the identity cell."""
        pairs = [*students, ""][:2]
        lines = [f'student_id_{n} = "{s}"\nsignature_{n} = "{s and "Name"}"' for n, s in enumerate(pairs, 1)]
        return answer(notebook, {"identity": "\n".join(lines)})

    def hand_in(self, student: str, content: NotebookNode | bytes, name: str = f"{LAB1}.ipynb") -> Path:
        """Hand in a notebook, or any bytes."""
        path = self.folder / "submitted" / student / LAB1 / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, NotebookNode):
            content = nbformat.writes(content).encode()
        path.write_bytes(content)
        return path

    def enrol(self, *students: str, db_url: str | None = None) -> None:
        """Enter students into the gradebook, as a list of the class does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with Gradebook(db_url or f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            for student in students:
                gradebook.update_or_create_student(student)

    def grader(self, **options: object) -> Grader:
        settings = {"isolation": usable_isolation(), "workers": 2, "folder": self.folder, **options}
        return Grader(self.course, LAB1, GradeOptions(**settings))  # type: ignore[arg-type]

    def grade(self, **options: object) -> Grading:
        grader = self.grader(**options)
        try:
            return grader.run()
        finally:
            grader.close()

    def marks(self, **options: object) -> dict[str, dict[str, float | None]]:
        """Return what the gradebook holds, by student and check cell."""
        grader = self.grader(**options)
        try:
            with grader.store.transaction() as gradebook:
                return {
                    submission.student.id: {
                        grade.name: grade.auto_score
                        for grade in submission.notebooks[0].grades
                        if grade.cell.cell_type == "code"
                    }
                    for submission in gradebook.assignment_submissions(LAB1)
                }
        finally:
            grader.close()

    def totals(self, **options: object) -> dict[str, float]:
        """Return the automatic marks that the gradebook holds, by student."""
        return {s: sum(m or 0.0 for m in marks.values()) for s, marks in self.marks(**options).items()}


def usable_isolation() -> str:
    """Return the fastest isolation that works here; "none" where no other does (tests only)."""
    return "none" if isolation.examine("fork").problem else "fork"


@pytest.fixture
def classroom(course: Course, tmp_path: Path, templates: Templates, answers: dict[str, str]) -> Classroom:
    return Classroom(impatient(course), tmp_path, templates, answers)


MakeClassroom = Callable[[Path], Classroom]


@pytest.fixture(scope="session")
def make_classroom(course: Course, templates: Templates, answers: dict[str, str]) -> MakeClassroom:
    return lambda folder: Classroom(impatient(course), folder, templates, answers)


def impatient(course: Course) -> Course:
    """Return the course with limits that honest notebooks keep, and endless loops reach soon."""
    return replace(course, grading={"cell_cpu_s": 5, "idle_s": 10})


def showing(notebook: NotebookNode, names: Collection[str], *outputs: NotebookNode) -> NotebookNode:
    """Return a copy whose cells with these ids, nbgrader's or the format's, show some outputs."""
    changed = deepcopy(notebook)
    for cell in changed.cells:
        if cell.cell_type == "code" and {grade_id(cell), cell.get("id")} & set(names):
            cell.outputs = deepcopy(list(outputs))
    return changed


def picture(text: str = "") -> NotebookNode:
    """Return an output with a picture of some size."""
    file = io.BytesIO()
    Image.new("RGB", (320, 200), "teal").save(file, "PNG")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": text}
    return new_output("execute_result", data=data)


def with_code(notebook: NotebookNode, name: str, code: str) -> NotebookNode:
    """Return a copy with more code at the end of a student's cell."""
    changed = deepcopy(notebook)
    cell = next(cell for cell in changed.cells if grade_id(cell) == name)
    cell.source += f"\n{code}"
    return changed
