"""`python -m autograder check` runs a notebook from a clean kernel and says what its marks are."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import compute_checksum

from autograder.__main__ import check as run_check
from autograder.display import MARKS_MIME
from autograder.instructor.settings import Course
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell
from autograder.rerun.marks import CheckMark, ShownMarks, shown_marks
from autograder.rerun.reading import is_unchanged, read_notebook
from autograder.rerun.texts import _TEXTS, RerunError
from tests.conftest import LAB1, ROOT

Edit = Callable[[NotebookNode], None]


def check(path: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder", "check", str(path), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=path.parent if path.parent.is_dir() else ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(c for c in notebook.cells if name in (grade_id(c), c.get("id")))


def wait_until(condition: Callable[[], bool], timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def solved(course: Course) -> NotebookNode:
    """The release, answered as in the solution: what a student hands in."""
    solution = nbformat.read(course.solution(LAB1), as_version=4)
    notebook = nbformat.read(course.release(LAB1, "es"), as_version=4)
    for theirs in notebook.cells:
        if is_student_cell(theirs):
            theirs.source = cell(solution, str(grade_id(theirs))).source
    return notebook


def short(notebook: NotebookNode) -> NotebookNode:
    """The first cells of a lab, up to its first marks: enough to see what happens when one goes wrong."""
    end = next(i for i, c in enumerate(notebook.cells) if grade_id(c) == "train_data_check")
    part = deepcopy(notebook)
    part.cells = part.cells[: end + 1]
    return part


@pytest.fixture
def write(tmp_path: Path) -> Callable[[NotebookNode], Path]:
    def written(notebook: NotebookNode) -> Path:
        path = tmp_path / f"{LAB1}.ipynb"
        nbformat.write(notebook, path)
        return path

    return written


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    def state() -> dict[str, str]:
        return {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*.*")
        }

    before = state()
    yield
    assert state() == before


# --- a notebook that runs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def complete(
    solved: NotebookNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("complete")
    notebook = deepcopy(solved)
    cell(notebook, "plot-real").source += (
        "\nimport helper\nfrom pathlib import Path\nassert helper.value == 3\n"
        "Path('data/numbers.txt').write_text('changed')\nPath('film.gif').unlink()"
    )
    path = folder / f"{LAB1}.ipynb"
    nbformat.write(notebook, path)
    (folder / "data").mkdir()
    for name in ("film.gif", "data/numbers.txt", "helper.py"):
        (folder / name).write_text("value = 3")
    with unchanged(folder):
        result = check(path)
    yield result


@pytest.mark.slow
def test_a_complete_notebook_gets_full_marks(complete: subprocess.CompletedProcess[str]) -> None:
    assert complete.returncode == 0, complete.stderr
    assert re.search(r"Total automático +70 / 70", complete.stdout), complete.stdout


@pytest.mark.slow
def test_every_check_is_listed_with_its_marks(complete: subprocess.CompletedProcess[str]) -> None:
    assert "✓ Gradientes anteriores (3 puntos): Correcto." in complete.stdout


@pytest.mark.slow
def test_open_questions_are_for_a_person_and_said_to_be_answered_or_not(
    complete: subprocess.CompletedProcess[str],
) -> None:
    assert "Pregunta 1 (8 puntos): respondida" in complete.stdout


@pytest.mark.slow
def test_who_hands_in_is_said(complete: subprocess.CompletedProcess[str]) -> None:
    assert "Entrega de 00000" in complete.stdout


@pytest.mark.slow
def test_what_lies_beside_the_notebook_is_within_reach_and_nothing_is_left_to_look_at(
    complete: subprocess.CompletedProcess[str],
) -> None:
    assert "Todas las celdas se ejecutaron sin errores." in complete.stdout
    assert complete.stderr == ""


@pytest.mark.slow
def test_a_blank_notebook_is_checked_in_its_language(course: Course, tmp_path: Path) -> None:
    release = nbformat.read(course.release(LAB1, "en"), as_version=4)
    path = tmp_path / "renamed.ipynb"
    notebook = short(release)
    notebook.cells += [new_code_cell("make_train_data(3)"), new_code_cell("def plot(:")]
    nbformat.write(notebook, path)
    result = check(path)
    assert result.returncode == 0, result.stderr
    assert "Angles (2 marks): There is no code here yet" in result.stdout
    assert "Question 1 (8 marks): the cell is missing" in result.stdout
    assert "(`make_train_data(3)`) uses code that is not written yet" in result.stdout
    assert "(`def plot(:`) stopped with SyntaxError: invalid syntax (line 1)" in result.stdout
    assert "The marks cell “5. The generator” is missing" in result.stdout


# --- cells that go wrong -----------------------------------------------------------------------------


@pytest.mark.slow
def test_one_run_names_errors_endless_loops_edited_checks_and_goes_on(
    solved: NotebookNode, write: Callable[[NotebookNode], Path]
) -> None:
    notebook = short(solved)
    cell(notebook, "plot-real").source = "1 / 0"
    cell(notebook, "plot-diagram").source = "while True: pass"
    cell(notebook, "identity_check").source += "\n10.0"
    result = check(write(notebook), "--time-limit", "20")
    assert result.returncode == 0, result.stderr
    assert "se detuvo con ZeroDivisionError: division by zero" in result.stdout
    assert "se interrumpió: tardó más de 20 s" in result.stdout
    assert "La celda de puntos «Quién entrega» fue cambiada" in result.stdout
    assert "✓ 3. Los datos de entrenamiento: 10 / 10 puntos" in result.stdout


@pytest.mark.slow
def test_a_kernel_that_dies_keeps_the_marks_before_it(
    solved: NotebookNode, write: Callable[[NotebookNode], Path]
) -> None:
    notebook = short(solved)
    cell(notebook, "train_data").source = "import os\nos._exit(1)"
    result = check(write(notebook))
    assert result.returncode == 0, result.stderr
    assert "✓ Quién entrega\n" in result.stdout and "Entrega de 00000" in result.stdout
    assert "El núcleo terminó de golpe en la celda «3. Los datos de entrenamiento»" in result.stdout
    assert "Sin ejecutar, porque el núcleo ya no estaba: «3. Los datos de entrenamiento»" in result.stdout


@pytest.mark.slow
def test_a_loop_that_cannot_be_interrupted_ends_the_run(
    solved: NotebookNode, write: Callable[[NotebookNode], Path]
) -> None:
    notebook = short(solved)
    deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    cell(notebook, "plot-real").source = deaf
    result = check(write(notebook), "--time-limit", "20")
    assert result.returncode == 0, result.stderr
    assert "no se pudo interrumpir" in result.stdout


@pytest.mark.slow
def test_a_notebook_without_inner_data_is_checked_all_the_same(
    solved: NotebookNode, write: Callable[[NotebookNode], Path]
) -> None:
    notebook = short(solved)
    notebook.metadata = NotebookNode()
    for each in notebook.cells:
        each.metadata = NotebookNode()
    result = check(write(notebook))
    assert "✓ 3. Los datos de entrenamiento: 10 / 10 puntos" in result.stdout
    assert "El cuaderno perdió sus datos internos" in result.stdout


@pytest.mark.slow
def test_whoever_stops_a_run_gets_no_report_and_leaves_no_kernel(
    solved: NotebookNode, write: Callable[[NotebookNode], Path], tmp_path: Path
) -> None:
    notebook = short(solved)
    process = tmp_path / "process"
    cell(notebook, "plot-real").source = (
        f"import os\nfrom pathlib import Path\nPath({str(process)!r}).write_text(str(os.getpid()))\n"
        "while True: pass"
    )
    command = [sys.executable, "-m", "autograder", "check", str(write(notebook))]
    running = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    wait_until(lambda: process.exists() and process.read_text() != "")
    running.send_signal(signal.SIGINT)
    printed, _ = running.communicate(timeout=60)
    assert running.returncode == 130 and "Total" not in printed
    wait_until(lambda: not psutil.pid_exists(int(process.read_text())))


# --- marks, read as data -------------------------------------------------------------------------------

CHECK = {"name": "a.b", "points": 2.0, "passed": True, "message": "ok"}
MARKS = {
    "format": 1,
    "block": "a",
    "score": 2.0,
    "points": 2,
    "language": "en",
    "students": ["00000"],
    "checks": [CHECK],
}


def displayed(data: Any, text: Any = "✓ a: 2 / 2") -> NotebookNode:
    return new_output("display_data", data={MARKS_MIME: data, "text/plain": text, "text/html": "<b>2</b>"})


def test_what_a_check_cell_shows_is_read_as_it_was_given() -> None:
    marks = shown_marks(new_code_cell(outputs=[displayed(MARKS)]), "a")
    assert marks == ShownMarks(
        "a", 2.0, 2.0, "en", ("00000",), (CheckMark("a.b", 2.0, True, "ok"),), "✓ a: 2 / 2"
    )


@pytest.mark.parametrize(
    "data",
    [
        None, 3, [], "x", {}, {**MARKS, "format": 2}, {**MARKS, "format": None}, {**MARKS, "block": 3},
        {**MARKS, "score": "2"}, {**MARKS, "score": True}, {**MARKS, "score": float("nan")},
        {**MARKS, "score": float("inf")}, {**MARKS, "score": -1}, {**MARKS, "points": 10**400},
        {**MARKS, "language": None}, {**MARKS, "students": "00000"}, {**MARKS, "students": [3]},
        {**MARKS, "checks": {}}, {**MARKS, "checks": [3]}, {**MARKS, "checks": [{}]},
        {**MARKS, "checks": [{**CHECK, "passed": "yes"}]}, {**MARKS, "checks": [{**CHECK, "points": None}]},
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_marks_is_none(data: Any) -> None:
    assert shown_marks(new_code_cell(outputs=[displayed(data)]), "a") is None


def test_marks_of_another_block_and_lines_that_only_look_like_marks_are_none() -> None:
    line = "✓ a: 2 / 2 marks\n  ✓ a.b [2]: ok"
    others = [
        displayed({**MARKS, "block": "b"}),
        displayed(MARKS, text=["✓ a"]),
        new_output("display_data", data={"text/plain": line}),
        new_output("stream", name="stdout", text=line),
        new_output("error", ename="E", evalue="e", traceback=[]),
    ]
    assert shown_marks(new_code_cell(outputs=others), "a") is None


def test_the_last_marks_of_a_cell_count() -> None:
    outputs = [displayed(MARKS), displayed({**MARKS, "score": 1.0}), displayed({})]
    marks = shown_marks(new_code_cell(outputs=outputs), "a")
    assert marks is not None and marks.score == 1.0


# --- files that are no notebook of a lab --------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "está vacío"),
        (b"{not json", "no es JSON \\(línea 1\\)"),
        (b'{"cells": []}', "no es un cuaderno de Jupyter"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "no es un cuaderno de Jupyter"),
        (b"[" * 100_000, "no es JSON"),
        (b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "ninguna celda con open_lab"),
    ],
)
def test_a_file_that_is_no_notebook_is_described(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(RerunError, match=message):
        read_notebook(path)


def test_a_time_limit_that_no_cell_could_keep_is_refused(tmp_path: Path) -> None:
    for limit in (0.0, -5.0, float("nan")):
        with pytest.raises(RerunError, match="--time-limit debe ser al menos 1"):
            run_check(tmp_path / "x.ipynb", time_limit=limit)


def test_a_missing_file_and_a_folder_are_described(tmp_path: Path) -> None:
    with pytest.raises(RerunError, match="No existe el archivo"):
        read_notebook(tmp_path / "x.ipynb")
    with pytest.raises(RerunError, match="es una carpeta"):
        read_notebook(tmp_path)


def test_the_notebook_of_an_unknown_lab_is_described(tmp_path: Path, solved: NotebookNode) -> None:
    text = nbformat.writes(solved).replace(f'open_lab(\\"{LAB1}\\"', 'open_lab(\\"lab9\\"')
    (tmp_path / "x.ipynb").write_text(text, encoding="utf-8")
    with pytest.raises(RerunError, match=r"laboratorio lab9, que esta instalación no conoce. Conoce: lab1"):
        read_notebook(tmp_path / "x.ipynb")


def test_the_command_says_it_in_one_line_and_fails(tmp_path: Path) -> None:
    result = check(tmp_path / "x.ipynb", COURSE_LANGUAGE="en")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("There is no file") and len(result.stderr.splitlines()) == 1


def test_a_missing_package_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'nbclient' else find(name, *rest)\n"
    )
    result = check(tmp_path / "x.ipynb", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert result.returncode == 1
    assert "Falta nbclient. Instálalo con:" in result.stderr and "-m pip install nbclient" in result.stderr


# --- what it rests on ----------------------------------------------------------------------------------


def test_a_cell_is_unchanged_exactly_when_nbgrader_says_so(course: Course, lab: str) -> None:
    for each in nbformat.read(course.release(lab, "es"), as_version=4).cells:
        if grade_id(each):
            assert is_unchanged(each) is (compute_checksum(each) == each.metadata.nbgrader.checksum) is True
            each.source += " "
            assert is_unchanged(each) is False


def test_every_check_cell_of_a_release_is_found(course: Course, lab: str) -> None:
    notebook = read_notebook(course.release(lab, "en"))
    checks = [f"{name}_check" for name in notebook.blocks().values()]
    assert checks == [grade_id(c) for c in notebook.content.cells if is_check_cell(c)]
    assert (notebook.lab, notebook.language) == (lab, "en")


def test_every_text_is_there_in_both_languages() -> None:
    assert all(set(texts) == {"es", "en"} for texts in _TEXTS.values())
