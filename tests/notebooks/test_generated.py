"""Generated files are those that the source gives, and the release gives nothing away."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.instructor import build
from autograder.instructor.claims.cells import without_claims
from autograder.instructor.deciding import deciding_digest
from autograder.instructor.observe import observe
from autograder.instructor.settings import Course
from autograder.instructor.source import (
    grade_id,
    is_check_cell,
    is_student_cell,
    read_source,
    select_language,
)
from autograder.key import AnswerKey


@pytest.fixture
def copy(course: Course, tmp_path: Path) -> Course:
    """Return a copy of the checkout's sources, to build into."""
    for name in ("source_notebooks", "release", "solutions"):
        shutil.copytree(course.root / name, tmp_path / name)
    for name in ("course.toml", "nbgrader_config.py"):
        shutil.copy(course.root / name, tmp_path / name)
    return replace(course, root=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["es", "en"])
def test_release_is_fresh(course: Course, copy: Course, lab: str, language: str) -> None:
    build.write_source(copy, lab)
    rebuilt = build.build_release(copy, lab, language).read_bytes()
    assert rebuilt == course.release(lab, language).read_bytes(), "run `course build` and commit"


def test_solution_is_fresh(course: Course, lab: str) -> None:
    solution = nbformat.read(course.solution(lab), as_version=4)
    source = without_claims(select_language(read_source(course.source(lab)), course.language))
    assert [(c.id, c.source) for c in solution.cells] == [(c.id, c.source) for c in source.cells]
    checks = [c for c in solution.cells if is_check_cell(c)]
    assert checks and all(c.outputs for c in checks)


def test_solution_gets_full_marks(course: Course, lab: str) -> None:
    for cell in nbformat.read(course.solution(lab), as_version=4).cells:
        if is_check_cell(cell):
            (score,) = [o.data["text/plain"] for o in cell.outputs if o.output_type == "execute_result"]
            assert float(score) == cell.metadata["nbgrader"]["points"], grade_id(cell)


def test_solution_has_no_errors_and_no_warnings(course: Course, lab: str) -> None:
    for cell in nbformat.read(course.solution(lab), as_version=4).cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", (cell.id, output.text)


def test_answer_key_is_fresh(course: Course, lab: str) -> None:
    assert AnswerKey.load(course.key(lab)).source == deciding_digest(course, lab), (
        "run `course build` and commit"
    )


def test_answer_key_accepts_the_reference_solution(course: Course, lab: str) -> None:
    key = AnswerKey.load(course.key(lab))
    recording = observe(course, lab, seed=course.seed(lab))
    assert list(recording.observations) == list(key.checks)
    assert [name for name, o in recording.observations.items() if not key.accepts(o)] == []
    assert [name for name, o in recording.observations.items() if key.recognises(o)] == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_release_holds_no_solution(course: Course, lab: str, language: str) -> None:
    released = course.release(lab, language).read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in released
    cells = nbformat.reads(released, as_version=4).cells
    lines = {line.strip() for c in cells if is_student_cell(c) for line in c.source.splitlines()}
    source = select_language(read_source(course.source(lab)), language)
    solved = [region for c in source.cells if is_student_cell(c) for region in solution_regions(c.source)]
    assert len(solved) >= 12
    for region in solved:
        assert not lines & {line.strip() for line in region.splitlines() if len(line.strip()) > 3}


def solution_regions(source: str) -> list[str]:
    return [part.split("### END SOLUTION")[0] for part in source.split("### BEGIN SOLUTION")[1:]]


@pytest.mark.parametrize("language", ["es", "en"])
def test_release_has_a_stub_in_its_language_in_every_student_cell(
    course: Course, lab: str, language: str
) -> None:
    stubs = {
        "es": ("ESCRIBE TU CÓDIGO AQUÍ", "Escribe tu respuesta"),
        "en": ("WRITE YOUR CODE", "Write your answer"),
    }
    notebook = nbformat.read(course.release(lab, language), as_version=4)
    cells = [c for c in notebook.cells if is_student_cell(c)]
    assert len(cells) >= 12
    for cell in cells:
        assert stubs[language][cell.cell_type == "markdown"] in cell.source, cell.id
        assert not cell.get("outputs")


@pytest.mark.parametrize("language", ["es", "en"])
def test_release_names_no_folder_of_a_machine(course: Course, lab: str, language: str) -> None:
    for path in (course.release(lab, language), course.solution(lab)):
        text = path.read_text(encoding="utf-8")
        assert str(course.root) not in text and "/tmp/" not in text and "site-packages" not in text
