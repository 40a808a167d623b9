"""Build all that is generated: answer keys, releases in every language, executed solutions."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.instructor.claims.cells import read_claims, without_claims
from autograder.instructor.demands_page import write_demands
from autograder.instructor.environment import environment, path_with_programs
from autograder.instructor.families import require_texts
from autograder.instructor.keys import build_key
from autograder.instructor.presence import present
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.solution import execute_solution, require_claims
from autograder.instructor.source import (
    code_cells,
    read_source,
    require_languages,
    write_notebook,
)
from autograder.opening import opening

Report = Callable[[str], None]


def build_lab(course: Course, lab: str, report: Report = lambda line: None) -> list[Path]:
    """Rebuild everything that is generated from one lab's source notebook.

    Args:
        course: the checkout.
        lab: the lab's id.
        report: called with a line before each part.

    Returns:
        The files written.

    Raises:
        CourseError: if the source is not as it must be, the reference fails its own checks, or the prose
            says of the outputs what is not so.
    """
    report(f"{lab}: source")
    settings = course.settings(course.require_lab(lab))
    course.require_packages()
    write_source(course, lab)
    read_claims(course, lab)
    files = []
    if "prepare" in settings:
        files += _preparation(course, lab, settings["prepare"])(course, lab, report)
    require_texts(course, lab)
    report(f"{lab}: answer key")
    files.append(build_key(course, lab))
    if course.demands(lab).exists():
        report(f"{lab}: demands")
        files.append(write_demands(course, lab))
    for language in course.languages:
        report(f"{lab}: release in {language}")
        files.append(build_release(course, lab, language))
    report(f"{lab}: solution")
    files.append(build_solution(course, lab))
    return files


def _preparation(course: Course, lab: str, name: str) -> Callable[[Course, str, Report], list[Path]]:
    """Return the function that prepares a lab.

    Raises:
        CourseError: if it cannot be imported.
    """
    try:
        with present(course):
            prepare: Callable[[Course, str, Report], list[Path]] = pkgutil.resolve_name(name)
    except Exception as error:  # importing runs what stands there
        raise CourseError(
            f"course.toml, [labs.{lab}]: prepare = {name!r} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from None
    return prepare


def write_source(course: Course, lab: str) -> Path:
    """Write the bilingual notebook that nbgrader reads, without claims: build/source/<lab>/<lab>.ipynb."""
    notebook = read_source(course.source(course.require_lab(lab)))
    require_languages(notebook, course.languages)
    _require_name(notebook, lab)
    notebook = without_claims(notebook)
    path = course.build / "source" / lab / f"{lab}.ipynb"
    write_notebook(notebook, path)
    return path


def _require_name(notebook: NotebookNode, lab: str) -> None:
    """Raise if a notebook opens another lab, whose answer key would then judge it.

    Raises:
        CourseError: naming the cell.
    """
    for cell in code_cells(notebook):
        opened = opening(cell.source)
        if opened and opened.lab != lab:
            raise CourseError(f"{lab}, cell {cell.id!r} opens {opened.lab!r}: write open_lab({lab!r}, …).")


def build_release(course: Course, lab: str, language: str) -> Path:
    """Write the notebook that students open, through nbgrader, without touching its gradebook."""
    others = [f"lang-{other}" for other in course.languages if other != language]
    with tempfile.TemporaryDirectory() as folder:
        options = [
            "--no-db",
            "--SaveCells.enabled=False",
            f"--CourseDirectory.release_directory={folder}",
            f"--SelectLanguage.language={language}",
            *(f"--TagRemovePreprocessor.remove_cell_tags={tag}" for tag in others),
        ]
        run_nbgrader(course, "generate_assignment", lab, "--force", *options)
        notebook = nbformat.read(Path(folder) / lab / f"{lab}.ipynb", as_version=4)
    path = course.release(lab, language)
    write_notebook(notebook, path)
    return path


def build_solution(course: Course, lab: str) -> Path:
    """Write and execute the solution notebook, in the course's first language, and hold its claims.

    Raises:
        CourseError: if the solution stops or lacks marks, or a claim is false.
    """
    executed = execute_solution(course, lab)
    require_claims(lab, executed.outcomes)
    path = course.solution(lab)
    write_notebook(executed.notebook, path)
    return path


def run_nbgrader(
    course: Course, *arguments: str, course_folder: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a stock nbgrader command with the course's configuration.

    Args:
        course: the checkout.
        *arguments: of `nbgrader`.
        course_folder: another root for submissions and gradebook; default: the checkout.
        check: whether a failure raises.

    Raises:
        CourseError: with the end of nbgrader's output, if it fails and `check`.
    """
    where = [f"--CourseDirectory.root={course_folder}"] if course_folder else []
    command = [sys.executable, "-m", "nbgrader", *arguments, *where]
    with present(course), environment(PATH=path_with_programs()):
        result = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
    if check and result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise CourseError(f"`nbgrader {' '.join(arguments)}` failed:\n{tail}")
    return result
