"""A lab that is half made disturbs no other: it is named when it is used, and by `course doctor`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.errors import GraderError
from autograder.instructor import doctor
from autograder.instructor.bundle import packing
from autograder.instructor.export.writer import ExportOptions, export_marks
from autograder.instructor.grade.grader import GradeOptions, Grader
from autograder.instructor.intake import Templates
from autograder.instructor.options import Format
from autograder.instructor.report.writer import report_all, report_lab
from autograder.instructor.settings import Course, CourseError, load_course
from tests.conftest import LAB1, ROOT
from tests.instructor.conftest import usable_isolation

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
NEW = "lab9_new"
SETTINGS: list[object] = [
    {},
    {"seed": "x"},
    {"seed": True},
    {"seed": 1, "title": "GAN"},
    {"title": {"es": 1}},
    3,
]


@pytest.fixture(params=SETTINGS, ids=str)
def begun(course: Course, request: pytest.FixtureRequest) -> Course:
    """The course with one more lab in course.toml, of which nothing is there."""
    return replace(course, labs={**course.labs, NEW: request.param})


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook in which both labs have been handed in."""
    path = tmp_path_factory.mktemp("empty") / "gradebook.db"
    with Gradebook(f"sqlite:///{path}", "gan-course") as gradebook:
        gradebook.add_student("ana")
        for lab in (LAB1, NEW):
            gradebook.add_assignment(lab)
            gradebook.add_notebook(lab, lab)
            gradebook.add_grade_cell("a_check", lab, lab, max_score=70, cell_type="code")
            gradebook.add_submission(lab, "ana")
            grade = gradebook.find_grade("a_check", lab, lab, "ana")
            grade.auto_score, grade.needs_manual_grade = 7, False
        gradebook.db.commit()
    return path


@pytest.fixture
def folder(tmp_path: Path, gradebook: Path) -> Path:
    shutil.copy(gradebook, tmp_path)
    return tmp_path


def test_the_other_labs_are_known_by_their_notebooks(begun: Course) -> None:
    templates = Templates.load(begun, LAB1)
    assert {lab for lab, _ in templates.notebooks} == set(begun.labs) - {NEW}
    with pytest.raises(CourseError, match=f"{NEW} has no release in es: run `course build {NEW}` first"):
        Templates.load(begun, NEW)


def test_a_notebook_that_cannot_be_read_is_named_for_its_lab_only(course: Course, tmp_path: Path) -> None:
    moved = replace(course, root=tmp_path, labs={LAB1: {}, NEW: {}}, languages=("es",))
    for lab in moved.labs:
        moved.release(lab, "es").parent.mkdir(parents=True)
        moved.release(lab, "es").write_text("{")
    shutil.copy(course.release(LAB1, "es"), moved.release(LAB1, "es"))
    assert list(Templates.load(moved, LAB1).notebooks) == [(LAB1, "es")]
    with pytest.raises(CourseError, match=f"release/es/{NEW}/{NEW}.ipynb cannot be read"):
        Templates.load(moved, NEW)


def test_another_lab_is_graded(course: Course, tmp_path: Path, templates: Templates) -> None:
    begun, folder = replace(course, labs={**course.labs, NEW: 3}), tmp_path  # type: ignore[dict-item]
    path = folder / "submitted" / "ana" / LAB1 / f"{LAB1}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(templates.notebooks[LAB1, "es"]))
    grader = Grader(begun, LAB1, GradeOptions(isolation=usable_isolation(), folder=folder))
    assert grader.plan.grade == ["ana"]
    grader.close()


@pytest.mark.parametrize("what", ["seed", "source", "key"])
def test_what_a_lab_lacks_is_said_when_it_is_graded(course: Course, tmp_path: Path, what: str) -> None:
    moved = replace(course, root=tmp_path, labs={LAB1: {} if what == "seed" else {"seed": 1}})
    for name in ("release", "source_notebooks", "course/keys"):
        shutil.copytree(course.root / name, tmp_path / name)
    if what != "seed":
        (moved.source(LAB1) if what == "source" else moved.key(LAB1)).unlink()
    with pytest.raises((CourseError, GraderError), match=what):
        Grader(moved, LAB1, GradeOptions(isolation=usable_isolation()))


def test_the_report_has_all_others_and_says_which_it_leaves_out(begun: Course, folder: Path) -> None:
    said: list[str] = []
    files = report_all(begun, folder, None, said.append)
    assert {path.name for path in files} >= {"index.html", f"{LAB1}.html"}
    assert not any(NEW in path.name for path in files)
    (line,) = said
    assert line.startswith(f"{NEW} is left out: ")
    with pytest.raises(GraderError):
        report_lab(begun, NEW, folder)


def test_marks_are_exported_whatever_the_title_is(begun: Course, folder: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(f"Student,ID,SIS User ID,SIS Login ID,Section,{NEW} (7)\nAna,1,ana,ana,A,\n")
    options = ExportOptions(Format.CANVAS, roster=roster, folder=folder, output=tmp_path / "marks.csv")
    assert export_marks(begun, options).labs == (LAB1, NEW)


def test_the_others_are_packed(begun: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "build_wheel", lambda course: ("course.whl", b""))
    said: list[str] = []
    paths = list(packing.bundle_labs(begun, [NEW, LAB1], tmp_path, said.append))
    assert [path.name for path in paths] == [f"{LAB1}-es.zip", f"{LAB1}-en.zip"]
    assert len(said) == 1 and NEW in said[0]


def test_doctor_lists_what_it_lacks(begun: Course) -> None:
    found = [said for what, fine, said in doctor._labs(begun) if what == NEW and fine is False]
    assert any("answer key" in said for said in found) and any("no release" in said for said in found)
    settings = begun.labs[NEW]
    if settings != {"seed": 1}:
        assert any("course.toml" in said for said in found)
    assert all(fine for what, fine, _ in doctor._labs(begun) if what != NEW)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[course]\nlanguage = 'es'\nlanguages = 'es'\n[labs]", "languages must be a list"),
        ("[course]\nlanguage = 'fr'\nlanguages = ['es']\n[labs]", "'fr'"),
        ("labs = 3\n[course]\nlanguage = 'es'\nlanguages = ['es']", "course.toml is not valid"),
        ("[course]\nlanguages = ['es']\n[labs]", r"line 1, \[course\]: language must be the code .* missing"),
    ],
)
def test_what_concerns_all_labs_is_said_at_once(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "course.toml").write_text(text)
    with pytest.raises(CourseError, match=message):
        load_course(tmp_path)


def test_a_lab_that_is_no_table_is_no_matter_until_it_is_used(tmp_path: Path) -> None:
    lines = (ROOT / "course.toml").read_text()
    (tmp_path / "course.toml").write_text(lines.replace("[labs.lab1", f"[labs]\n{NEW} = 3\n[labs.lab1", 1))
    found = load_course(tmp_path)
    assert found.seed(LAB1) == load_course(ROOT).seed(LAB1)
    with pytest.raises(CourseError, match=rf"\[labs\.{NEW}\] must be a table"):
        found.seed(NEW)
