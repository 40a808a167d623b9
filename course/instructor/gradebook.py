"""Read marks from nbgrader's gradebook."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook


@dataclass(frozen=True)
class Mark:
    """The marks of one student for one lab.

    Attributes:
        student: the student's id.
        lab: the lab's id.
        score: marks so far.
        max_score: full marks, with those that a person gives.
        auto_score: automatic marks.
        max_auto_score: full automatic marks.
        needs_manual_grade: whether a person still has to mark something.
        blocks: automatic marks by check cell, each with its full marks.
    """

    student: str
    lab: str
    score: float
    max_score: float
    auto_score: float
    max_auto_score: float
    needs_manual_grade: bool
    blocks: dict[str, tuple[float, float]]


def read_marks(db_url: str, lab: str) -> list[Mark]:
    """Return the marks of all submissions of a lab, by student."""
    with Gradebook(db_url) as gradebook:
        marks = []
        for submission in gradebook.assignment_submissions(lab):
            (notebook,) = submission.notebooks
            # A cell that students write in is marked by a person, be it text or code.
            by_hand = {cell.name for cell in notebook.notebook.solution_cells}
            grades = [g for g in notebook.grades if g.cell.name not in by_hand]
            auto = {g.cell.name: (float(g.auto_score or 0.0), float(g.max_score)) for g in grades}
            marks.append(
                Mark(
                    student=submission.student.id,
                    lab=lab,
                    score=float(submission.score),
                    max_score=float(submission.max_score),
                    auto_score=sum(score for score, _ in auto.values()),
                    max_auto_score=sum(points for _, points in auto.values()),
                    needs_manual_grade=bool(submission.needs_manual_grade),
                    blocks=auto,
                )
            )
    return sorted(marks, key=lambda mark: mark.student)


def write_csv(marks: list[Mark], path: Path) -> Path:
    """Write marks as CSV: student, lab, score, max_score, one row each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "lab", "score", "max_score"])
        for mark in marks:
            writer.writerow([mark.student, mark.lab, f"{mark.score:g}", f"{mark.max_score:g}"])
    return path
