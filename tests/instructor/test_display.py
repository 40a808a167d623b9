"""What `course grade` says at its end: what is worst comes first, and the rest is counted."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.instructor.grade.grader import Grading, Plan
from autograder.instructor.grade.terminal import show_end
from autograder.instructor.grade.work import Outcome
from autograder.instructor.kernels.isolation import Isolation


def said(*outcomes: Outcome, **more: list[str]) -> str:
    console = Console(file=io.StringIO(), width=120)
    show_end(console, Grading(Plan(), list(outcomes), Isolation("fork", "fork"), **more))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def outcome(student: str, status: str, *keys: str) -> Outcome:
    return Outcome(student, status, "", {}, note_keys=list(keys))


def test_what_could_not_be_read_comes_before_what_has_its_marks() -> None:
    text = said(
        outcome("a", "graded", "other_identity"), outcome("b", "incomplete"), outcome("c", "unusable")
    )
    lines = [line for line in text.splitlines() if line.startswith("│")]
    assert [line.split("│")[1].strip() for line in lines] == ["c", "b", "a"]


def test_a_reason_that_many_have_hides_no_other() -> None:
    text = said(
        *(outcome(f"s{n:03}", "graded", "other_identity") for n in range(200)), outcome("z", "unusable")
    )
    assert "│ z " in text and text.count("│ s") == 29
    assert "and 171 more: `course report` lists them by reason." in text


def test_a_notebook_that_nobody_signed_needs_no_look() -> None:
    assert "To review" not in said(outcome("a", "graded", "nobody"))


def test_partners_who_got_marks_by_hand_are_named() -> None:
    assert "marks by hand given to partners too: bobby" in said(shared=["bobby"])
