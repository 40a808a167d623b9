"""Who is in a simulated class, and what they hand in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import nbformat
from nbformat import NotebookNode
from pydantic import ConfigDict, Field

from autograder.instructor.bank import Answer, load_bank
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import (
    grade_id,
    is_student_cell,
    read_lab,
    write_notebook,
)
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml

_MOST_MISTAKES = 3


@dataclass(frozen=True)
class Student:
    """A simulated student.

    Attributes:
        id: the student id, also the name of the submission's folder.
        what: what the submission is like, for the report.
        solved: grade_ids of the cells answered as in the solution; None: all of them.
        mistakes: ids of bank entries handed in instead.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    id: Annotated[str, Field(strict=True, min_length=1, description='a text, such as id = "10001"')]
    what: Annotated[str, Field(strict=True, description='a text, such as what = "complete"')]
    solved: Annotated[
        tuple[str, ...] | None, Field(description='a list of grade_ids, such as ["identity"]')
    ] = None
    mistakes: Annotated[
        tuple[str, ...], Field(description='a list of ids of answers.toml, such as ["no_relu"]')
    ] = ()


def first_lab(course: Course) -> str:
    """Return the id of the course's first lab.

    Raises:
        CourseError: if it has none.
    """
    for lab in course.labs:
        return lab
    raise CourseError("course.toml has no lab yet: see docs/authoring.md.")


def simulated_class(course: Course, lab: str) -> tuple[Student, ...]:
    """Return the simulated class of a lab: that of its demo_class.toml, or else one made of its bank.

    Raises:
        CourseError: if there is no such lab, or the file is not valid; it says file, line and key.
    """
    path = course.demo_class(course.require_lab(lab))
    bank = load_bank(course.bank(lab), course.languages) if course.bank(lab).is_file() else {}
    return _read_class(path, course, lab, bank) if path.is_file() else _derived_class(bank)


def _derived_class(bank: Mapping[str, Answer]) -> tuple[Student, ...]:
    """Return students who answer all, nothing, and with one mistake each, in different cells if there are."""
    first: dict[str, str] = {}
    wrong = [answer for answer in bank.values() if answer.kind == "wrong"]
    for answer in wrong:
        first.setdefault(answer.cell, answer.id)
    names = list(dict.fromkeys([*first.values(), *(answer.id for answer in wrong)]))[:_MOST_MISTAKES]
    students = [Student("10001", "complete"), Student("10002", "blank", solved=())]
    students += [Student(f"1000{3 + n}", name, mistakes=(name,)) for n, name in enumerate(names)]
    return tuple(students)


def _read_class(path: Path, course: Course, lab: str, bank: Mapping[str, Answer]) -> tuple[Student, ...]:
    """Read a simulated class.

    Raises:
        CourseError: if the file is not valid.
    """
    data, text = read_toml(path)
    entries = data.pop("student", [])
    if data or not isinstance(entries, list) or not entries:
        raise CourseError(f"{path.name} of {lab}: only [[student]] entries belong here, at least one.")
    source = read_lab(course, lab)
    cells = [str(grade_id(cell)) for cell in source.cells if is_student_cell(cell)]
    students: dict[str, Student] = {}
    for number, entry in enumerate(entries):
        table = Table(f"{lab}/{path.name}", f"student {number + 1}", ("student", number), text)
        student = checked(Student, entry, table)
        _require_known(table, "solved", student.solved or (), cells)
        _require_known(table, "mistakes", student.mistakes, bank)
        if student.id in students:
            raise CourseError(f"{table.place('id')}: the id {student.id!r} is used twice.")
        students[student.id] = student
    return tuple(students.values())


def _require_known(table: Table, key: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise if a name stands for no cell or answer of the lab."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f" Did you mean {close[0]!r}?" if close else ""
            raise CourseError(
                f"{table.place(key)}, {table.name}: {key} names no {name!r} of the lab.{advice}"
            )


def hand_in(course: Course, lab: str, students: Sequence[Student], folder: Path) -> None:
    """Write the submissions of a whole class."""
    bank = load_bank(course.bank(lab), course.languages) if course.bank(lab).is_file() else {}
    release = nbformat.read(course.release(lab, course.language), as_version=4)
    solution = read_lab(course, lab)
    solved = {str(grade_id(c)): c.source for c in solution.cells if is_student_cell(c)}
    for student in students:
        cells = solved if student.solved is None else {name: solved[name] for name in student.solved}
        cells = {name: _signed(source, student) for name, source in cells.items()}
        wrong = {bank[name].cell: bank[name].code for name in student.mistakes}
        submission = answer(release, {**cells, **wrong})
        write_notebook(submission, folder / "submitted" / student.id / lab / f"{lab}.ipynb")


def answer(release: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """Return a copy of a student notebook with some of its cells answered, by grade_id."""
    notebook = deepcopy(release)
    for cell in notebook.cells:
        if grade_id(cell) in answers:
            lines = answers[str(grade_id(cell))].strip("\n").split("\n")
            cell.source = "\n".join(line for line in lines if " SOLUTION" not in line)
    return notebook


def _signed(source: str, student: Student) -> str:
    """Return a cell with the id of who hands it in, where the solution has one."""
    return re.sub(r'(?m)^(student_id_1 = )".+"$', rf'\1"{student.id}"', source)
