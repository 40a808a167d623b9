"""Packages import what stands below them, and only libraries that pyproject.toml declares and pins."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
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
    files = [path for path in (ROOT / folder).rglob("*.py") if left_out.isdisjoint([path, *path.parents])]
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


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph("autograder", "course", exclude_type_checking_imports=False, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    tuple(TopologicalSorter(imports).static_order())  # names the circle if there is one


def test_the_library_holds_no_word_of_this_course() -> None:
    words = re.compile(
        r"discriminator|critic\b|fade|(?-i:(?<!\.)\bgenerators?\b)(?! that was| of its own)|\bGAN\b",
        re.IGNORECASE,
    )
    # PyTorch calls a source of random numbers a generator, Python a function that yields.
    files = [p for kind in ("py", "toml") for p in (ROOT / "autograder").rglob(f"*.{kind}")]
    found = {
        str(path.relative_to(ROOT)): line.strip()
        for path in files
        # A new course is told what pip calls the library today.
        if not {"replay", "new", "jhwutils"} & set(path.parts)
        for line in path.read_text(encoding="utf-8").splitlines()
        if words.search(line)
    }
    assert found == {}


def test_the_library_works_where_the_course_is_not_installed(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['course'] = None\n"
        "import importlib.metadata as metadata\n"
        "import autograder.checks.family as family\n"
        "family.entry_points = lambda group: metadata.EntryPoints()\n"
        "from autograder import open_lab\n"
        "from autograder.judge import record\n"
        "with record(1) as recording:\n"
        "    lab = open_lab('any')\n"
        "    with lab.marks('sum', points=1) as checks:\n"
        "        checks.scalars('sum.value', sum, [([number, 2],) for number in range(4)], points=1)\n"
        "print(recording.observations['sum.value'].values)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "(2.0, 3.0, 4.0, 5.0)\n", done.stderr


def test_what_students_use_imports_nothing_of_the_instructors() -> None:
    ours = imported("autograder", "autograder/instructor") | imported("course", "course/authoring")
    assert [module for module in ours if module.startswith("autograder.instructor")] == []


@pytest.mark.parametrize("module", ["cli", "doctor"])
def test_help_a_mistyped_command_and_the_doctors_first_lines_import_little(module: str) -> None:
    code = (
        f"import sys, autograder.instructor.{module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {
        "torch",
        "nbgrader",
        "nbconvert",
        "jupytext",
        "matplotlib",
        "scipy",
        "libcst",
        "sqlalchemy",
        "dask",
    }
    assert slow.isdisjoint(done.stdout.split())
    assert len(done.stdout.split()) < 200


# --- libraries --------------------------------------------------------------------------------------


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


STUDENT = names(PROJECT["dependencies"])
INSTRUCTOR = STUDENT | names(EXTRAS["instructor"])
CONTRIBUTOR = INSTRUCTOR | names(EXTRAS["dev"]) | names(EXTRAS["postgresql"])


@pytest.mark.parametrize(
    ("folder", "without", "declared"),
    [
        (
            "autograder",
            (
                "autograder/execution",
                "autograder/instructor",
                "autograder/rerun",
                "autograder/typing_plugin.py",
            ),
            STUDENT,
        ),
        ("autograder/execution", (), STUDENT | names(EXTRAS["check"])),
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
    files = [ROOT / name for name in ("requirements.txt", "requirements-site.txt")]
    lines = [line for file in files for line in file.read_text().splitlines()]
    pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    for each in [*PROJECT["dependencies"], *(item for extra in EXTRAS.values() for item in extra)]:
        requirement = Requirement(each)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), each
