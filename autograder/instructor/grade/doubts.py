"""Marks that a person should doubt: right observations where the answers tell another story.

A kernel in a student's hands says what it observed. The text of the answers does not pass through it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.instructor.grade.marked import MarkedText
from autograder.instructor.grade.trust import MarkedBlock, Reference, block_of
from autograder.instructor.intake.notes import Note, note
from autograder.instructor.parsing import Names, parsed
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell
from autograder.marks import Result, Verdict
from autograder.messages import Message

_UNTOUCHED = Message("hint", {"hint": MarkedText("untouched")})
# What runs or defines code that the text of a cell does not show.
_RUNS_OTHER_CODE = re.compile(r"^[ \t]*%{1,2}(?:run|load|cell_magic)\b", re.MULTILINE)


def doubt(notebook: NotebookNode, marked: Mapping[str, MarkedBlock], reference: Reference) -> list[Note]:
    """Take the marks of blocks without an answer, and return what a person should look at.

    Args:
        notebook: the rebuilt submission.
        marked: its marks, by block; those of blocks without an answer become 0.
        reference: what is right.
    """
    notes = []
    for task in tasks(notebook):
        block = marked.get(task.block)
        if block is None or not block.score:
            continue
        if task.is_written:
            if _only_weak(block, reference):
                notes.append(note("weak_only", cell=f"{task.block}_check"))
        elif task.is_written_elsewhere:
            notes.append(note("answer_elsewhere", cell=task.names))
        else:
            notes.append(note("untouched_answer", cell=task.names, points=block.score))
            block.results = [_refused(result) for result in block.results]
    return notes


def _only_weak(block: MarkedBlock, reference: Reference) -> bool:
    """Tell whether nothing is right in a block but what the library could answer by itself."""
    strong = [r for r in block.results if r.points and not reference.observations[r.name].weak]
    return bool(strong) and not any(result.passed for result in strong)


def _refused(result: Result) -> Result:
    """Return a result without marks; what was observed is nobody's answer, so no hint is looked for."""
    return replace(result, verdict=Verdict.WRONG, message=_UNTOUCHED, observation=None)


@dataclass(frozen=True)
class Exercise:
    """A block, the cells that its answer belongs in, and all other code before its check cell."""

    block: str
    answers: Sequence[NotebookNode]
    others: Sequence[NotebookNode]

    @property
    def names(self) -> str:
        """Return what to call the answer's cells."""
        return ", ".join(str(grade_id(cell)) for cell in self.answers)

    @property
    def is_written(self) -> bool:
        """Tell whether anything was written into the answer's cells, if it has any."""
        return not self.answers or any(map(_is_written, self.answers))

    @property
    def is_written_elsewhere(self) -> bool:
        """Tell whether another cell defines, or may define, what the answer's cells ask for."""
        each = (Names.of(cell.source) for cell in self.answers)
        asked = frozenset[str]().union(*(names.bound for names in each if names is not None))
        return any(_may_define(cell.source, asked) for cell in self.others)


def tasks(notebook: NotebookNode) -> list[Exercise]:
    """Return the blocks of a notebook; check cells that follow each other share their answers."""
    found: list[Exercise] = []
    answers: list[NotebookNode] = []
    code: list[NotebookNode] = []
    ended = True
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if is_check_cell(cell):
            others = [other for other in code if not any(other is answer for answer in answers)]
            found.append(Exercise(block_of(str(grade_id(cell))), list(answers), others))
            ended = True
            continue
        if is_student_cell(cell):
            answers = [cell] if ended else [*answers, cell]
            ended = False
        code.append(cell)
    return found


def _is_written(cell: NotebookNode) -> bool:
    """Tell whether an answer's cell holds more than it was given out with; a comment is no answer."""
    given = cell.metadata["nbgrader"].get("checksum")
    if given is None:
        return True
    return compute_checksum(cell) != given and not _all_missing(cell.source)


def _all_missing(source: str) -> bool:
    """Tell whether every function of a cell still ends by saying that it is not written."""
    tree = parsed(source)
    if tree is None:
        return False
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    only = all(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree.body)
    return only and bool(functions) and all(_says_missing(function.body) for function in functions)


def _says_missing(body: Sequence[ast.stmt]) -> bool:
    """Tell whether a function's body, its docstring apart, begins by raising NotImplementedError."""
    statements = [s for s in body if not (isinstance(s, ast.Expr) and _is_call_or_text(s.value))]
    return bool(statements) and isinstance(statements[0], ast.Raise) and _is_not_implemented(statements[0])


def _is_call_or_text(value: ast.expr) -> bool:
    """Tell whether an expression is a docstring, or a class's call of its parent's `__init__`."""
    calls_init = isinstance(value, ast.Call) and getattr(value.func, "attr", None) == "__init__"
    return calls_init or isinstance(value, ast.Constant)


def _is_not_implemented(statement: ast.Raise) -> bool:
    raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _may_define(source: str, asked: frozenset[str]) -> bool:
    """Tell whether a cell's code defines one of the names, or what it defines cannot be told."""
    if _RUNS_OTHER_CODE.search(source):
        return True
    lines = ("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))
    names = Names.of("\n".join(lines))
    return names is not None and names.binds(asked)
