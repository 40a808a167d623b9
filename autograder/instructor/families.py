"""Families of checks as a course has them: which are not installed or broken, and texts that they lack."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from autograder.catalogue import fields
from autograder.checks.family import GROUP, broken_families
from autograder.errors import did_you_mean
from autograder.instructor.deciding import deciding_modules
from autograder.instructor.errors import CourseError
from autograder.instructor.settings import Course
from autograder.instructor.source import read_lab
from autograder.language import FALLBACK
from autograder.messages import TEXTS

# What names a text by its key, with what fills its gaps as keywords, or as a dictionary.
_BY_KEYWORD, _BY_TABLE = "CheckFailed", "Message"
_TOOLS = "autograder.instructor"


def unusable_families(course: Course) -> list[str]:
    """Return what is wrong with families of checks; labs that do not call their checks do not mind."""
    installed = {(entry.name, entry.value) for entry in entry_points(group=GROUP)}
    missing = [
        f"pyproject.toml names the checks {name!r} ({value}), and they are not installed here: `make setup`, "
        "or pip install -e ."
        for name, value in _declared(course.root / "pyproject.toml").items()
        if (name, value) not in installed
    ]
    return [*missing, *map(str, broken_families())]


def _declared(path: Path) -> dict[str, str]:
    """Return the entry points that a project has for families; none where that cannot be read."""
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        return dict(project["entry-points"][GROUP])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def require_texts(course: Course, lab: str) -> None:
    """Raise if a check of a lab may end with a message whose text is missing, or whose gaps are not filled.

    Raises:
        CourseError: naming file, line and key of each.
    """
    wrong = [
        f"{_shown(path, course.root)}, line {line}: {said}"
        for name, path in deciding_modules(course, lab, read_lab(course, lab)).items()
        if name in sys.modules and not name.startswith(_TOOLS)
        for line, said in wrong_texts(path.read_text(encoding="utf-8"))
    ]
    if wrong:
        raise CourseError(f"{lab}: some messages of its checks could not be said.\n" + "\n".join(wrong))


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path.name)


def wrong_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield where code names a text that there is not, or leaves a gap of one open, and what is wrong."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _called(node) in (_BY_KEYWORD, _BY_TABLE) and node.args:
            key = node.args[0]
            literal = isinstance(key, ast.Constant) and isinstance(key.value, str)
            if literal and (said := _problem(str(ast.literal_eval(key)), _given(node))):
                yield node.lineno, said


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def _given(node: ast.Call) -> set[str] | None:
    """Return the names of what fills the gaps, None where code alone does not tell."""
    if _called(node) == _BY_KEYWORD:
        names = [keyword.arg for keyword in node.keywords]
        return None if None in names else {str(name) for name in names}
    table = next((keyword.value for keyword in node.keywords), node.args[1] if len(node.args) > 1 else None)
    if table is None:
        return set()
    if not isinstance(table, ast.Dict):
        return None
    keys = {key.value if isinstance(key, ast.Constant) else None for key in table.keys}
    return None if None in keys else {str(key) for key in keys}


def _problem(key: str, given: set[str] | None) -> str:
    """Return what is wrong with a message, nothing if it can be said."""
    if key not in TEXTS:
        return f"there is no text [{key}].{did_you_mean(key, TEXTS)} Write it in the .toml beside the module."
    if FALLBACK not in TEXTS[key]:
        return f"the text [{key}] lacks {FALLBACK!r}, which is said where a language is missing."
    gaps = set().union(*(fields(text) for text in TEXTS[key].values()))
    lacking = sorted(gaps - given) if given is not None else []
    if not lacking:
        return ""
    listed = ", ".join(f"{{{name}}}" for name in lacking)
    near = did_you_mean(lacking[0], given or ())
    names = ", ".join(sorted(given or ())) or "nothing"
    return f"nothing fills {listed} of the text [{key}].{near} It is given {names}."
