"""The marks that check cells show, read as data: a cell can display anything, and only their form counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from autograder.display import MARKS_MIME
from autograder.marks import FORMAT


@dataclass(frozen=True)
class CheckMark:
    """What a check cell says of one check.

    Attributes:
        name: of the check.
        points: its marks.
        passed: whether they were earned.
        message: what is said to the student.
    """

    name: str
    points: float
    passed: bool
    message: str


@dataclass(frozen=True)
class ShownMarks:
    """What a check cell says of its block.

    Attributes:
        block: its name.
        score: the marks earned.
        points: its full marks.
        language: of the messages.
        students: the ids of those who hand in, as far as they were given until then.
        checks: one entry per check, in order.
        text: all of it, as it is shown to a person.
    """

    block: str
    score: float
    points: float
    language: str
    students: tuple[str, ...]
    checks: tuple[CheckMark, ...]
    text: str


def shown_marks(cell: NotebookNode, block: str) -> ShownMarks | None:
    """Return the marks of a block as a cell showed them last, None if it showed none.

    Args:
        cell: a code cell that was run.
        block: the name of the block.
    """
    found = [marks for output in cell.outputs for marks in _marks(output) if marks.block == block]
    return found[-1] if found else None


def _marks(output: NotebookNode) -> Iterator[ShownMarks]:
    """Yield the marks that an output holds, if it has the form that check cells give them."""
    bundle = output.get("data", {})
    if MARKS_MIME not in bundle:
        return
    data, text = bundle[MARKS_MIME], bundle.get("text/plain")
    if isinstance(text, str) and _are_marks(data):
        yield ShownMarks(
            block=data["block"],
            score=float(data["score"]),
            points=float(data["points"]),
            language=data["language"],
            students=tuple(data["students"]),
            checks=tuple(
                CheckMark(check["name"], float(check["points"]), check["passed"], check["message"])
                for check in data["checks"]
            ),
            text=text,
        )


def _are_marks(data: Any) -> bool:
    return (
        isinstance(data, dict)
        and _is_number(data.get("format"))
        and data["format"] == FORMAT
        and all(isinstance(data.get(name), str) for name in ("block", "language"))
        and all(_is_number(data.get(name)) for name in ("score", "points"))
        and isinstance(data.get("students"), list)
        and all(isinstance(student, str) for student in data["students"])
        and isinstance(data.get("checks"), list)
        and all(_is_check(check) for check in data["checks"])
    )


def _is_check(data: Any) -> bool:
    return (
        isinstance(data, dict)
        and all(isinstance(data.get(name), str) for name in ("name", "message"))
        and _is_number(data.get("points"))
        and isinstance(data.get("passed"), bool)
    )


def _is_number(data: Any) -> bool:
    """Tell whether data are a number that marks can be: JSON as Python reads it has more."""
    if not isinstance(data, (int, float)) or isinstance(data, bool):
        return False
    try:
        return math.isfinite(data) and data >= 0
    except OverflowError:  # an integer that no float can hold
        return False
