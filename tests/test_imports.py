"""Packages import what stands below them, and only libraries that pyproject.toml declares and pins."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


@cache
def imported(folder: str, *without: str) -> frozenset[str]:
    """Return all modules that the files of a folder import, wherever in a file they do."""
    left_out = {ROOT / name for name in without}
    files = [path for path in (ROOT / folder).rglob("*.py") if left_out.isdisjoint(path.parents)]
    assert files
    return frozenset(module for path in files for module in modules(path))


def modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module
            yield node.module


# --- layers -----------------------------------------------------------------------------------------


def test_the_library_imports_nothing_of_the_course() -> None:
    assert [module for module in imported("autograder") if module.split(".")[0] == "course"] == []


def test_what_students_use_imports_nothing_of_the_instructors() -> None:
    ours = imported("autograder", "autograder/instructor") | imported("course", "course/authoring")
    assert [module for module in ours if module.startswith("autograder.instructor")] == []


# --- libraries --------------------------------------------------------------------------------------


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


STUDENT = names(PROJECT["dependencies"])
INSTRUCTOR = STUDENT | names(EXTRAS["instructor"])
CONTRIBUTOR = INSTRUCTOR | names(EXTRAS["dev"]) | names(EXTRAS["postgresql"])


@pytest.mark.parametrize(
    ("folder", "without", "declared"),
    [
        ("autograder", ("autograder/rerun", "autograder/instructor"), STUDENT),
        ("autograder/rerun", (), STUDENT | names(EXTRAS["check"])),
        ("course", ("course/authoring",), STUDENT),
        ("course/authoring", (), INSTRUCTOR),
        ("autograder/instructor", (), INSTRUCTOR),
        ("tests", ("tests/instructor/rnncourse",), CONTRIBUTOR),
    ],
)
def test_every_library_that_is_imported_is_declared(
    folder: str, without: tuple[str, ...], declared: set[str]
) -> None:
    roots = {module.split(".")[0] for module in imported(folder, *without)}
    libraries = roots - sys.stdlib_module_names - {"autograder", "course", "tests"}
    known = packages_distributions()
    missing = {each for each in libraries if not declared & {canonicalize_name(d) for d in known[each]}}
    assert missing == set()


def test_every_declared_library_is_pinned_within_its_bounds() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    for each in [*PROJECT["dependencies"], *(item for extra in EXTRAS.values() for item in extra)]:
        requirement = Requirement(each)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), each
