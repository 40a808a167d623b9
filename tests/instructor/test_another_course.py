"""A course of another subject, in French and German, in a folder of its own: all commands serve it."""

from __future__ import annotations

import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.instructor.demo import answer
from autograder.instructor.settings import load_course
from autograder.instructor.source import grade_id, is_student_cell, read_source, select_language
from tests.conftest import ROOT
from tests.instructor.conftest import usable_isolation

pytestmark = pytest.mark.slow
LAB = "lab1_sequences"
ANSWERS = {
    "ana": ("fr", "return torch.randn(n, 3, HIDDEN)"),
    "udo": ("de", "return torch.rand(n, 3, HIDDEN)"),
}


def course(folder: Path, *arguments: str, fails: bool = False) -> str:
    """Type `course …` in a folder."""
    command = [sys.executable, "-m", "autograder.instructor.cli", *arguments]
    path = os.pathsep.join([str(folder), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert (result.returncode != 0) == fails, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, built; it is on the path, with metadata, and not installed."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(Path(__file__).parent / "rnncourse", folder, dirs_exist_ok=True)
    # Its family of checks is found by its metadata, which lie beside the package as in a checkout.
    metadata = [sys.executable, "-c", "from setuptools import setup; setup()", "--quiet", "egg_info"]
    subprocess.run(metadata, cwd=folder, check=True, capture_output=True)
    course(folder, "build")
    return folder


def release(folder: Path, language: str, lab: str = LAB) -> NotebookNode:
    return nbformat.read(folder / "release" / language / lab / f"{lab}.ipynb", as_version=4)


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(c for c in notebook.cells if grade_id(c) == name)


def test_the_build_writes_into_the_courses_own_package_and_makes_no_other(built: Path) -> None:
    assert (built / "rnncourse" / "keys" / f"{LAB}.json").is_file()
    assert not (built / "autograder").exists() and not (built / "course").exists()


@pytest.mark.parametrize(
    ("language", "title", "docstring"),
    [("fr", "# Des suites", "Des suites normales"), ("de", "# Folgen", "Normalverteilte Folgen")],
)
def test_each_release_is_in_one_language_with_english_stubs(
    built: Path, language: str, title: str, docstring: str
) -> None:
    notebook = release(built, language)
    assert [c.source for c in notebook.cells if c.cell_type == "markdown"] == [title]
    source = cell(notebook, "sequences").source
    assert f'"""{docstring}' in source and source.count('"""') == 2
    assert "# WRITE YOUR CODE HERE" in source


def test_a_hint_is_sealed_in_the_languages_of_the_course(built: Path) -> None:
    key = json.loads((built / "rnncourse" / "keys" / f"{LAB}.json").read_text())
    assert [set(hint) for hint in key["hints"]] == [{"fr", "de"}]


def test_what_students_get_holds_the_courses_wheel_and_the_librarys(built: Path) -> None:
    course(built, "bundle")
    with zipfile.ZipFile(built / "build" / "release" / f"{LAB}-de.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
        wheel = zipfile.ZipFile(io.BytesIO(archive.read(f"{LAB}/rnn_course-1.0-py3-none-any.whl")))
        first = json.loads(archive.read(f"{LAB}/{LAB}.ipynb"))["cells"][0]
    assert {f"{LAB}.ipynb", "README.md", "rnn_course-1.0-py3-none-any.whl"} < names
    assert any(name.startswith("gan_course-") for name in names)
    assert {name.split("/")[0] for name in wheel.namelist()} == {"rnncourse", "rnn_course-1.0.dist-info"}
    assert "rnncourse/checks/recurrent.toml" in wheel.namelist()
    code = "".join(first["source"])
    assert "rnn_course-*.whl" in code and "import rnncourse" in code


def test_a_class_is_graded_and_a_hint_comes_in_the_language_of_the_notebook(built: Path) -> None:
    for student, (language, code) in ANSWERS.items():
        notebook = release(built, language)
        cell(notebook, "sequences").source = f"def sequences(n):\n    {code}"
        path = built / "submitted" / student / LAB / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    course(built, "grade", LAB, "--isolation", usable_isolation(), "--workers", "1")
    with Gradebook(f"sqlite:///{built / 'gradebook.db'}") as gradebook:
        marks = {s.student.id: s.score for s in gradebook.assignment_submissions(LAB)}
    assert marks == {"ana": 4.0, "udo": 0.0}
    marked = nbformat.read(built / "autograded" / "udo" / LAB / f"{LAB}.ipynb", as_version=4)
    assert "Die Folgen sind normalverteilt" in str(cell(marked, "sequences_check").outputs)


def test_a_build_notices_that_the_solution_and_what_it_imports_no_longer_agree(
    built: Path, tmp_path: Path
) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    (tmp_path / "rnncourse" / "sizes.py").write_text("HIDDEN = 6\n")
    assert "sequences.values: The shape is (14, 3, 6)" in " ".join(
        course(tmp_path, "build", fails=True).split()
    )


def test_a_module_that_is_missing_is_named_and_nobody_gets_a_mark(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    (tmp_path / "rnncourse" / "sizes.py").unlink()
    path = tmp_path / "submitted" / "eva" / LAB / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(release(built, "fr"), path)
    for command in (["build"], ["grade", LAB, "--isolation", usable_isolation(), "--workers", "1"]):
        said = course(tmp_path, *command, fails=True)
        assert "No module named 'rnncourse.sizes'" in " ".join(said.split())
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        assert "eva" not in {s.student.id for s in gradebook.assignment_submissions(LAB)}


# --- checks of its own -------------------------------------------------------------------------------

READER = "lab2_reader"
AVERAGE = """class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4, padding_idx=0)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.output = nn.Linear(5, 1)

    def forward(self, ids):
        return self.output(self.lstm(self.embedding(ids))[0].mean(dim=1))
"""


def test_wrong_answers_about_padded_sequences_are_refused_and_equivalent_ones_accepted(built: Path) -> None:
    said = course(built, "audit", READER)
    assert re.search(r"lab2_reader(\s*│\s*2/2){4}", said), said


def solved(folder: Path, language: str, lab: str) -> NotebookNode:
    """Return the notebook of somebody who knows all answers."""
    notebook = release(folder, language, lab)
    source = select_language(read_source(load_course(folder).source(lab)), language, ["fr", "de"])
    answers = {str(grade_id(c)): c.source for c in source.cells if is_student_cell(c)}
    return answer(notebook, answers)


def test_what_its_own_check_says_reaches_a_student_in_the_language_of_the_notebook(built: Path) -> None:
    submissions = {
        "kim": solved(built, "de", READER),
        "lea": answer(solved(built, "fr", READER), {"reader": AVERAGE}),
    }
    for student, notebook in submissions.items():
        path = built / "submitted" / student / READER / f"{READER}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    course(built, "grade", READER, "--isolation", usable_isolation(), "--workers", "1")
    with Gradebook(f"sqlite:///{built / 'gradebook.db'}") as gradebook:
        marks = {s.student.id: s.score for s in gradebook.assignment_submissions(READER)}
    assert marks == {"kim": 10.0, "lea": 4.0}
    marked = nbformat.read(built / "autograded" / "lea" / READER / f"{READER}.ipynb", as_version=4)
    assert "prends l'état du dernier mot" in html.unescape(str(cell(marked, "reader_check").outputs))
