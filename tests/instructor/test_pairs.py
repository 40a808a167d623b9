"""A pair's notebook is marked once: both get the marks and comments of a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.instructor.grade.pairs import share_marks_by_hand

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
PAIR = ("alice", "bobby")


@pytest.fixture
def gradebook(tmp_path: Path) -> Iterator[Gradebook]:
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as found:
        found.add_assignment("lab")
        found.add_notebook("lab", "lab")
        found.add_grade_cell("question", "lab", "lab", max_score=10, cell_type="markdown")
        found.add_solution_cell("question", "lab", "lab")
        for student in (*PAIR, "carol"):
            found.add_student(student)
            found.add_submission("lab", student)
            found.find_grade("question", "lab", "lab", student).needs_manual_grade = True
        found.db.commit()
        yield found


def mark(gradebook: Gradebook, student: str, score: float) -> None:
    grade = gradebook.find_grade("question", "lab", "lab", student)
    grade.manual_score, grade.needs_manual_grade = score, False


def marks(gradebook: Gradebook) -> dict[str, float | None]:
    students = (*PAIR, "carol")
    return {s: gradebook.find_grade("question", "lab", "lab", s).manual_score for s in students}


@pytest.mark.parametrize("marked", PAIR)
def test_whoever_of_a_pair_was_marked_both_have_the_mark_and_nobody_else(
    gradebook: Gradebook, marked: str
) -> None:
    mark(gradebook, marked, 7)
    (other,) = set(PAIR) - {marked}
    assert share_marks_by_hand(gradebook, "lab", [PAIR]) == [other]
    assert marks(gradebook) == {"alice": 7, "bobby": 7, "carol": None}


def test_who_got_a_mark_does_not_wait_any_more(gradebook: Gradebook) -> None:
    mark(gradebook, "alice", 7)
    share_marks_by_hand(gradebook, "lab", [PAIR])
    assert not gradebook.find_grade("question", "lab", "lab", "bobby").needs_manual_grade


def test_marks_that_are_meant_to_differ_stay(gradebook: Gradebook) -> None:
    mark(gradebook, "alice", 7)
    mark(gradebook, "bobby", 3)
    assert share_marks_by_hand(gradebook, "lab", [PAIR]) == []
    assert marks(gradebook) == {"alice": 7, "bobby": 3, "carol": None}


def test_a_mark_that_a_person_has_to_look_at_again_is_not_given(gradebook: Gradebook) -> None:
    mark(gradebook, "alice", 7)
    gradebook.find_grade("question", "lab", "lab", "alice").needs_manual_grade = True
    assert share_marks_by_hand(gradebook, "lab", [PAIR]) == []


def test_a_comment_is_given_too(gradebook: Gradebook) -> None:
    gradebook.find_comment("question", "lab", "lab", "alice").manual_comment = "Well said."
    assert share_marks_by_hand(gradebook, "lab", [PAIR]) == ["bobby"]
    assert gradebook.find_comment("question", "lab", "lab", "bobby").manual_comment == "Well said."


def test_a_partner_whom_the_gradebook_does_not_know_is_passed_over(gradebook: Gradebook) -> None:
    mark(gradebook, "alice", 7)
    assert share_marks_by_hand(gradebook, "lab", [("alice", "nobody")]) == []


def test_sharing_twice_changes_nothing(gradebook: Gradebook) -> None:
    mark(gradebook, "alice", 7)
    share_marks_by_hand(gradebook, "lab", [PAIR])
    assert share_marks_by_hand(gradebook, "lab", [PAIR]) == []
