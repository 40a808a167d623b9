"""The bank of answers of a lab: known wrong answers, each with the check that must refuse it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from course.instructor.settings import CourseError

KINDS = ("wrong", "equivalent")


@dataclass(frozen=True)
class Answer:
    """One entry of a bank.

    Attributes:
        id: of the entry.
        cell: grade_id of the student cell that it answers.
        kind: "wrong" or "equivalent".
        code: the cell's full code.
        check: name of the check that must refuse a wrong answer.
        hint: what to tell the student, by language.
    """

    id: str
    cell: str
    kind: str
    code: str
    check: str | None = None
    hint: dict[str, str] = field(default_factory=dict)


def load_bank(path: Path) -> dict[str, Answer]:
    """Read a bank.

    Returns:
        Its entries by id, in order.

    Raises:
        CourseError: if the file is no bank, naming the entry at fault.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"The bank {path.name} cannot be read: {error}") from None
    answers: dict[str, Answer] = {}
    for number, entry in enumerate(data.get("answer", []), start=1):
        name = entry.get("id", f"entry {number}")
        try:
            answer = Answer(**entry)
        except TypeError as error:
            raise CourseError(f"{path.name}, {name}: {error}") from None
        if answer.kind not in KINDS:
            raise CourseError(
                f"{path.name}, {name}: kind must be one of {', '.join(KINDS)}, not {answer.kind!r}"
            )
        if answer.id in answers:
            raise CourseError(f"{path.name}: the id {name!r} is used twice")
        answers[answer.id] = answer
    return answers
