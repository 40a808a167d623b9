"""Kernels see the packages that the lab's own cells import, and nothing else of a course's folder."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.instructor.forkserver.client import ForkServerError
from autograder.instructor.grade import work
from autograder.instructor.grade.work import try_kernel
from autograder.instructor.kernels import warm
from autograder.instructor.kernels.execution import run_notebook
from autograder.instructor.kernels.packages import import_path, visible_metadata, visible_packages
from autograder.instructor.kernels.sandbox import bubblewrap_command, sandbox
from autograder.instructor.limits import Limits
from tests.instructor.conftest import usable_isolation

LIMITS = Limits(cell_cpu_s=30, notebook_cpu_s=60)
ENTRY_POINTS = "[autograder.keys]\nrnn = rnncourse\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another course's folder, on the path and not in this environment."""
    (tmp_path / "rnncourse" / "keys").mkdir(parents=True)
    (tmp_path / "rnncourse" / "__init__.py").write_text("CELL = 'LSTM'\n")
    (tmp_path / "rnnhelpers.py").write_text("NUMBER = 7\n")
    (tmp_path / "rnn_course.egg-info").mkdir()
    (tmp_path / "rnn_course.egg-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "rnn_course.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: rnn-course\n")
    (tmp_path / "answers.toml").write_text("# the author's alone\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    yield tmp_path
    for name in ("rnncourse", "rnnhelpers"):
        sys.modules.pop(name, None)


def test_packages_of_the_course_and_modules_beside_them_are_visible(folder: Path) -> None:
    found = visible_packages(("rnncourse.data", "rnnhelpers", "torch", "math", "no_such_module"))
    assert {str(folder / "rnncourse"), str(folder / "rnnhelpers.py")} <= set(found)
    assert not [path for path in found if "torch" in path or "math" in path]


def test_a_package_that_an_entry_point_names_is_visible_without_being_imported(folder: Path) -> None:
    assert str(folder / "rnncourse") in visible_packages()


def test_what_this_process_has_loaded_from_another_checkout_is_not_what_kernels_see(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "rnnhelpers.py").write_text("NUMBER = 8\n")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(elsewhere)
        importlib.import_module("rnnhelpers")
    found = visible_packages(("rnnhelpers",))
    assert str(folder / "rnnhelpers.py") in found and str(elsewhere / "rnnhelpers.py") not in found


def test_bubblewrap_shows_packages_and_metadata_and_nothing_else_of_the_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    box = sandbox(str(tmp_path_factory.mktemp("k")), LIMITS, {}, modules=("rnncourse",))
    command = bubblewrap_command(box, ["true"], None, None)
    shown = {path for option, path in itertools.pairwise(command) if option == "--ro-bind"}
    ours = {Path(path).name for path in shown if Path(path).is_relative_to(folder)}
    assert ours == {"rnncourse", "rnn_course.egg-info"}
    assert str(folder) in box.environment["PYTHONPATH"].split(os.pathsep)


@pytest.fixture
def apart(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Metadata of the course apart from its package, as those of a checkout that a user installed."""
    home = tmp_path_factory.mktemp("site")
    (folder / "rnn_course.egg-info").rename(home / "rnn_course.egg-info")
    (home / "other.dist-info").mkdir()
    (home / "other.dist-info" / "entry_points.txt").write_text("[console_scripts]\nx = x:x\n")
    monkeypatch.syspath_prepend(home)
    return home


def test_metadata_apart_from_the_package_that_they_name_are_visible_and_those_of_others_are_not(
    folder: Path, apart: Path
) -> None:
    assert str(apart / "rnn_course.egg-info") in visible_metadata(("rnncourse",))
    assert not [path for path in visible_metadata() if "other" in path]
    assert {str(folder), str(apart)} <= set(import_path())


@pytest.mark.slow
def test_a_kernel_imports_the_course_finds_its_keys_and_not_its_bank(folder: Path) -> None:
    code = (
        "import rnncourse, rnnhelpers\nfrom pathlib import Path\n"
        "from importlib.metadata import entry_points\n"
        "named = [entry.value for entry in entry_points(group='autograder.keys')]\n"
        f"bank = Path({str(folder)!r}, 'answers.toml')\n"
        "print(rnncourse.CELL, rnnhelpers.NUMBER, 'rnncourse' in named, bank.exists())"
    )
    run = run_notebook(
        new_notebook(cells=[new_code_cell(code)]),
        isolation=usable_isolation(), limits=LIMITS, modules=("rnncourse", "rnnhelpers"),
    )  # fmt: skip
    assert run.notebook.cells[0].outputs == [
        nbformat.v4.new_output("stream", name="stdout", text="LSTM 7 True False\n")
    ]


# --- what cannot be imported is named before anything is graded -----------------------------------------


@pytest.mark.slow
def test_the_server_of_kernels_says_which_module_of_a_lab_it_cannot_import() -> None:
    with pytest.raises(
        ForkServerError, match=r"rnnmissing cannot be imported \(No module named 'rnnmissing'\)"
    ):
        warm.server_address("fork", ("rnnmissing",))


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["fork", "none"])
def test_the_first_kernel_says_which_module_of_a_lab_it_cannot_import(isolation: str) -> None:
    if isolation != usable_isolation():
        pytest.skip(f"--isolation {isolation} does not work here")
    address = warm.server_address(isolation, ())
    said = try_kernel(isolation, LIMITS, ("rnnmissing",), address)
    assert said is not None and "rnnmissing cannot be imported (No module named 'rnnmissing')" in said


@pytest.mark.slow
def test_the_first_kernel_says_which_checks_it_does_not_find(monkeypatch: pytest.MonkeyPatch) -> None:
    # To the grader they are there; the kernel looks for itself.
    named = EntryPoint("clusters", "mycourse.checks:FAMILY", "autograder.checks")
    monkeypatch.setattr(work, "entry_points", lambda group: [named])
    isolation = usable_isolation()
    said = try_kernel(isolation, LIMITS, (), warm.server_address(isolation, ()))
    assert said is not None and said.startswith(
        "The checks clusters are not found there: install the package"
    )


@pytest.mark.slow
def test_the_server_of_kernels_starts_also_from_a_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    server = warm.kernel_server(("json",), walled=False)
    try:
        server.wait()
        assert server.alive
    finally:
        server.close()
