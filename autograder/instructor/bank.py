"""The bank of answers of a lab: wrong and equivalent ones, in `answers.toml` or a file like it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from autograder.instructor.settings import CourseError
from autograder.language import LANGUAGES

KINDS = ("wrong", "equivalent")
_FORMAT = "an entry has id, cell, kind, code, and for a wrong answer perhaps check and hint.es, hint.en"


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
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"The bank {path.name} cannot be read: {error}") from None
    entries = data.pop("answer", [])
    if data or not isinstance(entries, list):
        raise CourseError(
            f"{path.name}: only [[answer]] entries belong here, not {', '.join(data) or 'answer'}."
        )
    answers: dict[str, Answer] = {}
    for number, entry in enumerate(entries, start=1):
        answer = _answer(entry, f"{path.name}, {entry.get('id', f'entry {number}')}")
        if answer.id in answers:
            raise CourseError(f"{path.name}: the id {answer.id!r} is used twice")
        answers[answer.id] = answer
    return answers


def _answer(entry: dict[str, object], where: str) -> Answer:
    """Return one entry of a bank."""
    try:
        answer = Answer(**entry)  # type: ignore[arg-type]
    except TypeError as error:
        unknown = str(error).removeprefix("Answer.__init__() ")
        raise CourseError(f"{where}: {unknown}; {_FORMAT}.") from None
    if answer.kind not in KINDS:
        raise CourseError(f"{where}: kind must be one of {', '.join(KINDS)}, not {answer.kind!r}")
    texts = (answer.id, answer.cell, answer.code, answer.check or "")
    if not all(isinstance(text, str) for text in texts):
        raise CourseError(f"{where}: id, cell, code and check must be texts.")
    if answer.kind == "equivalent" and (answer.check or answer.hint):
        raise CourseError(f"{where}: an equivalent answer is refused by no check and needs no hint.")
    if answer.hint and (not isinstance(answer.hint, dict) or set(answer.hint) != set(LANGUAGES)):
        raise CourseError(f"{where}: give the hint in every language: hint.{', hint.'.join(LANGUAGES)}.")
    return answer
