"""Families of checks that packages bring by an entry point, and what is said when one cannot be used."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.block import Block
from autograder.catalogue import CatalogueError
from autograder.checks.base import Checks
from autograder.checks.family import FamilyError, compose, installed_families
from autograder.checks.supplied import Supplies
from autograder.errors import UnknownCheckError
from autograder.judge import record
from autograder.messages import add_texts
from autograder.session import Lab, open_lab
from tests.conftest import ROOT

FAMILY = '''
from autograder.checks.base import Checks
from autograder.checks.calling import call
from autograder.checks.family import Family
from autograder.checks.supplied import Supplied, Supplies
from autograder.checks.tensors import require_scalar
from autograder.messages import Message, add_texts

TEXTS = add_texts("brought", "doubled")

class Answer(Supplied):
    def build(self, running):
        return 21

class DoublingChecks(Checks):
    """Checks of doubling."""
    def doubled(self, name, function, number, *, points):
        """Check a doubled number."""
        def compute(running):
            return [require_scalar(call(function, (number,), running))]
        return self.run_numbers(name, points, compute, lambda: Message("not_doubled"))

class DoublingSupplies(Supplies):
    """Numbers."""
    def supplied_half(self):
        """Return half of the answer."""
        return Answer()

FAMILY = Family(DoublingChecks, DoublingSupplies)
'''
USE = """
from autograder import open_lab
from autograder.judge import record
with record(3) as recording:
    lab = open_lab("any", language="en")
    with lab.marks("twice", points=1) as checks:
        checks.doubled("twice.value", lambda number: 2 * number, lab.supplied_half(), points=1)
print(recording.observations["twice.value"].values, hasattr(checks, "gan_step"))
"""
# Of the library's own checks.
OTHER_USE = """
from autograder import open_lab
from autograder.judge import record
with record(3) as recording:
    lab = open_lab("any", language="en")
    with lab.marks("sum", points=1) as checks:
        checks.text("sum.word", "Right", points=1)
print(recording.observations["sum.word"].text)
"""


def bring(folder: Path, entry: str, **files: str) -> None:
    """Put a package with an entry point into a folder, as an installation leaves it."""
    for name, text in files.items():
        path = folder / "brought" / name.replace("__dot__", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "brought" / "__init__.py").write_text("")
    data = folder / "brought-1.0.dist-info"
    data.mkdir()
    (data / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    (data / "entry_points.txt").write_text(f"[autograder.checks]\ndoubling = {entry}\n")


def use(folder: Path, code: str = USE) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(folder), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


TEXTS = '[not_doubled]\nes = "no es el doble."\nen = "that is not twice the number."\n'


def test_an_installed_package_brings_checks_supplied_things_and_texts(tmp_path: Path) -> None:
    bring(tmp_path, "brought.doubling:FAMILY", doubling__dot__py=FAMILY, doubled__dot__toml=TEXTS)
    done = use(tmp_path)
    assert done.stdout == "(42.0,) True\n", done.stderr


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("brought.nothing:FAMILY", "The checks 'doubling' (brought.nothing:FAMILY) cannot be imported"),
        ("brought.doubling:OTHER", "cannot be imported: module 'brought.doubling' has no attribute 'OTHER'"),
        ("brought.doubling:TEXTS", "are a mappingproxy, no Family"),
    ],
)
def test_a_family_that_cannot_be_used_is_named(tmp_path: Path, entry: str, said: str) -> None:
    bring(tmp_path, entry, doubling__dot__py=FAMILY, doubled__dot__toml=TEXTS)
    assert said in use(tmp_path).stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (FAMILY + "def f(:\n", "brought/doubling.py, line 30: SyntaxError: invalid syntax. Mend that file."),
        (FAMILY + "from brought.help import x\n", "line 30: ModuleNotFoundError: No module named 'brought.h"),
        ("import no_such_library\n", "No module named 'no_such_library'. Install no_such_library, or mend"),
        ("x = 1 / 0\n", "brought/doubling.py, line 1: ZeroDivisionError: division by zero. Mend that file."),
    ],
)  # fmt: skip
def test_a_family_that_fails_is_told_with_its_file_and_line_and_stops_only_who_needs_it(
    tmp_path: Path, code: str, said: str
) -> None:
    bring(tmp_path, "brought.doubling:FAMILY", doubling__dot__py=code, doubled__dot__toml=TEXTS)
    assert said in use(tmp_path).stderr
    done = use(tmp_path, OTHER_USE)
    assert done.stdout == "right\n", done.stderr


def test_a_text_with_the_key_of_another_is_refused(tmp_path: Path) -> None:
    taken = TEXTS + '[wrong_scalar]\nes = "otro"\nen = "another"\n'
    bring(tmp_path, "brought.doubling:FAMILY", doubling__dot__py=FAMILY, doubled__dot__toml=taken)
    assert (
        "[wrong_scalar] in doubled.toml of brought is the key of another text already" in use(tmp_path).stderr
    )


def test_a_text_without_a_language_is_named(tmp_path: Path) -> None:
    lacking = TEXTS + '[half]\nen = "half"\n'
    bring(tmp_path, "brought.doubling:FAMILY", doubling__dot__py=FAMILY, doubled__dot__toml=lacking)
    assert "doubled.toml, [half]: write it in es too" in use(tmp_path).stderr


def test_two_families_with_one_method_are_refused() -> None:
    class First(Checks):
        def shared(self) -> None: ...

    class Second(Checks):
        def shared(self) -> None: ...

    with pytest.raises(FamilyError, match=r"Two families of checks have 'shared': .*First and .*Second"):
        compose(Block, [First, Second])


def test_a_family_cannot_take_the_name_of_a_check_of_the_library() -> None:
    class Bold(Checks):
        def scalars(self) -> None: ...

    with pytest.raises(FamilyError, match="'scalars'"):
        compose(Block, [Bold])


def test_this_course_brings_its_own_families() -> None:
    names = {family.checks.__module__.split(".")[0] for family in installed_families()}
    assert "course" in names
    assert all(issubclass(family.supplies, Supplies) for family in installed_families() if family.supplies)


def test_a_check_that_no_package_brings_is_described() -> None:
    with record(1):
        lab = open_lab("any", language="en")
    assert isinstance(lab, Lab)
    said = "there is no check 'scalrs' here. Did you mean 'scalars'.*install the course's package again"
    with pytest.raises(UnknownCheckError, match=said), lab.marks("block", points=1) as block:
        block.scalrs()  # type: ignore[attr-defined]


def test_what_only_a_students_function_does_wrong_is_no_misuse_of_a_check() -> None:
    def two(a: int, b: int) -> int:
        return a + b

    with record(1):
        lab = open_lab("any", language="en")
    with lab.marks("block", points=1) as block:
        two(1)  # type: ignore[call-arg]
    assert block.results[0].message.key == "raised"


def test_texts_of_a_missing_file_are_described() -> None:
    with pytest.raises(CatalogueError, match="nothing"):
        add_texts("autograder.checks", "nothing")


# --- one place calls a student's code ---------------------------------------------------------------

# Names by which families hold what a student wrote.
_STUDENTS = {"function", "factory", "save", "load", "_function", "_factory"}
# Modules in which these names are not a student's code.
_OTHERS = {"calling.py"}


def direct_calls(path: Path) -> list[str]:
    """Return where a file calls a student's function itself."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            owner = getattr(getattr(node.func, "value", None), "id", "self")
            if name in _STUDENTS and owner == "self":
                found.append(f"{path.name}:{node.lineno} {name}(…)")
    return found


@pytest.mark.parametrize("folder", ["autograder/checks", "course/checks"])
def test_only_one_module_calls_what_a_student_wrote(folder: str) -> None:
    files = [path for path in (ROOT / folder).glob("*.py") if path.name not in _OTHERS]
    assert files and [call for path in files for call in direct_calls(path)] == []
