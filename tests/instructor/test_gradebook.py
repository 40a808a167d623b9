"""Marks as nbgrader's gradebook holds them."""

from __future__ import annotations

from pathlib import Path

from nbgrader.api import Gradebook

from course.instructor.gradebook import read_marks


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
    assert (mark.auto_score, mark.max_auto_score, mark.max_score) == (5, 7, 27)
    assert mark.blocks == {"steps_check": (5.0, 7.0)}
