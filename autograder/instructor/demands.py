"""What the text of a lab demands, and what looks at it: `demands.toml` beside its source notebook.

Each sentence that students read of a cell with marks is listed there, whole or in parts. A part is an
explanation, or a demand; a demand names wrong answers of the bank that break it. The bank says which check
must refuse each of them, and `course audit` tries whether it does. So no demand is without a check.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from nbformat import NotebookNode
from pydantic import ConfigDict, Field

from autograder.instructor.bank import Answer, load_bank
from autograder.instructor.parsing import parsed
from autograder.instructor.sentences import told
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import is_check_cell, read_lab
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml

_Name = Annotated[str, Field(strict=True, description="a text in quotes: the grade_id of a student cell")]
_Kind = Annotated[Literal["demand", "explanation"], Field(description="demand or explanation")]
_Texts = Annotated[
    dict[str, Annotated[str, Field(strict=True)]],
    Field(description='a part of a sentence by language, such as text.en = "…"'),
]
_Answers = Annotated[
    list[Annotated[str, Field(strict=True)]],
    Field(strict=True, description='a list of wrong answers of the bank, such as ["no_relu"]'),
]


@dataclass(frozen=True)
class Part:
    """A sentence of a notebook, or a part of one.

    Attributes:
        cell: grade_id of the student cell that it is about.
        kind: "demand" or "explanation".
        text: as it stands in the notebook, by language.
        broken_by: ids of wrong answers, each of which breaks this demand.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    cell: _Name
    kind: _Kind
    text: _Texts
    broken_by: _Answers = field(default_factory=list)


@dataclass(frozen=True)
class Demands:
    """All parts of a lab's sentences, and what looks at those that are demands.

    Attributes:
        parts: in the order of the notebook.
        checks: names of the checks that look at a wrong answer, by its id.
    """

    parts: tuple[Part, ...]
    checks: Mapping[str, str]

    def checks_of(self, part: Part) -> list[str]:
        """Return the names of the checks that look at a demand."""
        return list(dict.fromkeys(self.checks[answer] for answer in part.broken_by))


def load_demands(course: Course, lab: str) -> Demands:
    """Read a lab's demands and compare them with its notebook and its bank.

    Raises:
        CourseError: if a sentence is not listed or not there, or a demand has nothing that looks at it.
    """
    path = course.demands(course.require_lab(lab))
    bank = load_bank(course.bank(lab), course.languages) if course.bank(lab).exists() else {}
    known = _named_in_check_cells(read_lab(course, lab))
    parts = _read(path, course.languages)
    for part, table in parts:
        _require_kind(part, table)
        for answer in part.broken_by:
            _require_answer(answer, part, table, bank, known)
    notebooks = {language: told(read_lab(course, lab, language)) for language in course.languages}
    for language, notebook in notebooks.items():
        _require_text(path.name, parts, notebook, language)
    _require_single(parts, notebooks)
    return Demands(tuple(part for part, _ in parts), {a.id: a.check for a in bank.values() if a.check})


_Read = Sequence[tuple[Part, Table]]


def _read(path: Path, languages: Sequence[str]) -> _Read:
    """Return the parts that a file lists, each with its place there."""
    data, text = read_toml(path)
    entries = data.pop("part", [])
    if data or not isinstance(entries, list):
        raise CourseError(f"{path.name}: only [[part]] entries belong here, not {', '.join(data) or 'part'}.")
    parts = []
    for number, entry in enumerate(entries):
        table = Table(path.name, f"part {number + 1}", ("part", number), text)
        part = checked(Part, entry, table)
        if set(part.text) != set(languages) or not all(part.text.values()):
            wanted = ", ".join(f"text.{language}" for language in languages)
            raise CourseError(f"{table.place('text')}, {table.name}: give {wanted}, and no other.")
        parts.append((part, table))
    return parts


def _require_kind(part: Part, table: Table) -> None:
    """Raise unless a demand has wrong answers that break it, and an explanation none."""
    if part.kind == "demand" and not part.broken_by:
        raise CourseError(
            f"{table.place()}, {table.name}: nothing looks at this demand ({_shown(part)}). Name a wrong "
            "answer that breaks it (broken_by), have a check look at it, or take it out of the text."
        )
    if part.kind == "explanation" and part.broken_by:
        raise CourseError(f"{table.place('broken_by')}, {table.name}: an explanation cannot be broken.")


def _require_answer(
    name: str, part: Part, table: Table, bank: Mapping[str, Answer], checks: Collection[str]
) -> None:
    """Raise unless a wrong answer to the part's cell has this id, and a check of the lab must refuse it."""
    answer, said = bank.get(name), None
    if answer is None or answer.kind != "wrong" or answer.cell != part.cell:
        said = f"the bank has no wrong answer {name!r} to {part.cell!r}"
    elif answer.check is None:
        said = f"the bank does not say which check must refuse {name!r}"
    elif answer.check not in checks:
        said = f"the lab has no check {answer.check!r}, which must refuse {name!r}"
    if said:
        raise CourseError(f"{table.place('broken_by')}, {table.name}: {said}.")


def _named_in_check_cells(notebook: NotebookNode) -> set[str]:
    """Return the texts that stand in check cells: the names of checks are among them."""
    trees = [parsed(cell.source) for cell in notebook.cells if is_check_cell(cell)]
    nodes = [node for tree in trees if tree for node in ast.walk(tree)]
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _require_text(file: str, parts: _Read, notebook: Mapping[str, list[str]], language: str) -> None:
    """Raise unless the parts of each cell, one after the other, are what the notebook says of it."""
    stray = next(((p, t) for p, t in parts if p.cell not in notebook), None)
    if stray:
        cells = ", ".join(notebook)
        raise CourseError(
            f"{stray[1].place('cell')}, {stray[1].name}: no student cell with marks is called "
            f"{stray[0].cell!r}; there are {cells}."
        )
    for cell, sentences in notebook.items():
        rest = " ".join(sentences)
        for part, table in parts:
            if part.cell != cell:
                continue
            text = part.text[language]
            if not rest.startswith(text):
                raise CourseError(
                    f"{table.place('text', language)}, {table.name}: listed is {_cut(text)!r}; the notebook "
                    f"says of {cell!r} in this place {_cut(rest)!r}."
                )
            rest = rest.removeprefix(text).lstrip()
        if rest:
            raise CourseError(
                f"{file}: what the notebook says of {cell!r} is not listed from here on ({language}): "
                f"{_cut(rest)!r}."
            )


def _require_single(parts: _Read, notebooks: Mapping[str, Mapping[str, list[str]]]) -> None:
    """Raise if a part holds several sentences in each language: each is to be looked at alone."""
    for cell in dict.fromkeys(part.cell for part, _ in parts):
        own = [(part, table) for part, table in parts if part.cell == cell]
        counts = [
            _sentences_begun([part.text[language] for part, _ in own], notebook[cell])
            for language, notebook in notebooks.items()
        ]
        for (part, table), *numbers in zip(own, *counts, strict=True):
            if min(numbers) > 1:
                raise CourseError(
                    f"{table.place()}, {table.name}: these are several sentences ({_shown(part)}); list each."
                )


def _sentences_begun(parts: Sequence[str], sentences: Sequence[str]) -> list[int]:
    """Return how many sentences each part touches; both lists are the same text."""
    starts, place = set(), 0
    for sentence in sentences:
        starts.add(place)
        place += len(sentence) + 1
    text, found, place = " ".join(sentences), [], 0
    for part in parts:
        found.append(1 + sum(place < start < place + len(part) for start in starts))
        place += len(part)
        place += len(text[place:]) - len(text[place:].lstrip())
    return found


def _shown(part: Part) -> str:
    return repr(_cut(next(reversed(part.text.values()))))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def begin(course: Course, lab: str) -> str:
    """Return a `demands.toml` with all sentences of a lab, for somebody to say what each is.

    Sentences of several languages are put together by their order: look whether they belong together.
    """
    notebooks = {language: told(read_lab(course, lab, language)) for language in course.languages}
    lines = []
    for cell in notebooks[course.language]:
        longest = max(len(notebook[cell]) for notebook in notebooks.values())
        for index in range(longest):
            lines += ["[[part]]", f'cell = "{cell}"', 'kind = "explanation"']
            for language, notebook in notebooks.items():
                text = notebook[cell][index] if index < len(notebook[cell]) else ""
                lines.append(f"text.{language} = {_quoted(text)}")
            lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return a text as TOML writes it, as it is where that can be."""
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
