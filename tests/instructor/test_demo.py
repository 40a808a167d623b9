"""A stock nbgrader run from end to end: the simulated class gets the marks it should."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from rich.console import Console

from autograder.instructor import demo
from autograder.instructor.settings import Course, CourseError
from tests.conftest import LAB1, LABS


@pytest.mark.slow
def test_class_is_graded_by_stock_nbgrader(course: Course) -> None:
    output = io.StringIO()
    marks = demo.run(course, Console(file=output, width=120), skip_build=True)
    scores = {mark.student: mark.auto_score for mark in marks}
    assert scores == {
        "10001": 70.0,
        "10002": 44.0,
        "10003": 0.0,
        "10004": 65.0,
        "10005": 62.0,
        "10006": 58.0,
        "10007": 63.0,
    }
    assert all(mark.max_score == 100.0 for mark in marks)

    folder = course.build / "demo" / LAB1
    with (folder / "marks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["student", "lab", "score", "max_score"]
    assert {row["student"]: float(row["score"]) for row in rows} == scores

    report = (folder / "report.html").read_text(encoding="utf-8")
    assert report.count("data:image/svg+xml;base64,") == 2
    assert "http://" not in report and "https://" not in report
    assert "This class was graded with <code>nbgrader autograde</code>" in report
    assert f'href="feedback/10004/{LAB1}/{LAB1}.html"' in report
    assert all(student.id in report for student in demo.CLASSES[LAB1])
    assert "10004" in output.getvalue()

    feedback = (folder / "feedback" / "10004" / LAB1 / f"{LAB1}.html").read_text(encoding="utf-8")
    assert "zero_grad()" in feedback and '<html lang="es">' in feedback and "<script" not in feedback


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


def test_lab_without_a_class_is_described(course: Course) -> None:
    with pytest.raises(CourseError, match=r"lab9 has no simulated class: add one to CLASSES"):
        demo.simulated_class(replace(course, labs={"lab9": {}}), "lab9")
