"""Marks: the verdict on each check of a cell, and what the cell is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from autograder.messages import Message
from autograder.observation import Observation

# Of the marks as data.
FORMAT = 1
# Errors of a student who has not come this far: code that is not there cannot be wrong.
UNWRITTEN = ("not_written", "name_missing")


class Verdict(Enum):
    """What a judge says of an observation."""

    RIGHT = "right"
    WRONG = "wrong"
    # It is judged elsewhere: by grading, or by nobody while a reference is recorded.
    OPEN = "open"


@dataclass(frozen=True)
class Result:
    """The outcome of one check.

    Attributes:
        name: the stable name of the check.
        points: the marks that it is worth.
        verdict: on what was observed.
        message: what to say to the student.
        observation: what the check saw; None for what is no check: an error of the cell itself.
    """

    name: str
    points: float
    verdict: Verdict
    message: Message
    observation: Observation | None = None

    @property
    def passed(self) -> bool:
        """Tell whether the marks are earned."""
        return self.verdict is Verdict.RIGHT

    @property
    def is_of_cell(self) -> bool:
        """Tell whether this is an error of the check cell itself, and no check."""
        return not self.passed and self.observation is None and not self.points


class Score(float):
    """Marks as the last line of a check cell gives them: nbgrader reads the number, people the box."""

    def _repr_html_(self) -> str:
        """Return nothing: in a notebook the box says how many marks there are."""
        return ""


def earned(results: Sequence[Result], points: float) -> Score:
    """Return the marks that results earn, between 0 and full marks."""
    total = sum(result.points for result in results if result.passed)
    return Score(min(max(round(total, 6), 0.0), points))


@dataclass
class CellMarks:
    """The marks of one check cell.

    Attributes:
        name: the block's stable name.
        points: full marks.
        language: of the messages.
        results: one entry per check, in order.
        students: the ids of those who hand in, as far as the cells run so far tell.
        heading: what the block is called where a person reads of it; its name if empty.
        notices: what is said of the whole cell, before its checks.
    """

    name: str
    points: float
    language: str
    results: list[Result] = field(default_factory=list)
    students: tuple[str, ...] = ()
    heading: str = ""
    notices: tuple[Message, ...] = ()

    @property
    def score(self) -> float:
        """Return the marks earned."""
        return earned(self.results, self.points)

    def as_json(self) -> dict[str, Any]:
        """Return the marks as JSON data, for programs that read an executed notebook."""
        return {
            "format": FORMAT,
            "block": self.name,
            "score": self.score,
            "points": self.points,
            "language": self.language,
            "students": list(self.students),
            "checks": [
                {
                    "name": result.name,
                    "points": result.points,
                    "passed": result.passed,
                    "message": result.message.render(self.language),
                }
                for result in self.results
            ],
        }
