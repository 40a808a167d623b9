"""What operators make of a lab's solutions."""

from __future__ import annotations

import ast
import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from nbformat import NotebookNode

from autograder.instructor.mutation.base import Edit, Operator, Solution
from autograder.instructor.own_names import imported
from autograder.instructor.programs import meaning
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell
from autograder.instructor.trials.base import span

_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"
# As many of a check cell's numbers are tried for each size.
_SIZES = 2


@dataclass(frozen=True)
class Variant:
    """An answer made out of a solution.

    Attributes:
        id: the same as long as solution and operator give the same change.
        cell: grade_id of the student cell.
        operator: name of the operator.
        before: the lines that were changed, without indentation.
        after: what they were changed to.
        code: the cell's full code.
    """

    id: str
    cell: str
    operator: str
    before: str
    after: str
    code: str

    @property
    def change(self) -> str:
        """Return the change on one line."""
        before, after = (text.replace("\n", " ⏎ ") for text in (self.before, self.after))
        return f"{before or '(nothing)'} → {after or '(nothing)'}"


def variants(notebook: NotebookNode, lab: str, operators: Sequence[Operator], kind: str) -> Iterator[Variant]:
    """Yield all that operators make of the solutions of cells with marks, each program once.

    Args:
        notebook: of the lab, in one language.
        lab: the lab's id, for errors.
        operators: to apply.
        kind: what the variants are called in their ids, such as "mutant".
    """
    names = frozenset(imported(notebook))
    for cell in notebook.cells:
        if not is_student_cell(cell) or cell.cell_type != "code":
            continue
        name = str(grade_id(cell))
        if not any(is_check_cell(each) for each in notebook.cells[notebook.cells.index(cell) :]):
            continue  # nothing judges it
        check = notebook.cells[span(notebook, name, lab)[-1]]
        if check.metadata["nbgrader"]["points"] > 0:
            solution = solution_of(cell.source, names, _sizes(check.source))
            yield from of_cell(solution, name, operators, kind)


def solution_of(
    source: str, imported_names: frozenset[str] = frozenset(), sizes: Sequence[int] = ()
) -> Solution:
    """Return a cell's code with what in it is the student's to write: all, where nothing is marked."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    lines = source.splitlines()
    inside, ours = _BEGIN not in source, set()
    for number, line in enumerate(lines, 1):
        inside = (inside or _BEGIN in line) and _END not in line
        if inside and line.strip() != _BEGIN:
            ours.add(number)
    places = wrapper.resolve(PositionProvider)
    written = frozenset(
        node for node, place in places.items() if place.start.line in ours and place.end.line in ours
    )
    return Solution(wrapper.module, written, imported_names, tuple(sizes))


def of_cell(solution: Solution, cell: str, operators: Sequence[Operator], kind: str) -> Iterator[Variant]:
    """Yield what operators make of one cell, each program once; none is the solution itself."""
    seen = {meaning(solution.module.code), None}
    counts: Counter[tuple[str, ...]] = Counter()
    for operator in operators:
        for edits in operator.edits(solution):
            code = _applied(solution.module, edits)
            found = meaning(code) if code is not None else None
            if code is None or found in seen:
                continue
            seen.add(found)
            change = _change(solution.module.code, code)
            counts[operator.name, *change] += 1
            again = counts[operator.name, *change]
            digest = hashlib.sha256("\0".join(change).encode()).hexdigest()[:8]
            name = f"{kind}.{cell}.{operator.name}.{digest}{f'.{again}' if again > 1 else ''}"
            yield Variant(name, cell, operator.name, *change, code)


def sample(found: Sequence[Variant], count: int | None, seed: int) -> list[Variant]:
    """Return some variants, drawn with a seed, in their order; all if no count is given."""
    if count is None or count >= len(found):
        return list(found)
    chosen = set(random.Random(seed).sample(range(len(found)), count))
    return [variant for index, variant in enumerate(found) if index in chosen]


def _applied(module: cst.Module, edits: Sequence[Edit]) -> str | None:
    """Return a module's code after some edits, None where what comes out is no code."""
    replacer = _Replacer({id(old): new for old, new in edits})
    try:
        changed = module.visit(replacer)
        return changed.code if isinstance(changed, cst.Module) else None
    except (cst.CSTValidationError, TypeError, AttributeError):
        return None


class _Replacer(cst.CSTTransformer):
    """Puts nodes in the place of others; within a node that is replaced, others may be too."""

    def __init__(self, edits: dict[int, object]) -> None:
        super().__init__()
        self._edits = edits

    def on_leave(self, original_node, updated_node):  # type: ignore[no-untyped-def]
        """Return what stands in a node's place."""
        new = self._edits.get(id(original_node))
        if new is None:
            return super().on_leave(original_node, updated_node)
        if isinstance(new, cst.FlattenSentinel):
            # What stays beside something new has its own changes.
            return cst.FlattenSentinel(updated_node if node is original_node else node for node in new)
        return new


def _change(before: str, after: str) -> tuple[str, str]:
    """Return the lines from the first to the last that differ, as they were and as they are.

    Where something is only put in or taken out, the line before it says where.
    """
    old, new = (_lines(text) for text in (before, after))
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    if start and (start + end == len(old) or start + end == len(new)):
        start -= 1
    return "\n".join(old[start : len(old) - end]), "\n".join(new[start : len(new) - end])


def _lines(code: str) -> list[str]:
    """Return the lines of some code, without indentation and without those that say nothing."""
    lines = (line.strip() for line in code.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _sizes(check: str) -> tuple[int, ...]:
    """Return whole numbers of a check cell that may be sizes, the largest first."""
    numbers = {
        node.value
        for node in ast.walk(ast.parse(check))
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 1
    }
    return tuple(sorted(numbers, reverse=True)[:_SIZES]) or (32,)
