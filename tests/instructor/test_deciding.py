"""When an answer key is stale: what decides an observation, and what does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.instructor.deciding import deciding_digest, deciding_modules
from autograder.instructor.settings import Course, load_course
from autograder.instructor.source import read_source, select_language
from tests.conftest import ROOT

LAB = "lab1_sine_gan"


@pytest.fixture
def draft(tmp_path: Path) -> Course:
    """A copy of what a course keeps of its labs."""
    shutil.copytree(ROOT / "source_notebooks" / LAB, tmp_path / "source_notebooks" / LAB)
    shutil.copy(ROOT / "course.toml", tmp_path)
    return load_course(tmp_path)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def add_answer(course: Course) -> None:
    with course.bank(LAB).open("a", encoding="utf-8") as file:
        file.write('\n[[answer]]\nid = "one_more"\ncell = "sample"\nkind = "equivalent"\ncode = "pass"\n')


@pytest.mark.parametrize(
    "change",
    [
        lambda c: edit(c.source(LAB), "### BEGIN SOLUTION", "### BEGIN SOLUTION\nanother_line = 1"),
        lambda c: edit(c.root / "course.toml", "seed = 2023", "seed = 2022"),
        add_answer,
    ],
    ids=["code", "seed", "bank"],
)
def test_code_seed_and_bank_decide(draft: Course, change: Callable[[Course], None]) -> None:
    before = deciding_digest(draft, LAB)
    change(draft)
    assert deciding_digest(load_course(draft.root), LAB) != before


def test_prose_decides_nothing(draft: Course) -> None:
    before = deciding_digest(draft, LAB)
    with draft.source(LAB).open("a", encoding="utf-8") as file:
        file.write('\n# %% [markdown] id="farewell-es" tags=["lang-es"]\n# Hasta pronto.\n')
    assert deciding_digest(draft, LAB) == before


def modules(course: Course, lab: str) -> set[str]:
    return set(deciding_modules(course, lab, select_language(read_source(course.source(lab)), "es")))


def test_the_families_that_a_lab_uses_decide_and_others_do_not(course: Course) -> None:
    found = modules(course, LAB)
    assert {"course.checks.gan_step", "autograder.checks.base", "autograder.replay.mode"} <= found
    assert not {"course.checks.wasserstein", "course.checks.experiments"} & found
    assert "course.checks.wasserstein" in modules(course, "lab4_wgan_gp")


def test_what_a_notebook_imports_from_the_top_decides_with_its_module(course: Course) -> None:
    assert "autograder.checks.results" in modules(course, LAB)  # `loadable`


def test_how_marks_are_shown_and_said_decides_nothing(course: Course) -> None:
    idle = {"autograder.display", "autograder.summary", "autograder.emission", "autograder.session"}
    assert not idle & modules(course, LAB)


_DIGEST = f"""
from autograder.instructor.deciding import deciding_digest
from autograder.instructor.settings import load_course
print(deciding_digest(load_course(), {LAB!r}))
"""


@pytest.mark.slow
def test_a_module_of_the_course_decides_and_its_texts_do_not(tmp_path: Path) -> None:
    for name in ("autograder", "course", "source_notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "course.toml", tmp_path)

    def digest() -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-c", _DIGEST]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        ).stdout

    before = digest()
    texts = tmp_path / "autograder" / "checks" / "tensors.toml"
    texts.write_text(
        texts.read_text(encoding="utf-8").replace("was expected", "had been expected"), encoding="utf-8"
    )
    edit(tmp_path / "autograder" / "display.py", "#116329", "#116328")
    assert digest() == before
    edit(tmp_path / "course" / "checks" / "gan_step.py", '"""One training step', '"""A training step')
    assert digest() != before
