"""The bank of answers of a lab: wrong and equivalent ones, in `answers.toml` or a file like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from autograder.instructor.settings import CourseError
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml
from autograder.language import LANGUAGES

KINDS = ("wrong", "equivalent")
_A_TEXT = "a text in quotes (id, cell, code and check must be texts)"
_Text = Annotated[str, Field(strict=True, description=_A_TEXT)]
_Kind = Annotated[Literal["wrong", "equivalent"], Field(description=f"one of {', '.join(KINDS)}")]
_Hint = Annotated[
    dict[str, Annotated[str, Field(strict=True)]],
    Field(description='a text by language, such as hint.en = "…"'),
]


@dataclass(frozen=True)
class Answer:
    """One entry of a bank.

    Attributes:
        id: of the entry.
        cell: grade_id of the student cell that it answers.
        kind: "wrong" or "equivalent".
        code: the cell's full code.
        check: name of the check that must refuse a wrong answer; None: any check of its cell may.
        hint: what to tell the student, by language.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    id: _Text
    cell: _Text
    kind: _Kind
    code: _Text
    check: Annotated[str | None, Field(strict=True, description=_A_TEXT)] = None
    hint: _Hint = field(default_factory=dict)


def load_bank(path: Path, languages: Sequence[str] = LANGUAGES) -> dict[str, Answer]:
    """Read a bank.

    Args:
        path: of the file.
        languages: in which each hint must be given: those of the course.

    Returns:
        Its entries by id, in order.

    Raises:
        CourseError: if the file is no bank, naming the entry at fault, its line and what to write.
    """
    try:
        data, text = read_toml(path)
    except CourseError as error:
        raise CourseError(f"The bank {error}") from None
    entries = data.pop("answer", [])
    if data or not isinstance(entries, list):
        raise CourseError(
            f"{path.name}: only [[answer]] entries belong here, not {', '.join(data) or 'answer'}."
        )
    answers: dict[str, Answer] = {}
    for number, entry in enumerate(entries):
        table = Table(path.name, _name(entry, number), ("answer", number), text)
        answer = checked(Answer, entry, table)
        _require_sense(answer, table, languages)
        if answer.id in answers:
            raise CourseError(f"{table.place('id')}: the id {answer.id!r} is used twice.")
        answers[answer.id] = answer
    return answers


def _name(entry: Any, number: int) -> str:
    """Return what to call an entry."""
    name = entry.get("id") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) and name else f"entry {number + 1}"


def _require_sense(answer: Answer, table: Table, languages: Sequence[str]) -> None:
    """Raise unless an entry has what its kind needs, and its hint every language of the course."""
    if answer.kind == "equivalent" and (answer.check or answer.hint):
        raise CourseError(
            f"{table.place()}, {table.name}: an equivalent answer is refused by no check and needs no hint."
        )
    if answer.hint and set(answer.hint) != set(languages):
        wrong = [each for each in answer.hint if each not in languages]
        extra = f" The course has no language {', '.join(map(repr, wrong))}." if wrong else ""
        raise CourseError(
            f"{table.place('hint', *wrong[:1])}, {table.name}: give the hint in every language of the "
            f"course: hint.{', hint.'.join(languages)}.{extra}"
        )
