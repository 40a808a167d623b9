"""`course new --course`: a whole course of one's own, whose commands, tests and grading work at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.instructor.errors import CourseError
from autograder.instructor.kernels import isolation
from autograder.instructor.new import CourseOptions, new_course
from autograder.instructor.settings import load_course
from autograder.instructor.source import grade_id
from tests.conftest import ROOT

LAB = "lab1_regression"
# Of these, only the last two are not in the bank: what they get is the family's own message.
ANSWERS = {
    "ana": "w = torch.linalg.lstsq(x, y[:, None]).solution\n    return w[:, 0]",
    "eva": "return torch.linalg.pinv(x) @ y",
    "luis": "return torch.linalg.solve(x.T @ x + torch.eye(x.shape[1]), x.T @ y)",
    "sol": "return torch.linalg.solve(x.T @ x + 0.5 * torch.eye(x.shape[1]), x.T @ y)",
    "juan": "return y[: x.shape[1]]",
}


# --- what is written ---------------------------------------------------------------------------------


def made(folder: Path, **options: object) -> Path:
    new_course(folder, CourseOptions(**options))  # type: ignore[arg-type]
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return what all files hold, without what Python and nbgrader write of themselves."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".pyc", ".log"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_course_names_its_package_after_its_folder_and_speaks_english(tmp_path: Path) -> None:
    course = load_course(made(tmp_path / "My-Course"))
    assert (course.packages, course.languages, course.language) == (("my_course",), ("en",), "en")
    assert course.titles(LAB) == {"en": "Least squares"}


def test_a_course_has_the_languages_that_it_is_given_in_their_order(tmp_path: Path) -> None:
    course = load_course(made(tmp_path / "c", package="redes", language="es", languages=("fr", "es")))
    assert (course.languages, course.language) == (("fr", "es"), "es")
    assert {path.name for path in course.source(LAB).parent.glob("notes.*")} == {"notes.fr.md", "notes.es.md"}


def test_what_is_written_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    texts = contents(made(tmp_path / "a" / "course_of_mine")).values()
    assert not [
        line
        for text in texts
        for line in text.splitlines()
        if re.search(r"(?<![.\w~])/(tmp|home|root)/", line)
    ]


def test_a_checkout_that_is_given_is_named_as_it_was_given(tmp_path: Path) -> None:
    folder = made(tmp_path / "mine", library=str(ROOT))
    assert f"COURSE_LIBRARY ?= -e {ROOT}[instructor]\n" in (folder / "Makefile").read_text()


def test_an_address_is_handed_to_pip_as_it_is(tmp_path: Path) -> None:
    folder = made(tmp_path / "mine", library="git+https://git.example/kit@v1")
    assert "?= gan-course[instructor] @ git+https://git.example/kit@v1\n" in (folder / "Makefile").read_text()


def test_no_template_is_left_unfilled(tmp_path: Path) -> None:
    for name, text in contents(made(tmp_path / "mine", languages=("en", "es"))).items():
        assert "{%" not in text and text.endswith("\n") and not text.endswith("\n\n"), name


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"package": "torch"}, "Python finds another package called 'torch' here"),
        ({"package": "class"}, "'class' is no name for a package"),
        ({"package": "tests"}, "A course has a folder tests/ for something else"),
        ({"language": "English"}, "'English' is no code of a language"),
        ({"language": "es", "languages": ("en", "fr")}, "--language es must be one of --languages en,fr"),
        ({"languages": ("en", "en")}, "names one twice"),
        ({"library": "nowhere"}, "no checkout of the library is there"),
        ({"library": "://nowhere"}, "no checkout of the library is there"),
        ({"library": "no/where://there"}, "no checkout of the library is there"),
        ({"library": "git+https://git.example/a kit"}, "no spaces"),
    ],
)
def test_an_option_that_cannot_be_used_is_described_and_nothing_is_made(
    tmp_path: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(CourseError, match=re.escape(said)):
        made(tmp_path / "above" / "mine", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all my work")
    with pytest.raises(CourseError, match="is there already"):
        made(tmp_path / "mine")
    assert contents(tmp_path) == {"mine/thesis.txt": "all my work"}


def test_a_folder_that_is_there_is_named_also_where_python_takes_it_for_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "statkit" / "notes").mkdir(parents=True)
    with pytest.raises(CourseError, match="statkit is there already"):
        made(Path("statkit"))


# --- what works at once ------------------------------------------------------------------------------


def installed(folder: Path, target: Path) -> dict[str, str]:
    """Install a course beside the library, without a network; return the environment that finds both.

    As after `make setup`, `course` and `pytest` are programs there; the former is this checkout's.
    """
    copy = target / "source"
    shutil.copytree(folder, copy)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, f"--target={target / 'site'}", str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    script = target / "bin" / "course"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m autograder.instructor.cli "$@"\n')
    script.chmod(0o755)
    programs = os.pathsep.join([str(script.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    path = os.pathsep.join([str(target / "site"), str(ROOT)])
    return {**os.environ, "PATH": programs, "PYTHONPATH": path, "COLUMNS": "200"}


class Lecturer:
    """Somebody who types commands in the folder of a new course."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def types(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, timeout=900,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def course(self, *arguments: str) -> str:
        return self.types(sys.executable, "-m", "autograder.instructor.cli", *arguments)


@pytest.fixture(scope="module")
def lecturer(tmp_path_factory: pytest.TempPathFactory) -> Lecturer:
    """A new course, installed, and nothing built."""
    above = tmp_path_factory.mktemp("courses")
    first = Lecturer(above, {**os.environ, "PYTHONPATH": str(ROOT)})
    first.course("new", "--course", "statistics-labs", "--languages", "en,es")
    folder = above / "statistics-labs"
    return Lecturer(folder, installed(folder, above / "installed"))


@pytest.mark.slow
def test_make_test_and_make_demo_pass_at_once(lecturer: Lecturer) -> None:
    # The environment is this one: `setup` would download it.
    assert "passed" in lecturer.types("make", "-o", "setup", "test")
    lecturer.types("make", "-o", "setup", "demo")
    assert (lecturer.folder / "build" / "demo" / LAB / "report.html").is_file()


@pytest.mark.slow
def test_a_lab_is_added_built_audited_and_taken_back(lecturer: Lecturer) -> None:
    before = snapshot(lecturer.folder)
    lecturer.course("new", "lab2_mine", "--title-en", "Mine", "--title-es=Mío")
    lecturer.course("build", "lab2_mine")
    said = lecturer.course("audit", "lab2_mine")
    assert re.search(r"lab2_mine(\s*│\s*2/2){3}\s*│\s*1/1", said), said
    lecturer.course("new", "lab2_mine", "--remove")
    assert snapshot(lecturer.folder) == before


@pytest.fixture(scope="module")
def built(lecturer: Lecturer) -> Lecturer:
    lecturer.course("build")
    return lecturer


def with_answer(notebook: NotebookNode, code: str) -> NotebookNode:
    for cell in notebook.cells:
        if grade_id(cell) == "fit":
            cell.source = f"def fit(x, y):\n    {code}"
    return notebook


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fork", "bwrap"])
def test_a_class_is_graded_and_told_what_the_courses_own_check_says(
    built: Lecturer, kind: str, tmp_path: Path
) -> None:
    if problem := isolation.examine(kind).problem:
        pytest.skip(problem)
    built.course("release", LAB, "--folder", str(tmp_path))
    for student, code in ANSWERS.items():
        path = tmp_path / "submitted" / student / LAB / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True)
        release = nbformat.read(built.folder / "release" / "en" / LAB / f"{LAB}.ipynb", as_version=4)
        nbformat.write(with_answer(release, code), path)
    built.course("grade", LAB, "--isolation", kind, "--workers", "1", "--folder", str(tmp_path))
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        marks = {s.student.id: s.score for s in gradebook.assignment_submissions(LAB)}
    assert marks == {"ana": 8.0, "eva": 8.0, "luis": 0.0, "sol": 0.0, "juan": 0.0}
    said = {
        name: str(nbformat.read(tmp_path / "autograded" / name / LAB / f"{LAB}.ipynb", 4)) for name in marks
    }
    assert "That is ridge regression" in said["luis"]
    assert "the residuals are correlated with feature" in said["sol"]
    built.course("report", LAB, "--folder", str(tmp_path))
    report = (tmp_path / "report" / f"{LAB}.json").read_text(encoding="utf-8")
    assert "residuals_correlated" in report and "That is ridge regression" in report
    where = f"--CourseDirectory.root={tmp_path}"
    built.types(sys.executable, "-m", "nbgrader", "generate_feedback", LAB, where)
    page = (tmp_path / "feedback" / "sol" / LAB / f"{LAB}.html").read_text(encoding="utf-8")
    assert "the residuals are correlated with feature" in page


@pytest.mark.slow
def test_a_student_gets_the_courses_wheel_with_its_checks_and_texts(built: Lecturer) -> None:
    built.course("bundle", LAB)
    zipped = built.folder / "build" / "release" / f"{LAB}-en.zip"
    shutil.unpack_archive(zipped, built.folder / "build" / "unpacked")
    (wheel,) = (built.folder / "build" / "unpacked" / LAB).glob("statistics_labs-*.whl")
    shutil.unpack_archive(wheel, built.folder / "build" / "wheel", "zip")
    names = {path.name for path in (built.folder / "build" / "wheel").rglob("*") if path.is_file()}
    assert {"regression.py", "regression.toml", f"{LAB}.json", "entry_points.txt"} < names


@pytest.mark.slow
def test_mypy_knows_the_courses_own_checks_as_it_is_installed_for_editing(tmp_path: Path) -> None:
    """As `make setup` installs them, the library is a checkout, and both are found by mypy."""
    folder = made(tmp_path / "labs", package="labkit")
    library = tmp_path / "library"
    for name in ("autograder", "course", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        library.mkdir(exist_ok=True)
        copy(ROOT / name, library / name)
    venv.create(tmp_path / "venv", with_pip=False)
    python = str(tmp_path / "venv" / "bin" / "python")
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed"]
    for each in (library, folder):
        command = [python, "-m", "pip", "install", *options, "--editable", "."]
        subprocess.run(command, cwd=each, env=clean, check=True, capture_output=True)
    (folder / "labkit" / "cell.py").write_text(
        "from autograder import open_lab\n\nwith open_lab('lab1').marks('fit', points=1) as checks:\n"
        "    checks.least_squares('a', print, features=3, points=1)\n    checks.least_sqares('a')\n"
    )
    done = subprocess.run(
        [python, "-m", "mypy"], cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    errors = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1 and 'cell.py:5: error: "Block" has no attribute "least_sqares"' in errors[0], (
        done.stdout + done.stderr
    )
