"""What students get works in a fresh folder and a fresh environment, and gives nothing away."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.instructor.bundle import bundle_labs
from autograder.instructor.bundle.install_cell import CELL_ID, install_cell
from autograder.instructor.bundle.packing import require_built
from autograder.instructor.demo import answer
from autograder.instructor.intake import Templates, rebuild
from autograder.instructor.release import release_lab
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import grade_id, is_student_cell, read_source, select_language
from tests.conftest import LAB1, LABS
from tests.notebooks.test_generated import solution_regions


@pytest.fixture(scope="module")
def folder(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zips of all labs."""
    folder = tmp_path_factory.mktemp("bundles")
    list(bundle_labs(course, list(course.labs), folder))
    return folder


def content(folder: Path, lab: str, language: str) -> dict[str, bytes]:
    with zipfile.ZipFile(folder / f"{lab}-{language}.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def wheel_of(files: Mapping[str, bytes]) -> zipfile.ZipFile:
    (data,) = [data for name, data in files.items() if name.endswith(".whl")]
    return zipfile.ZipFile(io.BytesIO(data))


# --- what is in it ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("language", "notes"), [("es", "LEEME.md"), ("en", "README.md")])
def test_a_zip_holds_notebook_notes_and_wheel(folder: Path, lab: str, language: str, notes: str) -> None:
    names = sorted(content(folder, lab, language))
    wheel = f"{lab}/gan_course-0.1.0-py3-none-any.whl"
    assert names == sorted([f"{lab}/{lab}.ipynb", f"{lab}/{notes}", wheel])


@pytest.mark.slow
def test_the_same_checkout_gives_the_same_bytes(course: Course, folder: Path, tmp_path: Path) -> None:
    again = list(bundle_labs(course, [LAB1], tmp_path))
    assert len(again) == 2
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in again)


@pytest.mark.slow
def test_the_wheel_holds_the_two_packages_and_no_source_bank_release_or_solution(folder: Path) -> None:
    wheel = wheel_of(content(folder, LAB1, "es"))
    names = wheel.namelist()
    roots = {name.split("/")[0] for name in names}
    assert roots == {"autograder", "course", "gan_course-0.1.0.dist-info"}
    # Templates of new labs are of no lab that there is.
    files = [name for name in names if "/templates/new_" not in name]
    assert not [
        n for n in files if re.search(r"answers\.toml|source_notebooks|\.ipynb|tests?/|\.db$|course\.toml", n)
    ]
    texts = [name for name in files if name.endswith(".toml")]
    assert texts and not [name for name in texts if b"[[answer]]" in wheel.read(name)]
    assert {f"course/keys/{lab}.json" for lab in LABS} <= set(names)


@pytest.mark.slow
def test_no_file_that_students_get_holds_a_solution(course: Course, folder: Path, lab: str) -> None:
    files = content(folder, lab, "es")
    wheel = wheel_of(files)
    # Generated pictures are no text.
    names = [name for name in wheel.namelist() if not name.endswith(".png")]
    texts = [wheel.read(name).decode() for name in names]
    texts += [data.decode() for name, data in files.items() if not name.endswith(".whl")]
    source = select_language(read_source(course.source(lab)), "es")
    regions = [part for c in source.cells if is_student_cell(c) for part in solution_regions(c.source)]
    # Of one line, such as a bare `return`, anything may consist.
    long = [region.strip() for region in regions if len(region.strip().splitlines()) >= 3]
    assert len(long) >= 5
    assert not [region for region in long if any(region in text for text in texts)]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["es", "en"])
def test_the_notebook_is_the_release_after_a_cell_that_installs_the_course(
    course: Course, folder: Path, lab: str, language: str
) -> None:
    notebook = nbformat.reads(content(folder, lab, language)[f"{lab}/{lab}.ipynb"].decode(), as_version=4)
    first, *rest = notebook.cells
    assert rest == nbformat.read(course.release(lab, language), as_version=4).cells
    assert (first.id, first.cell_type, "nbgrader" in first.metadata) == (CELL_ID, "code", False)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["es", "en"])
def test_notes_say_how_to_open_check_and_where_data_go(folder: Path, lab: str, language: str) -> None:
    name = {"es": "LEEME.md", "en": "README.md"}[language]
    notes = content(folder, lab, language)[f"{lab}/{name}"].decode()
    assert f"python -m autograder check {lab}.ipynb" in notes
    assert all(editor in notes for editor in ("JupyterLab", "VS Code", "Colab"))
    assert ("COURSE_DATA" in notes) == (lab != LAB1)
    assert "$" not in notes


# --- in a fresh environment ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has everything but this course; its packages are links to those here."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, env=_clean())
    packages = Path(found.stdout.strip())
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not re.match(r"gan_course|__editable__|autograder|course|easy-install", path.name):
            (packages / path.name).symlink_to(path)
    return python


def _clean() -> dict[str, str]:
    """Return the environment of somebody who knows nothing of this checkout, and has no network."""
    hidden = {"PYTHONPATH", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"}
    return {**{k: v for k, v in os.environ.items() if k not in hidden}, "PIP_NO_INDEX": "1"}


@pytest.mark.slow
def test_an_unpacked_bundle_installs_itself_runs_and_can_be_checked(
    folder: Path, fresh: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(folder / f"{LAB1}-es.zip") as archive:
        archive.extractall(tmp_path)
    path = tmp_path / LAB1 / f"{LAB1}.ipynb"
    absent = subprocess.run([fresh, "-c", "import autograder"], env=_clean(), cwd=tmp_path, check=False)
    assert absent.returncode != 0

    notebook = nbformat.read(path, as_version=4)
    end = next(i for i, cell in enumerate(notebook.cells) if grade_id(cell) == "identity_check")
    notebook.cells = notebook.cells[: end + 1]
    manager = AsyncKernelManager()
    argv = [str(fresh), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=argv, display_name="fresh", language="python")
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, km=manager, timeout=300, resources=resources).execute(env=_clean())
    said = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    assert said.startswith("Instalando el curso") and said.endswith("Listo.\n")
    assert "✗ Quién entrega" in str(notebook.cells[end].outputs)

    command = [fresh, "-m", "autograder", "check", path.name]
    result = subprocess.run(
        command, env=_clean(), cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert re.search(r"Total automático +0 / 70", result.stdout)


@pytest.mark.slow
def test_the_first_cell_without_the_wheel_says_where_to_put_it(fresh: Path, tmp_path: Path) -> None:
    code = install_cell("en", "gan_course", "course").source
    clean = _clean()
    python = [fresh, "-c", f"import sys; sys.modules['autograder'] = None\n{code}"]
    result = subprocess.run(python, env=clean, cwd=tmp_path, capture_output=True, text=True, check=False)
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("FileNotFoundError: There is no gan_course-….whl in ")


# --- when it is handed in -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("stripped", [False, True], ids=["as saved", "as Colab saves it"])
def test_a_submission_with_the_first_cell_is_graded_as_one_without(
    templates: Templates, answers: dict[str, str], tmp_path: Path, language: str, stripped: bool
) -> None:
    without = answer(templates.notebooks[LAB1, language], answers)
    handed_in = answer(templates.notebooks[LAB1, language], answers)
    handed_in.cells.insert(0, install_cell(language, "gan_course", "course"))
    if stripped:
        for number, cell in enumerate(handed_in.cells):
            cell.metadata, cell["id"] = NotebookNode(), f"random{number}"
    nbformat.write(handed_in, tmp_path / f"{LAB1}.ipynb")
    rebuilt = rebuild(tmp_path, LAB1, templates, "es")
    assert [c.source.strip() for c in rebuilt.notebook.cells] == [c.source.strip() for c in without.cells]
    assert [note.key for note in rebuilt.notes] == (["lost_metadata"] if stripped else [])


def test_a_student_who_edits_the_first_cell_keeps_it(
    templates: Templates, answers: dict[str, str], tmp_path: Path
) -> None:
    handed_in = answer(templates.notebooks[LAB1, "es"], answers)
    handed_in.cells.insert(0, install_cell("es", "gan_course", "course"))
    handed_in.cells[0].source += "\nmy_helper = 3"
    nbformat.write(handed_in, tmp_path / f"{LAB1}.ipynb")
    assert "my_helper" in rebuild(tmp_path, LAB1, templates, "es").notebook.cells[0].source


# --- bad input, and releasing -------------------------------------------------------------------------


def test_a_lab_that_is_not_built_is_named(course: Course, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"release/es/lab1_sine_gan/.* is missing: run `course build lab1"):
        require_built(replace(course, root=tmp_path), LAB1)


def test_a_lab_without_notes_is_named(course: Course, tmp_path: Path) -> None:
    other = replace(course, root=tmp_path, labs={"lab9": {}})
    for language in course.languages:
        path = other.release("lab9", language)
        path.parent.mkdir(parents=True)
        shutil.copy(course.release(LAB1, language), path)
    with pytest.raises(
        CourseError, match=r"lab9 has no notes on its data in 'es': write .*lab9/notes\.es\.md"
    ):
        list(bundle_labs(other, ["lab9"], tmp_path))


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(course: Course, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CourseError, match=r"cannot be written"):
        list(bundle_labs(course, [LAB1], tmp_path / "file"))


@pytest.mark.slow
def test_release_enters_the_lab_and_gives_the_same_zips(course: Course, folder: Path, tmp_path: Path) -> None:
    for name in ("source_notebooks", "release", "autograder", "course"):
        shutil.copytree(course.root / name, tmp_path / name)
    for name in ("course.toml", "nbgrader_config.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(course.root / name, tmp_path / name)
    paths = release_lab(replace(course, root=tmp_path), LAB1)
    assert (tmp_path / "gradebook.db").is_file()
    assert [path.read_bytes() for path in paths] == [(folder / path.name).read_bytes() for path in paths]
