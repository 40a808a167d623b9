"""The names that the lab's check cells use and a student's code may overwrite: `lab`, `column`, `torch`.

While a class is graded, check cells find what is the lab's under names of their own, so a student's `lab = 3`
costs no mark. Nothing of the student's is touched: a function of theirs that is called `column` still finds
itself.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy

from nbformat import NotebookNode

from autograder.instructor.parsing import Names, parsed
from autograder.instructor.source import is_check_cell, is_student_cell
from autograder.opening import opening

_LAB = "lab"
_PREFIX = "_course_"


def own_names(template: NotebookNode) -> dict[str, str]:
    """Return how the check cells of a lab get what they use of the lab's: by name, a statement with a gap.

    The gap is for the name that is to be bound. Names that are the student's are not among them.
    """
    used = {name for cell in template.cells if is_check_cell(cell) for name in _loaded(cell.source)}
    found: dict[str, str] = {}
    for cell in template.cells:
        if cell.cell_type == "code" and not is_check_cell(cell) and not is_student_cell(cell):
            found |= {n: text for n, text in _imports(cell.source).items() if n in used}
    if _LAB in used:
        opened = '__import__("autograder.session", fromlist=["opened"]).opened'
        found[_LAB] = f"{{}} = {opened}({_lab_id(template)!r})"
    return found


def imported(template: NotebookNode) -> dict[str, str]:
    """Return what the lab's own cells import, by name: answers rely on it."""
    cells = (c for c in template.cells if c.cell_type == "code" and not is_check_cell(c))
    return {name: text for c in cells if not is_student_cell(c) for name, text in _imports(c.source).items()}


def overwritten(source: str, names: Mapping[str, str]) -> list[str]:
    """Return the names of the lab's that a student's cell binds to something else, or deletes."""
    found = Names.of(source)
    if found is None:
        return []
    same = {name for name, text in _imports(source).items() if text == names.get(name)}
    return sorted(found.bound & names.keys() - same)


def with_own_names(notebook: NotebookNode, names: Mapping[str, str]) -> NotebookNode:
    """Return a copy of a notebook whose check cells use the lab's things under names of their own."""
    copy = deepcopy(notebook)
    for cell in copy.cells:
        if is_check_cell(cell):
            cell.source = _renamed(cell.source, names)
    return copy


def restore(run: NotebookNode, notebook: NotebookNode) -> None:
    """Put the check cells of a notebook that was run back as they were before."""
    for cell, original in zip(run.cells, notebook.cells, strict=True):
        if is_check_cell(original):
            cell.source = original.source


def _renamed(source: str, names: Mapping[str, str]) -> str:
    """Return the source of a check cell with names of its own, and what binds them before it."""
    tree = ast.parse(source)
    used = {name for name in _loaded(source) if name in names}
    blocks = (item.optional_vars for node in tree.body if isinstance(node, ast.With) for item in node.items)
    kept = used | {target.id for target in blocks if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in kept:
            node.id = _PREFIX + node.id
    before = [names[name].format(_PREFIX + name) for name in sorted(used)]
    return "\n".join([*before, ast.unparse(tree)])


def _loaded(source: str) -> set[str]:
    nodes = ast.walk(ast.parse(source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _imports(source: str) -> dict[str, str]:
    """Return what the import statements of a cell bind, each with a statement that binds another name."""
    tree = parsed(source)
    found: dict[str, str] = {}
    for node in tree.body if tree is not None else ():
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname is not None or "." not in alias.name:
                    found[alias.asname or alias.name] = f"import {alias.name} as {{}}"
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"from {node.module} import {alias.name} as {{}}"
    return found


def _lab_id(template: NotebookNode) -> str:
    """Return the id that the lab's own cell opens the lab by."""
    openings = (opening(cell.source) for cell in template.cells if cell.cell_type == "code")
    return next((found.lab for found in openings if found), "")
