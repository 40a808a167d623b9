"""docs/authoring.md: whoever types what it says has a lab that is built, audited and packed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.instructor.documents import Reader, blocks, checkout, steps

DOCUMENT = ROOT / "docs" / "authoring.md"
EXAMPLE = ROOT / "docs" / "example_lab"


@pytest.mark.parametrize(("language", "file"), [("text", "lab0_example.py"), ("toml", "answers.toml")])
def test_what_the_page_shows_of_the_example_stands_in_the_example(language: str, file: str) -> None:
    shown = blocks(DOCUMENT, language)
    assert shown and all(block in (EXAMPLE / file).read_text() for block in shown)


@pytest.mark.slow
def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    reader = Reader(checkout(tmp_path), {})
    for step in steps(DOCUMENT):
        reader.follow(step)
    key = json.loads((tmp_path / "autograder" / "keys" / "lab0_example.json").read_text())
    assert set(key["checks"]) >= {"latent.values", "generator.structure", "generator.output"}
