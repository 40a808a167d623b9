"""A stock nbgrader run from end to end: the simulated class gets the marks it should."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from rich.console import Console

from autograder.instructor import demo
from autograder.instructor.bank import load_bank
from autograder.instructor.settings import Course, CourseError
from tests.conftest import LAB1, LABS, ROOT

# Automatic marks of the simulated class, whoever grades it.
SCORES = {
    "10001": 70.0,
    "10002": 44.0,
    "10003": 0.0,
    "10004": 65.0,
    "10005": 62.0,
    "10006": 58.0,
    "10007": 64.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("stock", [False, True], ids=["course grade", "nbgrader autograde"])
def test_a_simulated_class_is_graded_reported_and_told(course: Course, stock: bool) -> None:
    output = io.StringIO()
    marks = demo.run(course, Console(file=output, width=120), stock=stock, skip_build=True)
    scores = {mark.student: mark.auto_score for mark in marks}
    assert scores == SCORES
    assert all(mark.max_score == 100.0 for mark in marks)

    folder = course.build / "demo" / LAB1
    with (folder / "marks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["student", "lab", "score", "max_score"]
    assert {row["student"]: float(row["score"]) for row in rows} == scores

    report = (folder / "report.html").read_text(encoding="utf-8")
    assert report.count("data:image/svg+xml;base64,") >= 2
    assert "http://" not in report and "https://" not in report
    assert ("This class was graded with <code>nbgrader autograde</code>" in report) == stock
    assert f'href="feedback/10004/{LAB1}/{LAB1}.html"' in report
    assert all(student.id in report for student in demo.simulated_class(course, LAB1))

    feedback = (folder / "feedback" / "10004" / LAB1 / f"{LAB1}.html").read_text(encoding="utf-8")
    assert "zero_grad()" in feedback and '<html lang="es">' in feedback and "<script" not in feedback

    last = output.getvalue().strip().splitlines()[-5:]
    for line, name in zip(last, ["report.html", "feedback/10004", "marks.csv", "gradebook.db"], strict=False):
        assert f"build/demo/{LAB1}/{name}" in line
        assert (course.root / line.split(" ", 1)[1].split(":")[0]).exists()
    assert "`course doctor`" in last[-1] and "docs/instructors.md" in last[-1]


def test_students_sign_what_they_hand_in(course: Course, tmp_path: Path) -> None:
    students = demo.simulated_class(course, LAB1)
    demo.hand_in(course, LAB1, students, tmp_path)
    handed_in = (tmp_path / "submitted" / "10004" / LAB1 / f"{LAB1}.ipynb").read_text(encoding="utf-8")
    assert 'student_id_1 = \\"10004\\"' in handed_in


def test_blank_submission_is_the_release_itself(course: Course) -> None:
    release = nbformat.read(course.release(LAB1, course.language), as_version=4)
    assert demo.answer(release, {}) == release


@pytest.mark.parametrize("lab", LABS)
def test_every_lab_has_a_simulated_class_with_known_mistakes(
    course: Course, tmp_path: Path, lab: str
) -> None:
    students = demo.simulated_class(course, lab)
    assert any(student.mistakes for student in students)
    demo.hand_in(course, lab, students, tmp_path)
    assert len(list(tmp_path.glob(f"submitted/*/{lab}/{lab}.ipynb"))) == len(students)


# --- classes that nobody wrote, or wrote wrongly -----------------------------------------------------


@pytest.fixture
def draft(course: Course, tmp_path: Path) -> Course:
    """The example lab in a course folder of its own, without a simulated class."""
    shutil.copytree(ROOT / "docs" / "example_lab", tmp_path / "source_notebooks" / "lab0_example")
    return replace(course, root=tmp_path, labs={"lab0_example": {"seed": 2099}})


def test_a_lab_without_a_class_gets_one_made_of_its_bank(draft: Course) -> None:
    students = demo.simulated_class(draft, "lab0_example")
    assert [student.what for student in students[:2]] == ["complete", "blank"]
    bank = load_bank(draft.bank("lab0_example"))
    mistakes = [bank[name] for student in students[2:] for name in student.mistakes]
    assert len(mistakes) == 3 and {answer.kind for answer in mistakes} == {"wrong"}
    assert {answer.cell for answer in mistakes} == {"latent", "generator"}


def test_a_lab_without_a_bank_gets_a_complete_and_a_blank_student(draft: Course) -> None:
    draft.bank("lab0_example").unlink()
    assert [s.solved for s in demo.simulated_class(draft, "lab0_example")] == [None, ()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"only \[\[student\]\] entries belong here, at least one"),
        (
            '[[student]]\nid = 1\nwhat = "x"',
            "demo_class.toml, line 2, student 1: id must be a text",
        ),
        ('[[student]]\nid = "1"\nwhat = "x"\nsolvd = []', "line 4, .* no key 'solvd'. Did you mean solved"),
        (
            '[[student]]\nid = "1"\nwhat = "x"\nsolved = "latent"',
            "line 4, .*solved must be a list of",
        ),
        ('[[student]]\nid = "1"\nwhat = "x"\nsolved = ["laten"]', "line 4, .* no 'laten' .*mean 'latent'"),
        (
            '[[student]]\nid = "1"\nwhat = "x"\nmistakes = ["no"]',
            "line 4, .*mistakes names no 'no'",
        ),
        ('[[student]]\nid = "1"\nwhat = "x"\n' * 2, "line 5: the id '1' is used twice"),
    ],
)
def test_what_is_wrong_with_a_class_is_said_with_its_line(draft: Course, text: str, message: str) -> None:
    draft.demo_class("lab0_example").write_text(text)
    with pytest.raises(CourseError, match=message):
        demo.simulated_class(draft, "lab0_example")


def test_the_first_lab_is_the_one_that_is_shown(course: Course) -> None:
    assert demo.first_lab(course) == LAB1
    with pytest.raises(CourseError, match="no lab yet"):
        demo.first_lab(replace(course, labs={}))
