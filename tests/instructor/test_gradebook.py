"""Marks as nbgrader's gradebook holds them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.instructor.gradebook import read_marks


def test_code_that_a_person_marks_is_no_automatic_mark(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url) as gradebook:
        gradebook.add_assignment("lab")
        gradebook.add_notebook("lab", "lab")
        gradebook.add_grade_cell("steps_check", "lab", "lab", max_score=7, cell_type="code")
        for name, kind in (("light_generator", "code"), ("question", "markdown")):
            gradebook.add_grade_cell(name, "lab", "lab", max_score=10, cell_type=kind)
            gradebook.add_solution_cell(name, "lab", "lab")
        gradebook.add_solution_cell("steps", "lab", "lab")
        gradebook.add_student("10001")
        gradebook.add_submission("lab", "10001")
        grade = gradebook.find_grade("steps_check", "lab", "lab", "10001")
        grade.auto_score = 5
        gradebook.db.commit()
    (mark,) = read_marks(url, "lab")
    assert (mark.auto_score, mark.automatic, mark.max_score) == (5, 5, 27)
    assert mark.manual == ("light_generator", "question")


def test_what_nobody_marked_is_none_and_a_person_overrules_the_grader(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url) as gradebook:
        gradebook.add_assignment("lab")
        gradebook.add_notebook("lab", "lab")
        for name in ("a_check", "b_check", "c_check"):
            gradebook.add_grade_cell(name, "lab", "lab", max_score=7, cell_type="code")
        gradebook.add_student("10001")
        gradebook.add_submission("lab", "10001")
        gradebook.find_grade("a_check", "lab", "lab", "10001").auto_score = 2
        overruled = gradebook.find_grade("b_check", "lab", "lab", "10001")
        overruled.auto_score, overruled.manual_score, overruled.extra_credit = 0, 5, 1
        gradebook.db.commit()
        expected = gradebook.find_submission("lab", "10001").score
    (mark,) = read_marks(url, "lab")
    assert mark.given == {"a_check": 2, "b_check": 6, "c_check": None}
    assert (mark.score, mark.auto_score) == (expected, 2) == (8, 2)


def test_lateness_counts_an_extension(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    due = datetime(2026, 11, 20, 12)
    with Gradebook(url) as gradebook:
        gradebook.add_assignment("lab", duedate=due)
        for student, hours in (("early", -1), ("late", 3), ("granted", 3)):
            gradebook.add_student(student)
            gradebook.add_submission("lab", student, timestamp=due + timedelta(hours=hours))
        gradebook.grant_extension("lab", "granted", hours=2)
    late = {mark.student: mark.late_s / 3600 for mark in read_marks(url, "lab")}
    assert late == {"early": 0, "late": 3, "granted": 1}
