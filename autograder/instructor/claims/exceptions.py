"""Sentences about outputs that need no claim, and why: `claims.toml` beside the source notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from autograder.instructor.settings import Course, CourseError
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml

_KINDS = "definition, task, budget, marks, theory or reference"
_Kind = Annotated[
    Literal["definition", "task", "budget", "marks", "theory", "reference"], Field(description=_KINDS)
]
_Texts = Annotated[
    dict[str, Annotated[str, Field(strict=True)]],
    Field(description='a sentence by language, such as text.en = "…"'),
]
_Reason = Annotated[
    str, Field(strict=True, min_length=1, description="a text that says why no claim is needed")
]


@dataclass(frozen=True)
class _Entry:
    """A table [[exception]], as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    kind: _Kind
    text: _Texts
    reason: _Reason


@dataclass(frozen=True)
class Unclaimed:
    """A sentence that looks like one about outputs, and needs no claim.

    Attributes:
        kind: "definition", "task", "budget", "marks", "theory", or "reference" for what a paper says.
        text: the sentence by language, … for a part of it.
        reason: why it needs none; of a reference, where it is said.
        place: where it is declared.
    """

    kind: str
    text: dict[str, str]
    reason: str
    place: str


def load_exceptions(course: Course, lab: str) -> tuple[Unclaimed, ...]:
    """Return the sentences of a lab that are declared to need no claim.

    Raises:
        CourseError: if the list is not as it must be; file, line and key are said.
    """
    path = course.unclaimed(lab)
    if not path.exists():
        return ()
    data, text = read_toml(path)
    entries = data.pop("exception", [])
    if data or not isinstance(entries, list):
        raise CourseError(
            f"{path.name}: only [[exception]] entries belong here, not {', '.join(data) or 'exception'}."
        )
    found = []
    for number, entry in enumerate(entries):
        table = Table(f"{lab}/{path.name}", f"exception {number + 1}", ("exception", number), text)
        read = checked(_Entry, entry, table)
        unknown = set(read.text) - set(course.languages)
        if unknown or not read.text or not all(read.text.values()):
            raise CourseError(
                f"{table.place('text')}, {table.name}: give the sentence in languages of the course "
                f"({', '.join(course.languages)})."
            )
        found.append(Unclaimed(read.kind, read.text, read.reason, f"{table.place()}, {table.name}"))
    return tuple(found)
