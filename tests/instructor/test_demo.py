"""A stock nbgrader run from end to end: the simulated class gets the marks it should."""

from __future__ import annotations

import csv
import io

import nbformat
import pytest
from rich.console import Console

from course.instructor import demo
from course.instructor.settings import Course

LAB1 = "lab1_sine_gan"


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
    assert all(mark.max_auto_score == 70.0 and mark.max_score == 100.0 for mark in marks)

    folder = course.build / "demo"
    with (folder / "marks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["student", "lab", "score", "max_score"]
    assert {row["student"]: float(row["score"]) for row in rows} == scores

    report = (folder / "report.html").read_text(encoding="utf-8")
    assert report.count("data:image/png;base64,") == 2
    assert "http://" not in report and "https://" not in report
    assert all(student.id in report for student in demo.CLASS)
    assert "10004" in output.getvalue()

    feedback = (folder / "feedback" / "10004" / LAB1 / f"{LAB1}.html").read_text(encoding="utf-8")
    assert "zero_grad()" in feedback


def test_blank_submission_is_the_release_itself(course: Course) -> None:
    release = nbformat.read(course.release(LAB1, course.language), as_version=4)
    assert demo.answer(release, {}) == release
