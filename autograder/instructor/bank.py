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
_MUTANT = "equivalent_mutant"
_JUDGED = "judged_hint"
# Ids of mutants begin so.
MUTANT = "mutant."
_TABLES = ("answer", _MUTANT, _JUDGED)
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


@dataclass(frozen=True)
class EquivalentMutant:
    """Why a mutant that the grader accepts is right: see `autograder.instructor.mutation`.

    Attributes:
        cell: grade_id of the student cell.
        operator: that made it.
        before: the solution's lines that were changed.
        after: what they were changed to.
        reason: why the answer is right.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    cell: _Text
    operator: _Text
    before: _Text
    after: _Text
    reason: Annotated[str, Field(strict=True, min_length=1, description="a text that is not empty")]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return what tells it apart from others."""
        return (self.cell, self.operator, self.before.strip(), self.after.strip())


@dataclass(frozen=True)
class JudgedHint:
    """Of which other wrong answers somebody judged that the hint of one is true of them too.

    Attributes:
        answer: id of the answer of the bank whose hint it is.
        true_of: ids of other answers, and of mutants.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    answer: _Text
    true_of: Annotated[
        list[Annotated[str, Field(strict=True)]],
        Field(min_length=1, description='a list of ids, such as ["mutant.sample.exchange_call.1a2b3c4d"]'),
    ]


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
    entries, text = _entries(path, "answer")
    answers: dict[str, Answer] = {}
    for number, entry in enumerate(entries):
        table = Table(path.name, _name(entry, number), ("answer", number), text)
        answer = checked(Answer, entry, table)
        _require_sense(answer, table, languages)
        if answer.id in answers:
            raise CourseError(f"{table.place('id')}: the id {answer.id!r} is used twice.")
        answers[answer.id] = answer
    return answers


def load_equivalent_mutants(path: Path) -> list[EquivalentMutant]:
    """Read what a bank says of mutants that are right.

    Raises:
        CourseError: if the file is no bank, naming the entry at fault, its line and what to write.
    """
    entries, text = _entries(path, _MUTANT)
    tables = [
        Table(path.name, f"{_MUTANT} {number + 1}", (_MUTANT, number), text) for number in range(len(entries))
    ]
    return [checked(EquivalentMutant, entry, table) for entry, table in zip(entries, tables, strict=True)]


def load_judged_hints(path: Path) -> list[JudgedHint]:
    """Read of which answers a bank says that a hint is true of them.

    Raises:
        CourseError: if the file is no bank, or a hint or an answer is not in it, naming the entry at fault.
    """
    entries, text = _entries(path, _JUDGED)
    answers = _entries(path, "answer")[0]
    known = {entry.get("id") for entry in answers}
    hinted = {entry.get("id") for entry in answers if entry.get("hint")}
    judged = []
    for number, entry in enumerate(entries):
        table = Table(path.name, f"{_JUDGED} {number + 1}", (_JUDGED, number), text)
        judged.append(checked(JudgedHint, entry, table))
        if judged[-1].answer not in hinted:
            raise CourseError(
                f"{table.place('answer')}: the bank has no answer {judged[-1].answer!r} with a hint."
            )
        unknown = [n for n in judged[-1].true_of if n not in known and not n.startswith(MUTANT)]
        if unknown:
            raise CourseError(
                f"{table.place('true_of')}: {unknown[0]!r} is neither an answer of the bank nor a mutant."
            )
    return judged


def _entries(path: Path, kind: str) -> tuple[list[Any], str]:
    """Return the entries of one kind, and the file's text."""
    try:
        data, text = read_toml(path)
    except CourseError as error:
        raise CourseError(f"The bank {error}") from None
    wrong = [name for name, entries in data.items() if name not in _TABLES or not isinstance(entries, list)]
    if wrong:
        kinds = " and ".join(f"[[{name}]]" for name in _TABLES)
        raise CourseError(f"{path.name}: only {kinds} entries belong here, not {', '.join(wrong)}.")
    return data.get(kind, []), text


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
