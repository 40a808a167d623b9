"""Whether a bank fits its lab: it answers cells, and names checks, that the lab has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from nbformat import NotebookNode

from autograder.errors import did_you_mean
from autograder.instructor.bank import Answer
from autograder.instructor.errors import CourseError
from autograder.instructor.source import code_cells, grade_id, is_student_cell


def require_cells(answers: Iterable[Answer], notebook: NotebookNode, bank: Path) -> None:
    """Raise unless every answer is to a student cell of the lab.

    Raises:
        CourseError: naming the entry.
    """
    cells = [str(grade_id(cell)) for cell in code_cells(notebook) if is_student_cell(cell)]
    for answer in answers:
        if answer.cell not in cells:
            raise CourseError(_unknown(bank, answer, "student cell", answer.cell, cells))


def require_checks(answers: Iterable[Answer], checks: Collection[str], bank: Path) -> None:
    """Raise unless every answer that names a check names one of the lab.

    Raises:
        CourseError: naming the entry.
    """
    for answer in answers:
        if answer.check is not None and answer.check not in checks:
            raise CourseError(_unknown(bank, answer, "check", answer.check, checks))


def _unknown(bank: Path, answer: Answer, what: str, name: str, known: Collection[str]) -> str:
    """Return what is wrong with an entry."""
    return (
        f"{bank.name}, [[answer]] {answer.id}: the lab has no {what} {name!r}.{did_you_mean(name, known)} "
        f"It has {', '.join(known) or 'none'}."
    )
