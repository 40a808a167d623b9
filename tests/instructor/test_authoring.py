"""docs/authoring.md: whoever types what it says has a lab that is built, audited and packed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.instructor.build import build_solution, write_source
from autograder.instructor.settings import Course, CourseError
from autograder.replay import replay
from tests.conftest import ROOT
from tests.instructor.documents import Reader, blocks, checkout, steps

DOCUMENT = ROOT / "docs" / "authoring.md"
EXAMPLE = ROOT / "docs" / "example_lab"


@pytest.mark.parametrize(
    ("language", "start", "file"), [("text", "", "lab0_example.py"), ("toml", "[[answer]]", "answers.toml")]
)
def test_what_the_page_shows_of_the_example_stands_in_the_example(
    language: str, start: str, file: str
) -> None:
    shown = [block for block in blocks(DOCUMENT, language) if block.startswith(start)]
    assert shown and all(block in (EXAMPLE / file).read_text() for block in shown)


CENTRE = """
from autograder import open_lab
from autograder.judge import record
for function in (lambda x: x - x.mean(dim=0), lambda x: x - x.mean(), lambda x: x[0]):
    with record(1) as recording:
        with open_lab("any", language="en").marks("centre", points=3) as checks:
            checks.centred("centre.values", function, points=3)
    seen = recording.observations["centre.values"]
    print(len(seen.values) >= 4, seen.error)
"""


def test_the_family_that_the_page_shows_is_found_observes_and_refuses(tmp_path: Path) -> None:
    (code,) = (block for block in blocks(DOCUMENT, "python") if "FAMILY" in block)
    (texts,) = (block for block in blocks(DOCUMENT, "toml") if block.startswith("[not_centred]"))
    (entry,) = (block for block in blocks(DOCUMENT, "toml") if block.startswith("[project."))
    package = tmp_path / "mycourse" / "checks"
    package.mkdir(parents=True)
    (package / "clusters.py").write_text(code, encoding="utf-8")
    (package / "clusters.toml").write_text(texts, encoding="utf-8")
    metadata = tmp_path / "mycourse-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mycourse\nVersion: 1\n")
    ((name, points),) = tomllib.loads(entry)["project"]["entry-points"].items()
    lines = [f"[{name}]", *(f"{key} = {value}" for key, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", CENTRE], env=environment, capture_output=True, text=True, check=False
    )
    said = ["True None", "False not_centred", "False wrong_shape"]
    assert done.stdout.splitlines() == said, done.stderr


def test_what_the_page_shows_of_supplied_things_makes_them_of_the_seed() -> None:
    (code,) = (block for block in blocks(DOCUMENT, "python") if "SuppliedBlobs" in block)
    names: dict[str, Any] = {"__name__": __name__}
    exec(code, names)
    blobs = names["ClusterSupplies"]().supplied_blobs(4)
    built = []
    for seed in (1, 1, 2):
        with replay(seed) as running:
            built.append(blobs.build(running))
    assert built[0].shape == (8, 2) and built[0].equal(built[1]) and not built[0].equal(built[2])


@pytest.mark.slow
def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    reader = Reader(checkout(tmp_path), {})
    for step in steps(DOCUMENT):
        reader.follow(step)
    key = json.loads((tmp_path / "course" / "keys" / "lab0_example.json").read_text())
    assert set(key["checks"]) >= {"latent.values", "generator.structure", "generator.output"}


# --- what an author may get wrong ------------------------------------------------------------------


@pytest.fixture
def draft(course: Course, tmp_path: Path) -> Course:
    """The example lab in a course folder of its own, not built yet."""
    shutil.copytree(EXAMPLE, tmp_path / "source_notebooks" / "lab0_example")
    return replace(course, root=tmp_path, labs={"lab0_example": {"seed": 2099}})


def edit(draft: Course, old: str, new: str) -> None:
    path = draft.source("lab0_example")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_notebook_that_opens_another_lab_is_described(draft: Course) -> None:
    edit(draft, 'open_lab("lab0_example"', 'open_lab("lab1_sine_gan"')
    with pytest.raises(CourseError, match=r"cell 'open-lab-es' opens 'lab1_sine_gan': write open_lab"):
        write_source(draft, "lab0_example")


@pytest.mark.parametrize("seed", [{}, {"seed": "2099"}])
def test_a_lab_without_a_seed_is_described(draft: Course, seed: dict[str, str]) -> None:
    with pytest.raises(CourseError, match=r"\[labs\.lab0_example\]: seed must be a whole number"):
        replace(draft, labs={"lab0_example": seed}).seed("lab0_example")


@pytest.mark.slow
def test_a_solution_that_stops_is_described(draft: Course) -> None:
    edit(draft, "device = get_device()", "device = get_device()\nraise ValueError('no such thing')")
    with pytest.raises(CourseError, match="The solution of lab0_example stops: ValueError: no such thing"):
        build_solution(draft, "lab0_example")
