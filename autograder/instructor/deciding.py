"""What decides the observations of a lab: code of its notebook, and the modules behind that.

An answer key is stale when one of these changes. A sentence, a picture that no graded cell draws or how marks
are displayed decides nothing.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from nbformat import NotebookNode

import autograder
from autograder.block import Block
from autograder.instructor.bank import Answer, load_bank
from autograder.instructor.errors import CourseError
from autograder.instructor.parsing import Names, parsed
from autograder.instructor.presence import present
from autograder.instructor.settings import Course
from autograder.instructor.slicing import decisive_part
from autograder.instructor.source import (
    code_cells,
    grade_id,
    is_check_cell,
    is_student_cell,
    manual_points,
    read_lab,
)
from autograder.session import Lab

# What runs a notebook's checks, and makes a key of what they see.
_ALWAYS = (
    "autograder.checks.base",
    "autograder.key",
    "autograder.instructor.keys",
    "autograder.instructor.observe",
    "autograder.instructor.source",
    "autograder.instructor.trials.base",
    "autograder.instructor.trials.pool",
    "autograder.instructor.trials.stage",
)
# What these import and what decides nothing: how things look, are said, found and handed on.
_IDLE = (
    "autograder.block",
    "autograder.catalogue",
    "autograder.cells",
    "autograder.display",
    "autograder.emission",
    "autograder.errors",
    "autograder.instructor",
    "autograder.labels",
    "autograder.language",
    "autograder.misuse",
    "autograder.quoting",
    "autograder.session",
    "autograder.usual_errors",
    "autograder.usual_patterns",
    "autograder.watch",
)


def deciding_digest(course: Course, lab: str) -> str:
    """Return a digest of all that decides a lab's key: cells that checks need, bank, seed, modules."""
    notebook = read_lab(course, lab)
    answers = tuple(_answers(course, lab))
    found = hashlib.sha256(f"{lab} {course.seed(lab)} {course.language} {manual_points(notebook)}".encode())
    for cell in code_cells(decisive_part(notebook, (answer.code for answer in answers))):
        data = cell.metadata.get("nbgrader", {})
        found.update(f"\0{grade_id(cell)} {data.get('points')}\0{cell.source}".encode())
    # What the bank says besides its answers decides nothing.
    found.update(b"\0" + json.dumps([asdict(answer) for answer in answers]).encode())
    for name, path in sorted(deciding_modules(course, lab, notebook).items()):
        found.update(f"\0{name}\0".encode() + path.read_bytes())
    return found.hexdigest()


def deciding_modules(course: Course, lab: str, notebook: NotebookNode) -> dict[str, Path]:
    """Return the modules of the library and of the course that decide what a lab's checks observe.

    Args:
        course: the checkout.
        lab: the lab's id.
        notebook: of the lab, in the course's language.

    Returns:
        Their files, by name.
    """
    packages = ("autograder", *(name.split(".")[0] for name in course.packages))
    graded = [c.source for c in notebook.cells if is_check_cell(c) or is_student_cell(c)]
    graded += [answer.code for answer in _answers(course, lab)]
    plain = [c.source for c in code_cells(notebook) if not (is_check_cell(c) or is_student_cell(c))]
    needed = list(_needed(graded, plain))
    names = {node.attr for tree in needed for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modules = {module for tree in needed for module in _imported(tree)}
    with present(course):
        return _closure([*_ALWAYS, *modules, *_families(names)], packages)


def _answers(course: Course, lab: str) -> Iterable[Answer]:
    """Return the answers of a lab's bank, if it has one."""
    bank = course.bank(lab)
    return load_bank(bank, course.languages).values() if bank.exists() else ()


def _needed(graded: Iterable[str], plain: Iterable[str]) -> Iterator[ast.Module]:
    """Yield the code of graded cells, and statements of other cells that bind a name which these use."""
    trees = [tree for source in graded if (tree := parsed(source))]
    statements = [
        (found.bound, statement)
        for source in plain
        if (tree := parsed(source))
        for statement in _single_imports(tree.body)
        if (found := Names.of(ast.unparse(statement))) is not None
    ]
    while trees:
        tree = trees.pop()
        yield tree
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        trees += [ast.Module([each], []) for bound, each in statements if not names.isdisjoint(bound)]
        statements = [(bound, each) for bound, each in statements if names.isdisjoint(bound)]


def _single_imports(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, an import of several names as one import for each."""
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                yield ast.ImportFrom(statement.module, [alias], statement.level)
        else:
            yield statement


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that code imports; a name that is imported from a package may be one too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _families(names: set[str]) -> Iterator[str]:
    """Yield the modules of the checks and supplied things that have one of these names as a method."""
    for composed in (type(Block.__new__(Block)), type(Lab.__new__(Lab))):
        for kind in inspect.getmro(composed):
            if not names.isdisjoint(vars(kind)):
                yield kind.__module__


def _closure(names: Iterable[str], packages: Sequence[str]) -> dict[str, Path]:
    """Return the files of modules and of all that these import, within some packages."""
    found: dict[str, Path] = {}
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in found or name.split(".")[0] not in packages or _is_idle(name):
            continue
        path = _file(name)
        if path is None:
            pending += _home(name)
            continue
        found[name] = path
        pending += _imported(_syntax(path, name))
    return found


def _home(name: str) -> list[str]:
    """Return the module that a name comes from which the library hands on at its top."""
    package, _, handed_on = name.rpartition(".")
    if package != autograder.__name__ or handed_on not in autograder.__all__:
        return []
    return [getattr(autograder, handed_on).__module__]


def _syntax(path: Path, name: str) -> ast.Module:
    """Return the syntax of a module.

    Raises:
        CourseError: if it has none, naming file and line.
    """
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else error
        file = Path(*path.parts[-len(name.split(".")) - (path.stem == "__init__") :]).as_posix()
        raise CourseError(f"{file}{line}: {type(error).__name__}: {said}. Mend that file.") from None


def _is_idle(name: str) -> bool:
    if name == "autograder":
        return True  # it only hands on names of its modules
    return name not in _ALWAYS and any(name == idle or name.startswith(f"{idle}.") for idle in _IDLE)


def _file(name: str) -> Path | None:
    """Return the file of a module, without importing more than its package; None if there is none."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)
