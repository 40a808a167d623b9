"""Build all that is generated: answer keys, releases in every language, executed solutions."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from autograder.instructor.environment import environment, path_with_programs
from autograder.instructor.keys import build_key
from autograder.instructor.presence import present
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import (
    code_cells,
    is_check_cell,
    read_lab,
    read_source,
    require_languages,
    write_notebook,
)
from autograder.opening import opening

Report = Callable[[str], None]
_CELL_TIMEOUT_S = 600
_SAY_MARKS = """
import json
from autograder.session import Lab
print()
print(json.dumps([
    [session.summary(None).as_json()["sections"], session.messages()]
    for session in list(globals().values()) if isinstance(session, Lab)
]))
"""


def build_lab(course: Course, lab: str, report: Report = lambda line: None) -> list[Path]:
    """Rebuild everything that is generated from one lab's source notebook.

    Args:
        course: the checkout.
        lab: the lab's id.
        report: called with a line before each part.

    Returns:
        The files written.

    Raises:
        CourseError: if the source is not as it must be, or the reference fails its own checks.
    """
    report(f"{lab}: source")
    settings = course.settings(course.require_lab(lab))
    write_source(course, lab)
    files = []
    if "prepare" in settings:
        prepare = pkgutil.resolve_name(settings["prepare"])
        files += prepare(course, lab, report)
    report(f"{lab}: answer key")
    files.append(build_key(course, lab))
    for language in course.languages:
        report(f"{lab}: release in {language}")
        files.append(build_release(course, lab, language))
    report(f"{lab}: solution")
    files.append(build_solution(course, lab))
    return files


def write_source(course: Course, lab: str) -> Path:
    """Write the bilingual notebook that nbgrader reads: build/source/<lab>/<lab>.ipynb."""
    notebook = read_source(course.source(course.require_lab(lab)))
    require_languages(notebook, course.languages)
    _require_name(notebook, lab)
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
    """Write and execute the solution notebook, in the course's first language.

    Exploration cells are tagged so that nbval compares the outputs of check cells only: training in
    float32 differs from machine to machine.
    """
    notebook = read_lab(course, lab)
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.pop("tags", []) if not tag.startswith("lang-")]
        if cell.cell_type == "code" and not is_check_cell(cell):
            tags.append("nbval-ignore-output")
        if tags:
            cell.metadata["tags"] = tags
    # Last, and not kept: what the notebook's own session says of the marks.
    notebook.cells.append(nbformat.v4.new_code_cell(_SAY_MARKS))
    with present(course), tempfile.TemporaryDirectory() as folder, environment(COURSE_PROGRESS="off"):
        client = NotebookClient(
            notebook,
            timeout=_CELL_TIMEOUT_S,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        # The kernel's own log is no output of the notebook.
        try:
            client.execute(stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            raise CourseError(f"The solution of {lab} stops: {error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise CourseError(
                f"The solution of {lab} has a cell that takes more than {_CELL_TIMEOUT_S} s here: build on a "
                "machine with less to do."
            ) from None
    _require_full_marks(lab, notebook.cells.pop())
    notebook.metadata.pop("widgets", None)
    notebook.metadata.pop("language_info", None)
    path = course.solution(lab)
    write_notebook(notebook, path)
    return path


def _require_full_marks(lab: str, said: NotebookNode) -> None:
    """Raise unless the executed solution has full marks, as students are to have them.

    Args:
        lab: the lab's id.
        said: the cell that says what marks there are.

    Raises:
        CourseError: naming the checks that refuse the solution.
    """
    text = "".join(output.get("text", "") for output in said.outputs)
    sessions = json.loads(text.splitlines()[-1])
    if not sessions:
        raise CourseError(f"The solution of {lab} opens no lab: write lab = open_lab({lab!r}, …).")
    sections, messages = sessions[0]
    lacking = [section for section in sections if section["score"] < section["max_score"]]
    if not lacking:
        return
    refused = [check["name"] for section in lacking for check in section["checks"] if not check["passed"]]
    lines = [f"{name}: {messages.get(name, '')}" for name in refused]
    blocks = ", ".join(f"{s['name']} {s['score']:g} / {s['max_score']:g}" for s in lacking)
    raise CourseError(
        f"The executed solution of {lab} lacks marks ({blocks}). Is the answer key older than "
        "what the lab imports, or is something not seeded?\n" + "\n".join(lines)
    )


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
