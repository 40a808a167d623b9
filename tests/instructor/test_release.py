"""`course release`: a gradebook gets a lab, or its new version with all marks kept; no release is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Grade, Gradebook, MissingEntry, SourceCell

from autograder.instructor import release as releasing
from autograder.instructor.build import run_nbgrader, write_source
from autograder.instructor.grade.assignment import enter_or_update
from autograder.instructor.grade.locks import GradebookBusy
from autograder.instructor.grade.records import Record, Records
from autograder.instructor.grade.store import Store
from autograder.instructor.grade.work import Outcome
from autograder.instructor.intake import Templates
from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.source import grade_id, is_check_cell
from tests.conftest import LAB1, LABS
from tests.instructor.conftest import Classroom

CHECK, QUESTION = "train_data_check", "question_models"
STUDENTS = ("ana", "bea")


@dataclass
class Desk:
    """A class in a folder of its own, graded."""

    course: Course
    folder: Path
    said: list[str] = field(default_factory=list)

    def store(self) -> Store:
        return Store(self.course.root, folder=self.folder)

    def gradebook(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}")

    def release(self) -> None:
        self.said.clear()
        releasing.release_lab(self.course, LAB1, self.folder, self.said.append)

    def marks(self, student: str) -> dict[str, tuple[float | None, float | None, bool]]:
        """Return automatic mark, mark by hand and whether it waits, by cell."""
        with self.gradebook() as gradebook:
            grades = gradebook.find_submission_notebook(LAB1, LAB1, student).grades
            return {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in grades}

    def full_marks(self) -> dict[str, float]:
        with closing(self.store()) as store:
            return store.full_marks(LAB1) or {}

    def records(self) -> dict[str, str]:
        """Return the digests of what was graded, as the records have them."""
        return {s: r.submission for s, r in Records(self.folder, LAB1).read_all().items()}


@pytest.fixture(scope="module")
def graded(course: Course, tmp_path_factory: pytest.TempPathFactory, templates: Templates) -> Path:
    """A class folder: two have all automatic marks, one of them marks and a comment by hand."""
    folder = tmp_path_factory.mktemp("graded")
    notebook = templates.notebooks[LAB1, "es"]
    checks = [cell for cell in notebook.cells if is_check_cell(cell)]
    marks: dict[str, float | None] = {str(grade_id(c)): float(c.metadata.nbgrader.points) for c in checks}
    with closing(Store(course.root, folder=folder)) as store:
        assert enter_or_update(course, LAB1, store).entered
        for student in STUDENTS:
            text = nbformat.writes(notebook)
            store.save([student], LAB1, text, marks, owner=student)
            outcome = Outcome(student, "graded", text, marks, recipients=(student,))
            Records(folder, LAB1).write(student, Record(outcome, "digest", "lab", 1, stored=True))
        with store.transaction() as gradebook:
            grade = gradebook.find_grade(QUESTION, LAB1, LAB1, "ana")
            grade.manual_score, grade.needs_manual_grade = 6, False
            gradebook.find_comment(QUESTION, LAB1, LAB1, "ana").manual_comment = "Well said."
    return folder


@pytest.fixture
def desk(course: Course, tmp_path: Path, graded: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    shutil.copytree(graded, tmp_path / "class")
    monkeypatch.setattr(releasing, "bundle_labs", lambda *arguments: iter([]))
    release = course.release(LAB1, course.language)
    before = release.read_bytes()
    yield Desk(course, tmp_path / "class")
    assert release.read_bytes() == before, "what is built stays"


@pytest.mark.slow
def test_a_gradebook_gets_what_nbgraders_own_command_gives_it(desk: Desk, tmp_path: Path) -> None:
    write_source(desk.course, LAB1)
    options = (
        f"--CourseDirectory.db_url=sqlite:///{tmp_path / 'nbgrader.db'}",
        f"--CourseDirectory.release_directory={tmp_path / 'release'}",
    )
    run_nbgrader(desk.course, "generate_assignment", LAB1, "--force", *options, course_folder=tmp_path)
    found = []
    for path in (tmp_path / "nbgrader.db", desk.folder / "gradebook.db"):
        with Gradebook(f"sqlite:///{path}") as gradebook:
            notebook = gradebook.find_notebook(LAB1, LAB1)
            cells = [*notebook.grade_cells, *notebook.solution_cells, *notebook.source_cells]
            dicts = [{**cell.to_dict(), "id": type(cell).__name__} for cell in cells]
            course_id = gradebook.find_assignment(LAB1).course_id
        found.append((course_id, notebook.kernelspec, sorted(dicts, key=lambda d: (d["id"], d["name"]))))
    assert found[0] == found[1]


def test_releasing_once_more_changes_nothing(desk: Desk) -> None:
    before = {student: desk.marks(student) for student in STUDENTS}
    desk.release()
    assert {student: desk.marks(student) for student in STUDENTS} == before
    assert desk.said == [] and desk.records() == dict.fromkeys(STUDENTS, "digest")


# --- a gradebook that knows another version ----------------------------------------------------------


def with_points(desk: Desk, cell: str, points: float) -> None:
    with desk.gradebook() as gradebook:
        gradebook.update_or_create_grade_cell(cell, LAB1, LAB1, max_score=points)


def without(desk: Desk, cell: str) -> None:
    """Let the gradebook know nothing of a cell, as if it was written later."""
    with desk.gradebook() as gradebook:
        notebook = gradebook.find_notebook(LAB1, LAB1)
        for entry in [c for c in [*notebook.grade_cells, *notebook.solution_cells] if c.name == cell]:
            for given in [*(entry.grades or []), *(entry.comments or [])]:
                gradebook.db.delete(given)
            gradebook.db.flush()
            gradebook.db.delete(entry)
        gradebook.db.delete(gradebook.find_source_cell(cell, LAB1, LAB1))
        gradebook.db.commit()


def with_old_cells(desk: Desk) -> None:
    """Let the gradebook know a check cell and a question that the lab has no more, with marks."""
    with desk.gradebook() as gradebook:
        kinds = {"old_check": "code", "old_question": "markdown"}
        old = [
            gradebook.add_grade_cell(name, LAB1, LAB1, max_score=9, cell_type=kind)
            for name, kind in kinds.items()
        ]
        gradebook.add_solution_cell("old_question", LAB1, LAB1)
        gradebook.add_source_cell("old_check", LAB1, LAB1, cell_type="code")
        notebook = gradebook.find_notebook(LAB1, LAB1)
        for submission in notebook.submissions:
            for cell in old:
                gradebook.db.add(Grade(cell_id=cell.id, notebook=submission))
        gradebook.db.flush()
        gradebook.find_grade("old_check", LAB1, LAB1, "ana").auto_score = 3
        gradebook.find_grade("old_question", LAB1, LAB1, "ana").manual_score = 8
        gradebook.db.commit()


@pytest.mark.parametrize("change", ["points", "removed", "added"])
def test_grading_names_the_one_command_that_works(desk: Desk, change: str) -> None:
    if change == "points":
        with_points(desk, CHECK, 5)
    elif change == "removed":
        with_old_cells(desk)
    else:
        without(desk, CHECK)
    with closing(desk.store()) as store:
        with pytest.raises(CourseError, match=f"`course release {LAB1} --folder {desk.folder}`"):
            enter_or_update(desk.course, LAB1, store)
        desk.release()
        assert enter_or_update(desk.course, LAB1, store).added == ()


def test_other_points_keep_marks_by_hand_and_run_the_submissions_again(desk: Desk) -> None:
    right = desk.full_marks()[CHECK]
    before = desk.marks("ana")
    with_points(desk, CHECK, right + 1)
    desk.release()
    after = desk.marks("ana")
    assert desk.full_marks()[CHECK] == right
    assert after[QUESTION] == (before[QUESTION][0], 6, False)
    assert after[CHECK] == (None, None, True), "a mark out of other points is none"
    assert {name: mark for name, mark in after.items() if name != CHECK} == {
        name: mark for name, mark in before.items() if name != CHECK
    }
    assert desk.records() == dict.fromkeys(STUDENTS, "")
    assert desk.said == [
        f"{LAB1}, other points: {CHECK}.",
        f"2 submissions have to be graded again: `course grade {LAB1} --folder {desk.folder}` does it.",
    ]


def test_a_question_with_other_points_waits_for_a_person_with_the_mark_that_it_has(desk: Desk) -> None:
    with_points(desk, QUESTION, 100)
    desk.release()
    assert desk.marks("ana")[QUESTION][1:] == (6, True)


def test_new_cells_wait_in_every_submission(desk: Desk) -> None:
    without(desk, CHECK)
    without(desk, QUESTION)
    desk.release()
    for student in STUDENTS:
        marks = desk.marks(student)
        assert marks[CHECK] == marks[QUESTION] == (None, None, True)
    with desk.gradebook() as gradebook:
        assert gradebook.find_comment(QUESTION, LAB1, LAB1, "bea").comment is None
        assert gradebook.find_source_cell(CHECK, LAB1, LAB1).locked
    assert f"{LAB1}, new: {QUESTION}, {CHECK}." in desk.said


def test_what_was_given_for_cells_that_are_gone_is_kept_in_a_file(desk: Desk) -> None:
    before = desk.marks("ana")
    with_old_cells(desk)
    desk.release()
    assert desk.marks("ana") == before
    with desk.gradebook() as gradebook:
        for find in (gradebook.find_grade_cell, gradebook.find_source_cell):
            with pytest.raises(MissingEntry):
                find("old_check", LAB1, LAB1)
        assert gradebook.db.query(SourceCell).count() == len(gradebook.find_notebook(LAB1, LAB1).source_cells)
    (kept,) = (desk.folder / "grading" / LAB1 / "removed").glob("*.json")
    assert any(str(kept) in line for line in desk.said)
    given = {entry["cell"]: entry for entry in json.loads(kept.read_text())}
    assert given["old_question"]["manual_score"] == 8 and given["old_check"]["auto_score"] == 3
    assert {entry["student"] for entry in given.values()} == {"ana"}


def test_an_update_that_fails_changes_no_mark(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with_old_cells(desk)
    with_points(desk, CHECK, 5)
    before = desk.marks("ana")

    def fails(*arguments: object) -> None:
        raise GradebookBusy("The power is gone.", passing=False)

    monkeypatch.setattr("autograder.instructor.grade.assignment._complete", fails)
    with pytest.raises(CourseError, match="The power is gone"):
        desk.release()
    assert desk.marks("ana") == before


def test_a_lab_that_nobody_has_handed_in_is_updated_without_being_asked(
    course: Course, tmp_path: Path
) -> None:
    with closing(Store(course.root, folder=tmp_path)) as store:
        with store.transaction() as gradebook:
            gradebook.add_assignment(LAB1)
            gradebook.add_notebook(LAB1, LAB1)
            gradebook.add_grade_cell("old_check", LAB1, LAB1, max_score=3, cell_type="code")
        found = enter_or_update(course, LAB1, store)
        assert found.removed == ("old_check",) and CHECK in found.added
        assert "old_check" not in (store.full_marks(LAB1) or {})


@pytest.mark.slow
def test_a_graded_class_is_graded_again_after_the_lab_has_changed(classroom: Classroom) -> None:
    """From the release of the lab to marks out of its new points, a mark by hand on the way."""
    classroom.hand_in("ana", classroom.identified(classroom.notebook("train_data"), "ana"))
    classroom.grade()
    desk = Desk(classroom.course, classroom.folder)
    with_points(desk, CHECK, 4)
    with desk.gradebook() as gradebook:
        grade = gradebook.find_grade(QUESTION, LAB1, LAB1, "ana")
        grade.manual_score, grade.needs_manual_grade = 6, False
        gradebook.db.commit()
    with pytest.raises(CourseError, match=f"course release {LAB1} --folder"):
        classroom.grader()
    paths = releasing.release_lab(classroom.course, LAB1, classroom.folder)
    assert [path.parent for path in paths] == 2 * [classroom.folder / "release"]
    assert [outcome.student for outcome in classroom.grade().outcomes] == ["ana"]
    assert classroom.totals()["ana"] == 10 and desk.marks("ana")[QUESTION][1:] == (6, False)
    assert classroom.grade().outcomes == []


# --- a fresh clone ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_after_the_setup_alone_nbgrader_makes_assignments_of_every_lab(
    course: Course, tmp_path: Path
) -> None:
    for path in course.root.iterdir():
        if path.name not in ("build", "gradebook.db", ".git", ".venv"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "release").unlink()
    clone = load_course(tmp_path)
    command = [sys.executable, "-m", "autograder.instructor.cli", "build", "--sources"]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert all(f"{lab}: 1 files" in said for lab in LABS)
    run_nbgrader(clone, "generate_assignment", LABS[-1], "--no-db", "--SaveCells.enabled=False")
    made = tmp_path / "release" / clone.language / LABS[-1] / f"{LABS[-1]}.ipynb"
    assert made.read_bytes() == course.release(LABS[-1], clone.language).read_bytes()
